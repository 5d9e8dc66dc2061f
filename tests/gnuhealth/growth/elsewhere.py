"""A PostgreSQL server that somebody else started."""
from builder import Failure
from builder.postgres import Server, binaries


class Elsewhere(Server):
    """On 127.0.0.1, with a superuser postgres who needs no password."""

    def __init__(self, port):
        self.bin, self.port = binaries(), port
        if self.bin is None:
            raise Failure('No PostgreSQL programs (psql, pg_restore) found.')

    def start(self):
        self.sql('postgres', 'SELECT 1')

"""Private PostgreSQL servers, made with initdb and thrown away."""

import glob
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HOSPITAL = ROOT / "src/demo/hospital-5.0.sql.zst"
DATABASE = "hospital"
ROLE = "fhir_reader"
# PostgreSQL refuses to run as root.
OWN = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
SETTINGS = """
listen_addresses = '*'
max_connections = 60
shared_buffers = 64MB
fsync = off
wal_level = replica
max_wal_senders = 4
hot_standby = on
ssl = off
"""


def programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    return Path(found[-1]) if found else Path(shutil.which("initdb")).resolve().parent


def free():
    """A port that nobody has, and that no outgoing connection gets before it is used: those have 32768 and more. PostgreSQL
    starts without its port when that is taken, and answers on its socket alone."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as found:
            try:
                found.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Postgres:
    """One server. `namespace` is the network that it lives in."""

    def __init__(self, folder, name, namespace=None, host="127.0.0.1"):
        self.folder, self.name, self.host, self.port = folder / name, name, host, free()
        self.inside = ["ip", "netns", "exec", namespace] if namespace else []

    def run(self, program, *words, inside=False, check=True, **how):
        command = [*(self.inside if inside else []), programs() / program, *words]
        if inside and self.inside and OWN:
            # Only root enters a network; the program is still that of postgres.
            command = [*self.inside, "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", programs() / program, *words]
            return subprocess.run([str(word) for word in command], check=check, capture_output=True, text=True, cwd="/", **how)
        return subprocess.run([str(word) for word in command], check=check, capture_output=True, text=True, cwd="/", **OWN, **how)

    def initialise(self):
        self.run("initdb", "-D", self.folder, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.configure(SETTINGS)
        with open(self.folder / "pg_hba.conf", "a") as file:
            file.write("host all all all trust\nhost replication all all trust\n")

    def configure(self, text):
        with open(self.folder / "postgresql.conf", "a") as file:
            file.write(f"{text}\nport = {self.port}\nunix_socket_directories = '{self.folder}'\n")

    def start(self):
        # Not captured: the server would keep the pipes.
        with open(self.folder.parent / f"{self.name}.log", "ab") as log:
            command = [programs() / "pg_ctl", "-D", self.folder, "-w", "-t", "60", "start"]
            if self.inside and OWN:
                command = [*self.inside, "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
                how = {}
            else:
                command, how = [*self.inside, *command], OWN
            subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **how)

    @property
    def place(self):
        return f"{self.host}:{self.port}"

    def stop(self, mode="immediate"):
        self.run("pg_ctl", "-D", self.folder, "-m", mode, "-w", "-t", "30", "stop", check=False)

    def restart(self, mode):
        self.stop(mode)
        self.start()

    def promote(self):
        self.run("pg_ctl", "-D", self.folder, "-w", "promote")

    def reload(self):
        self.run("pg_ctl", "-D", self.folder, "reload")

    def sql(self, text, database=DATABASE):
        """The rows as text, asked over the socket of this machine, which no fault cuts."""
        done = self.run("psql", "-h", self.folder, "-p", self.port, "-U", "postgres", "-d", database, "-XAtqc", text)
        return done.stdout.strip()

    def holding(self, text):
        """A session that runs this; it ends when it is killed."""
        command = [programs() / "psql", "-h", self.folder, "-p", str(self.port), "-U", "postgres", "-d", DATABASE, "-XAtqc", text]
        return subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **OWN)

    def sessions(self, where="TRUE"):
        return int(self.sql(f"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gnuhealth-fhir' AND {where}"))

    def url(self, parameters="", role=ROLE):
        return f"postgresql://{role}@{self.host}:{self.port}/{DATABASE}{parameters}"

    def processes(self):
        first = int((self.folder / "postmaster.pid").read_text().split()[0])
        with open(f"/proc/{first}/task/{first}/children") as file:
            return [first, *map(int, file.read().split())]

    def freeze(self):
        """It keeps its connections and takes new ones, and says nothing."""
        for process in self.processes():
            os.kill(process, signal.SIGSTOP)

    def thaw(self):
        for process in reversed(self.processes()):
            try:
                os.kill(process, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def fill(self, program):
        """The invented hospital of the program, and a role that may read what is served."""
        self.sql(f'CREATE DATABASE "{DATABASE}"', "postgres")
        self.sql(f"CREATE ROLE {ROLE} LOGIN", "postgres")
        unpacked = self.folder.parent / "hospital.sql"
        with open(unpacked, "wb") as out:
            subprocess.run(["zstd", "-dc", str(HOSPITAL)], check=True, stdout=out)
        unpacked.chmod(0o644)
        self.run("psql", "-h", self.folder, "-p", self.port, "-U", "postgres", "-d", DATABASE, "-Xqf", unpacked, "-v", "ON_ERROR_STOP=1")
        self.sql("ANALYZE")
        command = [program, "grants", "--role", ROLE, "--database-url", self.url(role="postgres")]
        grants = subprocess.run(command, check=True, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}).stdout
        self.sql(grants)

    def copy(self, other, *words):
        """Puts what this server has into another one, which is then started."""
        self.run("pg_basebackup", "-h", self.host, "-p", self.port, "-U", "postgres", "-D", other.folder, "-c", "fast", "--no-sync", *words)
        other.configure("")
        other.start()
        return other

    def standby(self, name):
        """A streaming replica of this server."""
        other = self.copy(Postgres(self.folder.parent, name), "-R")
        deadline = time.monotonic() + 20
        while other.sql("SELECT status FROM pg_stat_wal_receiver") != "streaming" and time.monotonic() < deadline:
            time.sleep(0.1)
        return other

"""Faults of PostgreSQL and of what stands between."""

import subprocess
import threading
import time

from gateway import Gateway
from load import USERS, Client, Load
from postgres import DATABASE, OWN, ROLE, free
from report import expect, until


def again(what, load, since, limit, quiet=1.5, broken=False):
    """All is right again in time, and nobody saw anything wrong meanwhile."""
    taken = load.calm(since, quiet=quiet)
    found = "never" if taken is None else f"after {taken:.1f} s"
    expect(f"{what}: every user is answered again, without a restart", taken is not None and taken <= limit, f"{found}; {load.sum()}")
    nothing_wrong(what, load, broken)


def nothing_wrong(what, load, broken=False):
    """`broken`: connections may be, since the gateway itself was."""
    right = not load.wrong and (broken or not load.gone)
    found = f"{len(load.wrong)} wrong answers, {load.gone} connections broken: {load.wrong[:3]}" if not right else ""
    expect(f"{what}: only own answers and documented errors", right, found)


def restarted(site):
    with site.load() as load:
        for mode in ("fast", "immediate"):
            load.reset()
            since = time.monotonic()
            site.database.restart(mode)
            again(f"PostgreSQL restarted ({mode})", load, since, 8)
        load.reset()
        site.database.stop("fast")
        found = until(lambda: site.gateway.ready()[0] == 503, 10)
        expect("PostgreSQL stopped: /readyz says so", found is not None, f"after {found and round(found, 1)} s: {site.gateway.ready()[1].strip()}")
        time.sleep(1)
        load.reset()
        time.sleep(2)
        fast = load.slowest < 3 and not load.right and bool(load.passing)
        expect("PostgreSQL stopped: every request is answered soon, with an error", fast, load.sum())
        site.database.start()
        again("PostgreSQL started again", load, time.monotonic(), 6)


def frozen(site):
    """It takes connections and says nothing: no socket ever breaks."""
    with site.load() as load:
        site.database.freeze()
        try:
            time.sleep(5)
            load.reset()
            time.sleep(5)
            expect("PostgreSQL frozen: nobody waits without an end", load.slowest < 6 and bool(load.passing), load.sum())
        finally:
            site.database.thaw()
        again("PostgreSQL goes on", load, time.monotonic(), 8)
        left = until(lambda: site.database.sessions() <= 16, 10)
        expect("PostgreSQL goes on: sessions that were given up are closed", left is not None, f"{site.database.sessions()} sessions")


def exhausted(site):
    """A table is locked, as by an update of Tryton: all sessions wait for it."""
    with site.load() as load:
        lock = site.database.holding("BEGIN; LOCK TABLE gnuhealth_patient IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)")
        try:
            # Three users, each with more than half of the sessions.
            crowd = [threading.Thread(target=one_more, args=(site, user, number), daemon=True) for user in USERS[:3] for number in range(15)]
            for thread in crowd:
                thread.start()
            time.sleep(7)
            expect("sessions exhausted: some find no room", load.passing.get("overloaded", 0) > 0, load.sum())
            expect("sessions exhausted: 503 with Retry-After, and in time", bool(load.passing) and load.slowest < 8, load.sum())
            expect("sessions exhausted: it stays ready and rights stay fresh", site.gateway.ready()[0] == 200, site.gateway.ready()[1].strip())
            waiting = site.gateway.metric("sessions_waiting")
            expect("sessions exhausted: no more sessions than set", site.database.sessions() <= 16, f"{site.database.sessions()} sessions, {waiting:.0f} requests wait")
        finally:
            since = time.monotonic()
            site.database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()")
            lock.wait(10)
        again("the lock is gone", load, since, 6)


def one_more(site, user, number):
    client = Client(site.gateway.port)
    for again in range(3):
        # Nobody has asked for that before: what is kept waits for no table.
        client.get(f"/fhir/Patient?_count=20&identifier=nobody-{number}-{again}", user)
    client.close()


def switched(site, program, folder):
    """The primary dies and its standby takes its place."""
    first, second = site.database, site.database.standby("standby")
    places = f"{first.host}:{first.port},{second.host}:{second.port}"
    url = lambda part: f"postgresql://{ROLE}@{places}/{DATABASE}?target_session_attrs={part}"
    reads = Gateway(program, folder, url("standby"))
    gateway = Gateway(program, folder, url("primary"))
    try:
        reads.start()
        expect("two hosts, target_session_attrs=standby: sessions are those of the standby", second.sessions() > 0, f"{second.sessions()} sessions there")
        with Load(reads.port, 1) as load:
            time.sleep(1)
            expect("reading from a standby", load.right > 0 and not load.passing, load.sum())
            nothing_wrong("reading from a standby", load)
        reads.stop()
        gateway.start()
        before = second.sessions()
        expect("two hosts, target_session_attrs=primary: none are those of the standby", before == 0, f"{before} sessions there")
        with Load(gateway.port) as load:
            since = time.monotonic()
            first.stop("immediate")
            second.promote()
            again("the primary is switched", load, since, 8)
            expect("the primary is switched: sessions are those of the new one", second.sessions() > 0, f"{second.sessions()} sessions there")
            second.sql("UPDATE res_user SET active = false WHERE login = 'doctor'")
            seen = until(lambda: load.wrong, 5)
            refused = bool(load.wrong) and all("401" in wrong and "as doctor" in wrong for wrong in load.wrong)
            expect("the primary is switched: rights are those of the new one", seen is not None and refused, f"after {seen and round(seen, 1)} s: {load.wrong[:1]}")
        gateway.stop()
        gateway.start()
        expect("the first host is down at the start: the second is taken", gateway.ready()[0] == 200)
    finally:
        reads.stop()
        gateway.stop()
        second.stop()
        first.start()


POOLER = """[databases]
{database} = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 6
max_client_conn = 200
server_login_retry = 1
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
{more}
"""


class Pooler:
    def __init__(self, folder, database):
        self.folder, self.database, self.port, self.process = folder / "pooler", database, free(), None
        self.folder.mkdir(mode=0o777)
        self.folder.chmod(0o777)
        (self.folder / "users").write_text("")

    def start(self, more=""):
        # With auth_type any PgBouncer signs in as the user that is named for the database.
        text = POOLER.format(database=DATABASE, host=self.database.host, port=f"{self.database.port} user={ROLE}", listen=self.port, folder=self.folder, more=more)
        (self.folder / "pgbouncer.ini").write_text(text)
        self.process = subprocess.Popen(["/usr/sbin/pgbouncer", "-q", str(self.folder / "pgbouncer.ini")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **OWN)
        time.sleep(0.7)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def url(self):
        return f"postgresql://{ROLE}@127.0.0.1:{self.port}/{DATABASE}?sslmode=disable"


def pooled(site, program, folder):
    """PgBouncer gives each transaction any of its sessions."""
    pooler = Pooler(folder, site.database)
    gateways = []
    try:
        for what, more in [("", ""), (" that drops the settings", "ignore_startup_parameters = options")]:
            pooler.start(more)
            plain = Gateway(program, folder, pooler.url())
            gateways.append(plain)
            plain.launch()
            ended = until(lambda: plain.process.poll() is not None, 20)
            clear = ended is not None and "pooler = true" in plain.said()
            expect(f"a pooler{what} is noticed at the start", clear, "" if clear else plain.said()[-300:])
            plain.stop()
            pooler.stop()
        pooler.start()
        # Two: with prepared statements one would meet those of the other.
        gateways += [Gateway(program, folder, pooler.url(), pooler=True) for _ in range(2)]
        for gateway in gateways[-2:]:
            gateway.start()
        with Load(gateways[-1].port) as load, Load(gateways[-2].port) as other:
            time.sleep(3)
            for name, one in (("one", load), ("the other", other)):
                expect(f"PgBouncer by transaction, two gateways: {name} is answered", one.right > 20 and not one.passing, one.sum())
                nothing_wrong(f"PgBouncer by transaction: {name}", one)
            most = site.database.sql(f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{ROLE}' AND client_port > 0")
            expect("PgBouncer by transaction: the sessions are its own few", int(most) <= 6 + 16, f"{most} sessions")
            load.reset()
            since = time.monotonic()
            pooler.stop()
            time.sleep(1)
            pooler.start()
            again("PgBouncer restarted", load, since, 8)
            load.reset()
            since = time.monotonic()
            site.database.restart("immediate")
            again("PostgreSQL restarted behind PgBouncer", load, since, 10)
    finally:
        for gateway in gateways:
            gateway.stop()
        pooler.stop()

"""Faults of the gateway's own machine: its end, its clock, its files."""

import glob
import http.client
import json
import ssl
import subprocess
import time

from gateway import Gateway
from load import USERS, Client, essence
from of_database import again, nothing_wrong
from report import expect, skip, until


def killed(site):
    with site.load() as load:
        page, link = first_page(site)
        load.reset()
        since = time.monotonic()
        site.gateway.kill()
        left = until(lambda: site.database.sessions() == 0, 10)
        expect("kill -9: PostgreSQL keeps no session of it", left is not None, f"after {left and round(left, 1)} s")
        kept = site.database.sql("SELECT (SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'gnuhealth-fhir'),"
                                 " (SELECT count(*) FROM pg_prepared_xacts)")
        expect("kill -9: no lock and no transaction either", kept == "0|0", kept)
        taken = site.gateway.start()
        again(f"kill -9, ready again {taken:.1f} s after its start", load, time.monotonic(), 6, broken=True)
        expect("kill -9: a link between pages still leads on", follow(site, link)[0] == 200, f"{time.monotonic() - since:.1f} s in all")


def first_page(site):
    client = Client(site.gateway.port)
    body = client.get("/fhir/Patient?_count=2&_sort=family", USERS[0])[1]
    client.close()
    page = json.loads(body)
    link = next(link["url"] for link in page["link"] if link["relation"] == "next")
    return page, link[link.index("/fhir"):]


def follow(site, link):
    client = Client(site.gateway.port)
    status, body, _ = client.get(link, USERS[0])
    client.close()
    return status, body


def clock(site, program, folder):
    """The clock of the machine jumps; the one that only runs forward does not."""
    library = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
    if not library:
        skip("clock jump", "there is no libfaketime (Debian: faketime)")
        return
    stamp = folder / "clock"
    stamp.write_text("+0")
    gateway = Gateway(program, folder, site.database.url())
    gateway.environment |= {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(stamp), "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}
    try:
        gateway.start()
        other = type(site)(site.database, gateway)
        with other.load() as load:
            _, link = first_page(other)
            status, known = follow(other, link)
            expect("clock: a link between pages leads on", status == 200, status)
            for jump, expected in (("+30m", 200), ("+2h", 410), ("-2h", 410), ("+0", 200)):
                load.reset()
                stamp.write_text(jump)
                time.sleep(1.5)
                status, body = follow(other, link)
                found = f"{status}" + ("" if status == 200 else f" {json.loads(body)['issue'][0]['details']['coding'][0]['code']}")
                right = status == expected and (status != 200 or essence(body) == essence(known))
                expect(f"clock {jump}: a link that lives for an hour", right, found)
                fresh = follow(other, first_page(other)[1])[0]
                expect(f"clock {jump}: one made now leads on", fresh == 200, fresh)
                expect(f"clock {jump}: rights stay fresh, nobody is signed out", gateway.ready()[0] == 200 and load.right > 20 and not load.passing, load.sum())
                nothing_wrong(f"clock {jump}", load)
    finally:
        gateway.stop()


def half_written(site, program, folder):
    """A configuration of which only the beginning is there when it is read."""
    gateway = site.gateway
    whole = gateway.text()
    with site.load() as load:
        ends = [at for at in range(1, len(whole)) if whole[at - 1] != "\n" and whole[at:at + 1] != "\n"]
        for at in ends[:: max(1, len(ends) // 8)]:
            said = gateway.said().count("not reloaded")
            gateway.write(whole[:at])
            gateway.hangup()
            told = until(lambda: gateway.said().count("not reloaded") > said, 10)
            if told is None or gateway.metric("reload_successful") != 0:
                expect("half-written configuration: the old one goes on", False, f"after {at} of {len(whole)} bytes: {gateway.said()[-300:]}")
                break
        else:
            sentence = [line for line in gateway.said().splitlines() if "not reloaded" in line][-1]
            expect("half-written configuration: the old one goes on, and the log says why", True, sentence.split("gnuhealth_fhir::")[-1])
        expect("half-written configuration: nobody noticed", load.right > 20 and not load.passing, load.sum())
        gateway.write(whole)
        gateway.hangup()
        good = until(lambda: gateway.metric("reload_successful") == 1, 10)
        expect("whole again: it is taken without a restart", good is not None)
        nothing_wrong("half-written configuration", load)
    other = Gateway(program, folder, site.database.url())
    text = other.text()
    other.write(text[: text.index("hospital.example") + 4])
    other.launch()
    ended = until(lambda: other.process.poll() is not None, 10)
    right = ended is not None and other.process.returncode != 0 and other.file.name in other.said()
    expect("started with a half-written configuration: it ends and says where", right, other.said().strip().splitlines()[-1] if other.said() else "nothing said")
    other.stop()


def make_certificate(folder, name, at=None, days=30):
    """Signs itself; `at` is when it begins."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), "-subj", "/CN=localhost",
               "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", f"{name}.key", "-out", f"{name}.crt"]
    subprocess.run([*(["faketime", at] if at else []), *command], check=True, capture_output=True, cwd=folder)
    return folder / f"{name}.crt", folder / f"{name}.key"


def tls_status(port, authority):
    context = ssl.create_default_context(cafile=str(authority))
    try:
        connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
        connection.request("GET", "/livez")
        return connection.getresponse().status
    except ssl.SSLCertVerificationError as error:
        return error.verify_message


def expired(site, program, folder):
    """Certificates that ended: of the gateway, and of PostgreSQL."""
    if subprocess.run(["which", "faketime"], capture_output=True).returncode:
        skip("certificates that ended", "there is no faketime to make them with (Debian: faketime)")
        return
    old, fresh = make_certificate(folder, "old", "2020-01-01 00:00:00"), make_certificate(folder, "fresh")
    own = [folder / "own.crt", folder / "own.key"]
    put = lambda pair: [target.write_bytes(source.read_bytes()) for source, target in zip(pair, own)]
    put(old)
    gateway = Gateway(program, folder, site.database.url(), tls_certificate=own[0], tls_key=own[1])
    try:
        gateway.start()
        said = [line for line in gateway.said().splitlines() if "ended at 2020-01-31" in line]
        expect("own certificate ended: the log says so at the start", bool(said), said[0].split("clients: ")[-1][-150:] if said else gateway.said()[-300:])
        end = gateway.metric("certificate_end_seconds")
        expect("own certificate ended: so does a metric", end is not None and end < time.time(), f"{end:.0f}")
        found = tls_status(gateway.port, own[0])
        expect("own certificate ended: clients refuse it", found == "certificate has expired", found)
        put(fresh)
        gateway.hangup()
        taken = until(lambda: tls_status(gateway.port, own[0]) == 200, 15)
        expect("own certificate renewed: it is taken without a restart", taken is not None, f"after {taken and round(taken, 1)} s")
        expect("own certificate renewed: the metric follows", (gateway.metric("certificate_end_seconds") or 0) > time.time())
    finally:
        gateway.stop()
    of_postgres(site, program, folder, old, fresh)


def of_postgres(site, program, folder, old, fresh):
    database = site.database

    def present(pair):
        for source, name in zip(pair, ("server.crt", "server.key")):
            target = database.folder / name
            target.write_bytes(source.read_bytes())
            target.chmod(0o600)
            stat = database.folder.stat()
            __import__("os").chown(target, stat.st_uid, stat.st_gid)
        database.sql("ALTER SYSTEM SET ssl = on")
        database.reload()
        time.sleep(0.5)

    both = folder / "authorities.pem"
    both.write_bytes(old[0].read_bytes() + fresh[0].read_bytes())
    url = database.url(f"?sslmode=verify-full&sslrootcert={both}").replace("127.0.0.1", "localhost")
    present(fresh)
    gateway = Gateway(program, folder, url)
    try:
        gateway.start()
        other = type(site)(database, gateway)
        with other.load() as load:
            encrypted = database.sql("SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'gnuhealth-fhir' AND client_port IS NOT NULL AND ssl")
            expect("PostgreSQL with a certificate: encrypted and verified", encrypted == "t" and load.right > 0, load.sum())
            present(old)
            load.reset()
            database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gnuhealth-fhir'")
            time.sleep(4)
            load.reset()
            time.sleep(1.5)
            expect("certificate of PostgreSQL ended: nothing is sent to it", not load.right and bool(load.passing), load.sum())
            expect("certificate of PostgreSQL ended: /readyz says so", gateway.ready()[0] == 503, gateway.ready()[1].strip())
            refused = Gateway(program, folder, url)
            refused.launch()
            until(lambda: refused.process.poll() is not None, 15)
            last = refused.said().strip().splitlines()[-1:]
            expect("certificate of PostgreSQL ended: a start says why", "expired" in refused.said().lower(), "".join(last)[-160:])
            refused.stop()
            present(fresh)
            again("certificate of PostgreSQL renewed", load, time.monotonic(), 8)
    finally:
        gateway.stop()
        database.sql("ALTER SYSTEM SET ssl = off")
        database.reload()

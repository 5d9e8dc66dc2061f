"""Clients that are slow, or many."""

import resource
import select
import socket
import subprocess
import sys
import time

from load import USERS, authorization
from of_database import nothing_wrong
from report import expect, skip, until

IDLE = 10_000
# From several addresses: the ports of one would not do everywhere.
ADDRESSES = [f"127.0.0.{number}" for number in range(2, 12)]


def raise_limit():
    """Open files of this process; how many there may be."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    return limit


def connect(port, count, send=b""):
    found = []
    for number in range(count):
        client = socket.socket()
        client.settimeout(10)
        client.bind((ADDRESSES[number % len(ADDRESSES)], 0))
        client.connect(("127.0.0.1", port))
        if send:
            client.sendall(send)
        found.append(client)
    return found


def closed(clients):
    """How many the server has closed."""
    poll = select.poll()
    for client in clients:
        poll.register(client, select.POLLIN | select.POLLHUP)
    gone = 0
    by_number = {client.fileno(): client for client in clients}
    for number, _ in poll.poll(0):
        try:
            gone += by_number[number].recv(65536, socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            pass
        except OSError:
            gone += 1
    return gone


def slow_writers(site):
    """Slow-loris: headers that never end, a byte now and then; bodies that never come; connections that say nothing."""
    with site.load() as load:
        before = site.gateway.memory()
        head = b"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nX-Slow: "
        body = b"POST /fhir/Patient/_search HTTP/1.1\r\nHost: x\r\nAuthorization: " + authorization(USERS[0]).encode()
        body += b"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nfamily=a"
        headers, silent, bodies = connect(site.gateway.port, 300, head), connect(site.gateway.port, 200), connect(site.gateway.port, 100, body)
        left = {"headers": headers, "silent": silent, "bodies": bodies}
        since, ended = time.monotonic(), {}
        while time.monotonic() - since < 38 and len(ended) < len(left):
            for client in [client for kind in ("headers", "bodies") if kind not in ended for client in left[kind]]:
                try:
                    client.send(b"x")
                except OSError:
                    pass
            for kind, clients in left.items():
                if kind not in ended:
                    gone = [client for client in clients if closed([client])]
                    left[kind] = [client for client in clients if client not in gone]
                    if not left[kind]:
                        ended[kind] = time.monotonic() - since
            time.sleep(0.5)
        for kind, most in (("headers", 20), ("silent", 22), ("bodies", 36)):
            expect(f"slow-loris, {kind}: cut off", ended.get(kind, 99) <= most, f"all after {ended.get(kind, 99):.0f} s")
        grown = site.gateway.memory() - before
        expect("slow-loris: everybody else is answered", not load.passing and load.right > 100, load.sum())
        expect("slow-loris: memory", grown < 32, f"{grown:+.1f} MiB")
        nothing_wrong("slow-loris", load)


def slow_readers(site):
    """They ask for much and read nothing."""
    with site.load() as load:
        before, calm = site.gateway.memory(), site.gateway.metric("connections")
        ask = f"GET /fhir/Observation?_count=500 HTTP/1.1\r\nHost: x\r\nAccept: application/fhir+ndjson\r\nAuthorization: {authorization(USERS[0])}\r\n\r\n".encode()
        clients = connect(site.gateway.port, 150)
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        # Each asks again and again, in a row, and reads none of the answers.
        for client in clients:
            client.sendall(ask * 20)
        most = 0
        for _ in range(24):
            time.sleep(0.5)
            most = max(most, site.gateway.memory())
        expect("slow readers: memory is bounded", most - before < 128, f"150 connections, at most {most - before:+.1f} MiB")
        load.reset()
        time.sleep(1.5)
        expect("slow readers: everybody else is answered", load.right > 20 and not load.passing, load.sum())
        nothing_wrong("slow readers", load)
        for client in clients:
            client.close()
        left = until(lambda: site.gateway.metric("connections") <= calm + 2, 15)
        expect("slow readers: gone when they go", left is not None, f"{site.gateway.metric('connections'):.0f} connections left")


def idle(site, limit):
    count = min(IDLE, limit - 500)
    if count < IDLE:
        skip("10 000 idle connections", f"this machine lets a process open {limit} files: {count} are tried")
    with site.load() as load:
        load.reset()
        before, connected = site.gateway.memory(), site.gateway.metric("connections")
        # In a process of its own, which does not share its time with the load.
        crowd = subprocess.Popen([sys.executable, __file__, str(site.gateway.port), str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        opened = crowd.stdout.readline().strip()
        found = site.gateway.metric("connections") - connected
        expect(f"{count} idle connections: each is open and was answered", opened.startswith(f"{count} ") and found >= count, f"{opened} s, {found:.0f} open")
        grown = site.gateway.memory() - before
        expect(f"{count} idle connections: memory", grown * 1024 / count < 40, f"{grown:+.0f} MiB, {grown * 1024 / count:.1f} KiB each")
        load.reset()
        time.sleep(3)
        expect(f"{count} idle connections: everybody else is answered", load.right > 50 and not load.passing and load.slowest < 2, load.sum())
        expect(f"{count} idle connections: operators too", site.gateway.ready()[0] == 200)
        nothing_wrong(f"{count} idle connections", load)
        crowd.communicate("")
        left = until(lambda: site.gateway.metric("connections") <= connected + 5, 20)
        expect(f"{count} idle connections: gone when they go", left is not None, f"{site.gateway.metric('connections'):.0f} left")


def crowd(port, count):
    """One request on each connection, then nothing: they are kept for the next one."""
    since = time.monotonic()
    clients = connect(port, count, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    answered = sum(client.recv(4096).startswith(b"HTTP/1.1 200") for client in clients)
    print(f"{answered} after {time.monotonic() - since:.1f}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    crowd(*map(int, sys.argv[1:]))

"""The network between the gateway and PostgreSQL, which lives in a network namespace of its own."""

import os
import re
import subprocess
import time
from contextlib import contextmanager

from gateway import Gateway
from load import Load
from of_database import again
from postgres import Postgres
from report import expect, until

NAMESPACE, OUTSIDE, INSIDE = f"faults{os.getpid()}", f"fo{os.getpid()}"[:15], f"fi{os.getpid()}"[:15]
# TEST-NET-2: nobody's.
HERE, THERE = "198.51.100.1", "198.51.100.2"


def do(*words, check=True):
    return subprocess.run([str(word) for word in words], check=check, capture_output=True, text=True)


def inside(*words, check=True):
    return do("ip", "netns", "exec", NAMESPACE, *words, check=check)


@contextmanager
def namespace():
    """A network with one machine; fails where the kernel does not allow it."""
    try:
        do("ip", "netns", "add", NAMESPACE)
        do("ip", "link", "add", OUTSIDE, "type", "veth", "peer", "name", INSIDE, "netns", NAMESPACE)
        do("ip", "address", "add", f"{HERE}/30", "dev", OUTSIDE)
        do("ip", "link", "set", OUTSIDE, "up")
        for words in (("address", "add", f"{THERE}/30", "dev", INSIDE), ("link", "set", INSIDE, "up"), ("link", "set", "lo", "up")):
            do("ip", "-n", NAMESPACE, *words)
        inside("iptables", "-L", "-n")
        yield
    finally:
        do("ip", "link", "del", OUTSIDE, check=False)
        do("ip", "netns", "del", NAMESPACE, check=False)


def cut():
    for chain in ("INPUT", "OUTPUT"):
        inside("iptables", "-A", chain, "-j", "DROP")


def restore():
    inside("iptables", "-F")


def connections(gateway):
    """Local ports of its sessions as the operating system has them."""
    listed = do("ss", "-Htnp", "state", "established", "dst", THERE).stdout
    return [int(re.search(r":(\d+)\s", line).group(1)) for line in listed.splitlines() if f"pid={gateway.process.pid}," in line]


def forget(ports):
    """As a firewall that lost its table: what belongs to these connections is dropped in silence."""
    for port in ports:
        inside("iptables", "-A", "INPUT", "-p", "tcp", "--sport", port, "-j", "DROP")
        inside("iptables", "-A", "OUTPUT", "-p", "tcp", "--dport", port, "-j", "DROP")


def checked(site, program, folder):
    database, gateway = Postgres(folder, "remote", NAMESPACE, THERE), None
    try:
        site.database.copy(database)
        gateway = Gateway(program, folder, database.url())
        gateway.start()
        with Load(gateway.port) as load:
            cuts(load)
            lost(load, gateway, database)
            restarted_meanwhile(load, database)
        silent(gateway)
    finally:
        restore()
        if gateway:
            gateway.stop()
        database.stop()


def cuts(load):
    cut()
    time.sleep(5)
    load.reset()
    time.sleep(3)
    expect("network cut: every request is answered with an error, and in time", load.slowest < 6 and not load.right and bool(load.passing), load.sum())
    restore()
    again("network restored", load, time.monotonic(), 8)


def lost(load, gateway, database):
    """Half-open: the gateway has connections that never answer again, while new ones work."""
    load.reset()
    ports = connections(gateway)
    since = time.monotonic()
    forget(ports)
    # Longer than a statement may take: by then each of them was tried.
    again("connections that never answer again", load, since, 15, 6)
    # The one that waits to be told something sends nothing by itself: the operating system has to find out.
    left = until(lambda: not set(connections(gateway)) & set(ports), 40, 0.5)
    expect("connections that never answer again: none is kept", left is not None, f"{len(ports)} gone after {time.monotonic() - since:.0f} s")
    restore()


def restarted_meanwhile(load, database):
    load.reset()
    cut()
    database.restart("immediate")
    time.sleep(2)
    restore()
    again("PostgreSQL restarted while the network was cut", load, time.monotonic(), 8)


def silent(gateway):
    """A start or reload while the network is cut ends with a sentence."""
    cut()
    other = Gateway(gateway.program, gateway.file.parent, gateway.settings["database_url"])
    try:
        other.launch()
        ended = until(lambda: other.process.poll() is not None, 20)
        said = other.said()
        expect("started while the network is cut: it says where nobody answers", ended is not None and f"{THERE}:" in said, f"after {ended and round(ended, 1)} s")
    finally:
        other.stop()
        restore()

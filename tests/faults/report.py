"""What was checked, line by line."""

import time

counts = {"ok": 0, "FAILED": 0, "skipped": 0}
begun = time.monotonic()


def line(word, text):
    counts[word] += 1
    print(f"{time.monotonic() - begun:6.1f} s  {word:7}  {text}", flush=True)


def expect(what, right, found=""):
    line("ok" if right else "FAILED", f"{what}: {found}" if found != "" else what)
    return right


def skip(what, why):
    line("skipped", f"{what}: {why}")


def until(done, seconds, pause=0.05):
    """How long it took until `done` was true, or None."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if done():
            return time.monotonic() - start
        time.sleep(pause)
    return None

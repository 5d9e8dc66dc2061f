"""Requests as fast as they are answered, by ApacheBench: a program in C, whose own processor time is measured with it."""
import os
import re
import shutil
import statistics
import subprocess
import time

from builder import Failure, apt_install

# Flask-Login ends a session whose client changes its name.
AGENT = 'gnuhealth-fhir-beside'


def ready():
    if not shutil.which('ab') and not (apt_install('apache2-utils') and shutil.which('ab')):
        raise Failure('There is no ApacheBench (ab). Debian, Ubuntu: apt-get install apache2-utils.')


class Request:
    """What one work asks of one server: an address, headers, and a body if it is sent by POST."""

    def __init__(self, url, headers, records, size, body=None):
        self.url, self.headers, self.body = url, headers, body
        # Of one answer, as it was before anything was measured.
        self.records, self.size = records, size
        # Answers a second in every round; the smallest share of connections that were kept; the most of a processor that ab took.
        self.rates, self.kept, self.own = [], 1.0, 0.0

    def rate(self):
        return statistics.median(self.rates)

    def run(self, connections, count):
        """Answers a second. A fixed number of requests and none cut off: where an answer takes a second, those under way count."""
        command = ['ab', '-q', '-d', '-l', '-k', '-s', '120', '-c', str(connections), '-n', str(count)]
        for name, value in dict(self.headers, **{'User-Agent': AGENT}).items():
            command += ['-H', '%s: %s' % (name, value)]
        if self.body:
            command += ['-p', str(self.body), '-T', 'application/json']
        start = time.monotonic()
        process = subprocess.Popen(command + [self.url], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            output = process.stdout.read().decode(errors='replace')
        except BaseException:
            process.kill()
            raise
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        elapsed = time.monotonic() - start

        def told(label, otherwise=None):
            found = re.search(r'^%s:\s+([\d.]+)' % label, output, re.MULTILINE)
            if not found and otherwise is None:
                raise Failure('ab did not measure %s:\n%s' % (self.url, output))
            return float(found.group(1)) if found else otherwise

        done, wrong = told('Complete requests'), told('Failed requests') + told('Non-2xx responses', 0)
        if process.returncode or done != count or wrong:
            raise Failure('%s: %d of %d answered, %d of them not as wanted\n%s' % (self.url, done, count, wrong, output))
        self.kept = min(self.kept, told('Keep-Alive requests', 0) / done)
        self.own = max(self.own, (usage.ru_utime + usage.ru_stime) / elapsed)
        return told('Requests per second')

    def warm(self, connections, seconds):
        """Every worker has loaded and planned what it needs; and how many requests a round of so many seconds takes."""
        count = self.several(connections, 0)
        self.run(connections, count)
        rate = self.run(connections, count)
        for _ in range(2):
            count = self.several(connections, rate * seconds)
            rate = self.run(connections, count)
        self.count = self.several(connections, rate * seconds)
        self.kept, self.own = 1.0, 0.0

    @staticmethod
    def several(connections, wanted):
        """At least four for each connection, and as many for each."""
        return connections * max(4, -(-int(wanted) // connections))

    def measure(self, connections):
        self.rates.append(self.run(connections, self.count))


def compare(pairs, connections, seconds, rounds):
    """Rounds in turns, so that other work on the machine slows both."""
    requests = [request for pair in pairs for request in pair]
    for request in requests:
        request.warm(connections, seconds)
    for _ in range(rounds):
        for request in requests:
            request.measure(connections)


def times(gateway, other):
    """How many times as many answers: the median of the rounds."""
    return statistics.median(mine / theirs for mine, theirs in zip(gateway.rates, other.rates))

"""The program under test, as a process."""

import http.client
import json
import os
import re
import signal
import subprocess

from postgres import free
from report import until

KEY = "0123456789abcdef0123456789abcdef"
# Short, so that what never answers is given up while somebody looks.
USUAL = {"statement_timeout": "3s", "queue_timeout": "2s", "page_link_key": KEY, "site": "http://hospital.example"}


class Gateway:
    """`settings` are those of config.toml."""

    def __init__(self, program, folder, url, **settings):
        self.program, self.port, self.admin = program, free(), free()
        self.settings = {**USUAL, "database_url": url, "listen": f"127.0.0.1:{self.port}", "admin_listen": f"127.0.0.1:{self.admin}", **settings}
        self.file, self.log = folder / f"gateway-{self.port}.toml", folder / f"gateway-{self.port}.log"
        self.process = None
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        self.write(self.text())

    def text(self):
        return "".join(f"{name} = {json.dumps(value, default=str)}\n" for name, value in self.settings.items())

    def write(self, text):
        self.file.write_text(text)

    def launch(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", "--config", str(self.file)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)

    def start(self):
        self.launch()
        taken = until(lambda: self.process.poll() is not None or self.ready()[0] == 200, 60)
        if taken is None or self.process.poll() is not None:
            raise RuntimeError(f"the gateway does not start: {self.said()[-2000:]}")
        return taken

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def hangup(self):
        self.process.send_signal(signal.SIGHUP)

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def operator(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return None, ""
        finally:
            connection.close()

    def ready(self):
        return self.operator("/readyz")

    def metric(self, name):
        found = re.search(rf"^gnuhealth_fhir_{name}(?:{{[^}}]*}})? ([0-9.e+]+)$", self.operator("/metrics")[1], re.MULTILINE)
        return float(found.group(1)) if found else None

    def memory(self):
        """MiB that it holds."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024

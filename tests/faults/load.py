"""A steady load of several users. What each may see is learnt in peace; after that every 200 must be exactly that, whatever
happens, and everything else an error that is documented."""

import base64
import hashlib
import http.client
import json
import threading
import time

# Each sees something else: by rights, or not at all.
USERS = [("doctor", "doctor-demo"), ("nurse", "nurse-demo"), ("frontdesk", "frontdesk-demo"), ("lab", "lab-demo"),
         ("nogroup", "nogroup-demo"), ("admin", "admin")]
# Is never let in, and has to wait after some tries.
STRANGER = ("stranger", "guess")
SEARCHES = ["/fhir/Patient?_count=20", "/fhir/Patient?_count=5&_sort=family", "/fhir/Condition?_count=20", "/fhir/Observation?_count=30",
            "/fhir/MedicationRequest?_count=10&_include=MedicationRequest:patient", "/fhir/Practitioner?_count=20"]
# What may be said instead of an answer, with Retry-After.
PASSING = {"database-unavailable", "database-timeout", "overloaded"}
PAUSE = 0.02


def authorization(user):
    return "Basic " + base64.b64encode(":".join(user).encode()).decode()


def essence(body, port=None):
    """What must be the same each time, from every gateway: everything but its port, ids of requests and sealed links."""
    value = json.loads(body.replace(f":{port}/".encode(), b"/") if port else body)
    for name in ("id", "meta"):
        if value.get("resourceType") in ("Bundle", "OperationOutcome"):
            value.pop(name, None)
    if value.get("resourceType") == "Bundle":
        value["link"] = sorted(link["relation"] for link in value.get("link", []))
    if value.get("resourceType") == "OperationOutcome":
        value = codes(value)
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def codes(outcome):
    return [coding["code"] for issue in outcome["issue"] for coding in issue.get("details", {}).get("coding", [])]


class Client:
    """One connection that is kept."""

    def __init__(self, port, host="127.0.0.1"):
        self.port, self.host, self.connection = port, host, None

    def open(self, timeout):
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def get(self, path, user=None, headers=(), timeout=40):
        if self.connection is None:
            self.connection = self.open(timeout)
        sent = {"Accept": "application/fhir+json", **dict(headers)}
        if user:
            sent["Authorization"] = authorization(user)
        try:
            self.connection.request("GET", path, headers=sent)
            answer = self.connection.getresponse()
            return answer.status, answer.read(), answer.headers
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None


class Load:
    """Threads that ask and compare until they are told to stop."""

    known = {}
    client = Client

    def __init__(self, port, workers=2):
        self.port, self.workers = port, workers
        self.threads, self.lock = [], threading.Lock()
        self.stopping = threading.Event()
        self.reset()

    def reset(self):
        with self.lock:
            self.right, self.passing, self.gone, self.wrong = 0, {}, 0, []
            self.slowest, self.last_bad, self.last_right = 0.0, 0.0, {}
            self.begun = time.monotonic()

    @classmethod
    def learn(cls, port):
        """Twice the same, or it cannot be compared."""
        client = cls.client(port)
        for user in USERS:
            for path in SEARCHES:
                answers = [client.get(path, user) for _ in range(2)]
                found = [(status, essence(body, port)) for status, body, _ in answers]
                assert found[0] == found[1], f"{path} as {user[0]} is not the same twice"
                cls.known[user[0], path] = found[0]
        client.close()
        return cls

    @classmethod
    def distinct(cls):
        """How many different pages the users see at one address."""
        return max(len({cls.known[user[0], path] for user in USERS}) for path in SEARCHES)

    def __enter__(self):
        for user in USERS:
            for number in range(self.workers):
                thread = threading.Thread(target=self.work, args=(user, number), daemon=True)
                thread.start()
                self.threads.append(thread)
        self.threads.append(threading.Thread(target=self.guess, daemon=True))
        self.threads[-1].start()
        # A first sign-in checks a password.
        self.calm(time.monotonic(), 30, 0.5)
        self.reset()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(45)

    def work(self, user, turn):
        client = self.client(self.port)
        while not self.stopping.is_set():
            path = SEARCHES[turn % len(SEARCHES)]
            turn += 1
            start = time.monotonic()
            try:
                status, body, headers = client.get(path, user)
            except (OSError, http.client.HTTPException):
                self.note(user, start, "gone")
                time.sleep(0.1)
                continue
            self.note(user, start, *self.judge(user, path, status, body, headers))
            time.sleep(PAUSE)
        client.close()

    def guess(self):
        client = self.client(self.port)
        while not self.stopping.wait(0.5):
            try:
                status, body, headers = client.get(SEARCHES[0], STRANGER)
                code = codes(json.loads(body))
            except (OSError, http.client.HTTPException):
                continue
            refused = (status, code) in ((401, ["credential-wrong"]), (429, ["sign-in-throttled"]))
            if not refused and not (status == 503 and set(code) <= PASSING):
                with self.lock:
                    self.wrong.append(f"{status} {code} for a stranger")
        client.close()

    def judge(self, user, path, status, body, headers):
        try:
            if (status, essence(body, self.port)) == self.known[user[0], path]:
                return ("right",)
            value = json.loads(body)
            code = codes(value) if value.get("resourceType") == "OperationOutcome" else []
        except (ValueError, KeyError):
            return "wrong", f"{status} {path} as {user[0]}: no resource: {body[:120]!r}"
        if status == 503 and code and set(code) <= PASSING and headers.get("Retry-After", "").isdigit():
            return "passing", code[0]
        others = [other for other in USERS if self.known[other[0], path] == (status, essence(body, self.port))]
        leak = f": it is the answer of {others[0][0]}" if others else ""
        return "wrong", f"{status} {code} {path} as {user[0]}{leak}"

    def note(self, user, start, kind, what=None):
        now = time.monotonic()
        with self.lock:
            self.slowest = max(self.slowest, now - start)
            if kind == "right":
                self.right += 1
                self.last_right[user[0]] = now
                return
            self.last_bad = now
            if kind == "gone":
                self.gone += 1
            elif kind == "passing":
                self.passing[what] = self.passing.get(what, 0) + 1
            else:
                self.wrong.append(what)

    def calm(self, since, seconds=40, quiet=1.5):
        """Seconds from `since` until every user had right answers and nothing else for a while; None when that does not come."""
        while time.monotonic() - since < seconds:
            with self.lock:
                now, bad = time.monotonic(), max(self.last_bad, since)
                served = len(self.last_right) == len(USERS) and min(self.last_right.values()) > bad
                if served and now - bad >= quiet:
                    return max(0.0, self.last_bad - since)
            time.sleep(0.05)
        return None

    def sum(self):
        with self.lock:
            errors = ", ".join(f"{count} × {code}" for code, count in sorted(self.passing.items())) or "no errors"
            gone = f", {self.gone} connections broken" if self.gone else ""
            return f"{self.right} right answers, {errors}{gone}, slowest {self.slowest:.1f} s"

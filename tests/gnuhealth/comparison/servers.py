"""The servers that are compared: each started, signed in to, asked, and stopped."""
import base64
import http.cookiejar
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from builder import Failure, say
from builder.postgres import free_port

from .load import AGENT, Request

LOGIN, PASSWORD = 'doctor', 'doctor-demo'
WORKERS, THREADS = 2, 8
# What a FHIR Patient tells of a patient, as a client of Tryton would ask for it.
FIELDS = ['rec_name', 'lastname', 'puid', 'gender', 'dob', 'deceased', 'dod', 'active', 'primary_care_doctor']


class Process:
    """A server on a free port of 127.0.0.1, in a process group of its own, until `stack` is left."""
    name = None

    def __init__(self, stack, folder, port):
        stack.callback(self.stop)
        self.process = None
        self.folder, self.port = folder, free_port(port)
        self.base = 'http://127.0.0.1:%d' % self.port
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies))
        self.headers = {}
        self.log = folder / (type(self).__name__.lower() + '-%d.log' % self.port)

    def start(self, command, probe, **environment):
        say('starting %s on port %d' % (self.name, self.port))
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                start_new_session=True, env=dict(os.environ, PYTHONDONTWRITEBYTECODE='1', **environment))
        for _ in range(600):
            if self.process.poll() is not None:
                break
            try:
                self.opener.open(self.base + probe, timeout=60).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.2)
        raise Failure('%s does not start; %s ends with:\n%s' % (self.name, self.log, '\n'.join(self.log.read_text().splitlines()[-15:])))

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        for signalled in (signal.SIGTERM, signal.SIGKILL):
            os.killpg(self.process.pid, signalled)
            try:
                self.process.wait(15)
                return
            except subprocess.TimeoutExpired:
                continue

    def ask(self, path, body=None, **headers):
        asked = urllib.request.Request(self.base + path, body, dict(self.headers, **{'User-Agent': AGENT}, **headers))
        try:
            with self.opener.open(asked, timeout=120) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Failure('%s answers %s with %d: %s' % (self.name, path, error.code, error.read()[:300]))

    def gunicorn(self):
        return ['-m', 'gunicorn', '--bind', '127.0.0.1:%d' % self.port, '--workers', WORKERS, '--worker-class', 'gthread',
                '--threads', THREADS, '--keep-alive', '75', '--timeout', '120', '--log-level', 'warning']

    def request(self, path, least, most, count):
        """A request whose answer was looked at: it has what was asked for."""
        answer = self.ask(path)
        found = count(answer)
        if not least <= found <= most:
            raise Failure('%s gives %s of %s for %s: %s' % (self.name, found, most, path, answer[:300]))
        return Request(self.base + path, self.headers, found, len(answer))


class Gateway(Process):
    def __init__(self, stack, folder, binary, uri):
        super().__init__(stack, folder, 18080)
        self.name = 'the gateway'
        self.headers = {'Authorization': 'Basic ' + base64.b64encode(('%s:%s' % (LOGIN, PASSWORD)).encode()).decode()}
        self.start([binary, 'serve', '--site', 'http://hospital.example', '--listen', '127.0.0.1:%d' % self.port], '/fhir/metadata',
                   GNUHEALTH_FHIR_DATABASE_URL=uri)

    def fhir(self, path, number=1):
        def count(answer):
            content = json.loads(answer)
            if content['resourceType'] == 'Bundle':
                return sum(entry['search']['mode'] == 'match' for entry in content.get('entry', []))
            return int(content['resourceType'] in ('Patient', 'CapabilityStatement'))
        return self.request('/fhir/' + path, number, number, count)


class Predecessor(Process):
    """GNU Health FHIR server: a Flask application that has trytond's ORM within it. Signing in gives a cookie."""

    def __init__(self, stack, folder, series, uri, database):
        super().__init__(stack, folder, 18180)
        self.name = 'the predecessor'
        # Its imports want its own folder on the path, and its log goes to the home directory.
        package = next(series.venv.glob('lib/python3*/site-packages/fhir_server'))
        tryton, settings = folder / 'predecessor-trytond.conf', folder / 'predecessor.py'
        tryton.write_text('[database]\nuri = %s\n' % uri)
        settings.write_text('TRYTON_DATABASE = %r\nTRYTON_CONFIG = %r\nSECRET_KEY = %r\nDEBUG = False\n' % (
            database, str(tryton), os.urandom(16).hex()))
        self.start([series.python, '-W', 'ignore', *self.gunicorn(), '--pythonpath', package, 'fhir_uwsgi:app'], '/metadata',
                   FHIR_SERVER_CONFIG=str(settings), HOME=str(folder))
        self.ask('/auth/login', urllib.parse.urlencode({'username': LOGIN, 'password': PASSWORD}).encode())
        cookies = [cookie for cookie in self.cookies if cookie.name == 'fhir']
        if not cookies:
            raise Failure('The predecessor does not let %s in; see %s.' % (LOGIN, self.log))
        self.headers = {'Cookie': 'fhir=' + cookies[0].value}

    def fhir(self, path, number=1):
        """It leaves out, without a word, every record that it cannot express: at least half must be there."""
        return self.request('/' + path, -(-number // 2), number, self.count)

    @staticmethod
    def count(answer):
        return answer.count(b'<entry>') or int(answer.startswith((b'<Patient ', b'<Conformance ')))

    def first(self, paths):
        """The first that it can answer: a record that it cannot express is "not found"."""
        for path in paths:
            try:
                self.ask('/' + path)
                return path
            except Failure as failure:
                say(str(failure))
        raise Failure('The predecessor answers none of %s.' % ', '.join(paths))

    def fullest(self, path, pages=4):
        """The page of the first few that it leaves the least out of."""
        return max(('%s&page=%d' % (path, page) for page in range(1, pages + 1)), key=lambda path: self.count(self.ask('/' + path)))


class Tryton(Process):
    """trytond: JSON-RPC in a session of Tryton."""

    def __init__(self, stack, folder, series, gunicorn, uri, database):
        super().__init__(stack, folder, 18280)
        self.name, self.database = 'trytond', database
        config = folder / 'trytond.conf'
        config.write_text('[database]\nuri = %s\n' % uri)
        self.start([series.python, '-W', 'ignore', *self.gunicorn(), 'trytond.application:app'], '/',
                   PYTHONPATH=str(gunicorn), TRYTOND_CONFIG=str(config), TRYTOND_DATABASE_NAMES=database)
        user, key = self.call('common.db.login', LOGIN, {'password': PASSWORD})[:2]
        self.headers = {'Authorization': 'Session ' + base64.b64encode(('%s:%d:%s' % (LOGIN, user, key)).encode()).decode()}
        self.context = self.call('model.res.user.get_preferences', True, {})

    def call(self, method, *parameters):
        return self.result(self.ask('/%s/' % self.database, self.body(method, parameters), **{'Content-Type': 'application/json'}))

    @staticmethod
    def body(method, parameters):
        return json.dumps({'id': 1, 'method': method, 'params': parameters}).encode()

    def result(self, answer):
        content = json.loads(answer)
        if content.get('error'):
            raise Failure('trytond answers with %s' % (content['error'],))
        return content['result']

    def rpc(self, name, method, *parameters, number=1):
        body = self.folder / ('trytond-%s.json' % name)
        body.write_bytes(self.body(method, (*parameters, self.context)))
        answer = self.ask('/%s/' % self.database, body.read_bytes(), **{'Content-Type': 'application/json'})
        rows = self.result(answer)
        if len(rows) != number or any(set(FIELDS) - set(row) for row in rows):
            raise Failure('trytond gives %d rows for %s: %s' % (len(rows), method, answer[:300]))
        return Request('%s/%s/' % (self.base, self.database), self.headers, len(rows), len(answer), body)

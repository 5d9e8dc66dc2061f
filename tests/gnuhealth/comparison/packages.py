"""What is installed for the comparison alone; the environments of the tests stay as they are."""
import pathlib

from builder import cache, run
from builder.series import SERIES, Series

GUNICORN = 'gunicorn==27.0.1'


class Packages(Series):
    """GNU Health 4.4 with the predecessor in a virtual environment of their own."""

    def __init__(self, server):
        super().__init__('4.4', server)
        self.name = 'the predecessor'
        self.folder = cache() / 'beside'
        self.folder.mkdir(parents=True, exist_ok=True)
        self.venv = self.folder / 'venv'
        self.log = self.folder / 'build.log'
        self.python = self.venv / 'bin' / 'python'
        # It names the Flask and Werkzeug that it wants itself.
        self.requirements = SERIES['4.4']['requirements'] + ['gnuhealth-fhir-server==0.9b7', GUNICORN]

    def gunicorn(self):
        """gunicorn in a folder that trytond's environment is shown."""
        folder = self.folder / GUNICORN
        if not folder.exists():
            part = pathlib.Path(str(folder) + '.part')
            run([self.python, '-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '-q', '--upgrade', '--target', part,
                 GUNICORN], self.log, 'installing ' + GUNICORN)
            part.rename(folder)
        return folder

"""A gateway of its own for the checks, and what it has to count."""
import base64
import json
import os
import subprocess
import time
import urllib.error
import urllib.request

from builder import Failure
from builder.postgres import free_port

SITTING = 'gnuhealth_patient_evaluation WHERE patient IS NOT NULL AND'
# Written without a look at the gateway's own SQL.
COUNTS = {
    'Patient': 'SELECT count(*) FROM gnuhealth_patient',
    'Practitioner': 'SELECT count(*) FROM gnuhealth_healthprofessional',
    'AllergyIntolerance': """SELECT count(*) FROM gnuhealth_patient_disease d LEFT JOIN gnuhealth_newborn n ON n.id = d.newborn_id
        WHERE (d.is_allergy OR d.allergy_type <> '') AND coalesce(d.patient, n.patient) IS NOT NULL""",
    'Appointment': """SELECT (SELECT count(*) FROM gnuhealth_appointment WHERE state IS DISTINCT FROM 'free')
        + (SELECT count(*) FROM gnuhealth_or_schedule WHERE patient IS NOT NULL)""",
    'MedicationStatement': """SELECT count(*) FROM gnuhealth_patient_medication m LEFT JOIN gnuhealth_newborn n ON n.id = m.newborn_id
        WHERE coalesce(m.patient, n.patient) IS NOT NULL""",
    'MedicationRequest': """SELECT (SELECT count(*) FROM gnuhealth_prescription_line l JOIN gnuhealth_prescription_order o
        ON o.id = l.presc_order WHERE o.patient IS NOT NULL) + (SELECT count(*) FROM gnuhealth_inpatient_medication m
        JOIN gnuhealth_inpatient_registration r ON r.id = m.registration WHERE r.patient IS NOT NULL)""",
    'Immunization': 'SELECT count(*) FROM gnuhealth_vaccination WHERE patient IS NOT NULL',
    'Observation?code=http://loinc.org|39156-5': 'SELECT count(*) FROM %s bmi > 0' % SITTING,
    'Observation?code=http://loinc.org|62409-8': 'SELECT count(*) FROM %s hip > 0' % SITTING,
}


class Gateway:
    def __init__(self, program, uri):
        self.program, self.uri = program, uri

    def __enter__(self):
        port = free_port(8650)
        environment = dict(os.environ, GNUHEALTH_FHIR_DATABASE_URL=self.uri)
        self.process = subprocess.Popen(
            [self.program, 'serve', '--site', 'http://hospital.example', '--listen', '127.0.0.1:%d' % port], env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.base = 'http://127.0.0.1:%d/fhir/' % port
        for _ in range(300):
            try:
                self.get('metadata')
                return self
            except (OSError, Failure):
                time.sleep(.1)
            if self.process.poll() is not None:
                break
        self.__exit__()
        raise Failure('%s does not serve %s' % (self.program, self.uri))

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def get(self, path, missing=False):
        """A resource as the administrator sees it; None when it may be missing and is."""
        request = urllib.request.Request(self.base + path.replace('|', '%7C'), headers={
            'Authorization': 'Basic ' + base64.b64encode(b'admin:admin').decode()})
        try:
            with urllib.request.urlopen(request, timeout=900) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if missing and error.code in (404, 410):
                return None
            raise Failure('%s is answered with %d: %s' % (path, error.code, error.read()[:300]))

"""What every department needs: the pool, the random numbers, the calendar and the two series' names."""
import datetime
import random
import secrets
import sys
import uuid

SEED = 20260101
# Everything happens before or shortly after this moment, never relative to the day of the run.
ANCHOR = datetime.datetime(2026, 1, 1, 9, 0)

# Models whose parent link is called `name` in GNU Health 4.4, with the name it has in 5.0.
CALLED_NAME_IN_44 = {
    'gnuhealth.ambulance_hp': 'sr',
    'gnuhealth.ambulatory_care_procedure': 'ambcare',
    'gnuhealth.bed.transfer': 'registration',
    'gnuhealth.birth_certificate': 'party',
    'gnuhealth.death_certificate': 'party',
    'gnuhealth.directions': 'evaluation',
    'gnuhealth.disease_group.members': 'disease',
    'gnuhealth.family_member': 'family',
    'gnuhealth.gene.variant': 'gene',
    'gnuhealth.health_service.line': 'service',
    'gnuhealth.healthprofessional': 'party',
    'gnuhealth.hospital.bed': 'product',
    'gnuhealth.hp_specialty': 'healthprof',
    'gnuhealth.icu.apache2': 'registration',
    'gnuhealth.icu.chest_drainage': 'rounding',
    'gnuhealth.icu.glasgow': 'registration',
    'gnuhealth.icu.ventilation': 'admission',
    'gnuhealth.inpatient.diet': 'registration',
    'gnuhealth.inpatient.icu': 'registration',
    'gnuhealth.inpatient.meal': 'meal',
    'gnuhealth.inpatient.meal.order': 'registration',
    'gnuhealth.inpatient.meal.order.item': 'meal_order',
    'gnuhealth.inpatient.medication': 'registration',
    'gnuhealth.inpatient.medication.admin_time': 'medication',
    'gnuhealth.inpatient.medication.log': 'medication',
    'gnuhealth.institution': 'party',
    'gnuhealth.institution.operationalsector': 'institution',
    'gnuhealth.institution.specialties': 'institution',
    'gnuhealth.insurance': 'party',
    'gnuhealth.insurance.plan': 'product',
    'gnuhealth.iss': 'evaluation',
    'gnuhealth.medicament': 'product',
    'gnuhealth.neonatal.apgar': 'newborn',
    'gnuhealth.operation': 'surgery',
    'gnuhealth.ophthalmology.findings': 'evaluation',
    'gnuhealth.or.schedule': 'oproom',
    'gnuhealth.patient': 'party',
    'gnuhealth.patient.ambulatory_care.medical_supply': 'ambcare',
    'gnuhealth.patient.ambulatory_care.medicament': 'ambcare',
    'gnuhealth.patient.cage': 'patient',
    'gnuhealth.patient.colposcopy_history': 'patient',
    'gnuhealth.patient.disease': 'patient',
    'gnuhealth.patient.ecg': 'patient',
    'gnuhealth.patient.family.diseases': 'disease',
    'gnuhealth.patient.lab.test': 'test_type',
    'gnuhealth.patient.mammography_history': 'patient',
    'gnuhealth.patient.medication': 'patient',
    'gnuhealth.patient.menstrual_history': 'patient',
    'gnuhealth.patient.pap_history': 'patient',
    'gnuhealth.patient.pregnancy': 'patient',
    'gnuhealth.patient.prenatal.evaluation': 'pregnancy',
    'gnuhealth.patient.rounding': 'registration',
    'gnuhealth.patient.rounding.medical_supply': 'rounding',
    'gnuhealth.patient.rounding.medicament': 'rounding',
    'gnuhealth.perinatal': 'pregnancy',
    'gnuhealth.perinatal.monitor': 'perinatal',
    'gnuhealth.person_alternative_identification': 'party',
    'gnuhealth.prescription.line': 'presc_order',
    'gnuhealth.puerperium.monitor': 'pregnancy',
    'gnuhealth.rounding_procedure': 'rounding',
    'gnuhealth.surgery.complication': 'surgery',
    'gnuhealth.surgery.drain': 'surgery',
    'gnuhealth.surgery.complication': 'surgery',
    'gnuhealth.surgery.drain': 'surgery',
    'gnuhealth.surgery_supply': 'surgery',
    'gnuhealth.surgery_team': 'surgery',
    'gnuhealth.vaccination': 'patient',
}


class World:
    """The database being filled. Departments leave what later ones need as attributes (`patients`, `doctors`…)."""

    def __init__(self, pool, transaction):
        self.pool = pool
        self.transaction = transaction
        self.rng = random.Random(SEED)
        self.absent = set()
        self.is_44 = 'party' not in pool.get('gnuhealth.patient')._fields

    def field(self, model, name):
        """The name of the 5.0 field `name` in this series."""
        if self.is_44 and CALLED_NAME_IN_44.get(model) == name:
            return 'name'
        return name

    def has(self, model):
        """Whether the module that brings the model is activated."""
        try:
            self.pool.get(model)
        except KeyError:
            self.absent.add(model)
            return False
        return True

    def create(self, model, **values):
        """Create one record by the names of 5.0; what this series does not have is left out (and reported)."""
        return self.create_all(model, [values])[0]

    def create_all(self, model, rows):
        """Create many at once. Not for what GNU Health's own create treats one by one (parties, conditions)."""
        return self.pool.get(model).create([self.known(model, values) for values in rows])

    def known(self, model, values):
        Model = self.pool.get(model)
        known = {}
        for name, value in values.items():
            actual = self.field(model, name)
            if actual not in Model._fields:
                self.absent.add('%s.%s' % (model, name))
                continue
            known[actual] = getattr(value, 'id', value) if not isinstance(value, (list, str)) else value
        return known

    def write(self, record, **values):
        record.__class__.write([record], values)

    def search(self, model, domain=(), **options):
        """All matching records, in the order of their ids."""
        return self.pool.get(model).search(list(domain), order=[('id', 'ASC')], **options)

    def one(self, model, *domain):
        found = self.search(model, domain, limit=1)
        if not found:
            raise SystemExit('no %s with %s in this database' % (model, domain))
        return found[0]

    def sql(self, query, *args):
        """For what no form of Tryton lets a user enter. Returns the rows of a SELECT."""
        cursor = self.transaction.connection.cursor()
        cursor.execute(query, args)
        return cursor.fetchall() if cursor.description else []

    # random, always from the same source

    def chance(self, probability):
        return self.rng.random() < probability

    def pick(self, options):
        return self.rng.choice(options)

    def between(self, low, high, digits=0):
        value = self.rng.uniform(low, high)
        return round(value, digits) if digits else int(round(value))

    def past(self, days=1500, after=0):
        """A moment of a working day in the years before the anchor, in UTC."""
        back = self.rng.randint(after, days)
        moment = ANCHOR - datetime.timedelta(days=back)
        return moment.replace(hour=self.rng.randint(11, 20), minute=self.rng.choice((0, 5, 15, 20, 30, 45)))


def make_deterministic():
    """Numbers that GNU Health and passlib draw themselves: the same on every run."""
    source = random.Random(SEED)
    random.seed(SEED)

    def uuid4():
        return uuid.UUID(int=source.getrandbits(128), version=4)

    uuid.uuid4 = uuid4
    secrets.choice = random.Random(SEED).choice
    for name, module in list(sys.modules.items()):
        if name.startswith('trytond.modules.') and getattr(module, 'uuid4', None):
            module.uuid4 = uuid4
    try:
        import passlib.utils.handlers
        passlib.utils.handlers.rng = random.Random(SEED)
    except ImportError:
        pass

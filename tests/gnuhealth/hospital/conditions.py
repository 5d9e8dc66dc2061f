"""Conditions and allergies of patients."""
import datetime

from .world import ANCHOR

COUNT = 440
ALLERGIES = 60
COMMON = ('I10 E11 E10 J45 J18.9 J06.9 K21.9 N39.0 M54.5 F32.9 F41.1 G43.9 E03.9 E78.5 D50.9 A09 A15.0 B20 B57.2 A90 C50.9'
          ' C34.9 I21.9 I50.9 I48 J44.9 K35.8 K80.2 N18.9 S72.0 S06.0 O14.9 O80 P07.3 Q21.1 R50.9 R07.4 R10.4 R51 Z34.9'
          ' G40.9 L20.9 H10.9 H66.9 E66.9 B18.2 M06.9 N20.0 T78.2 Z00.0').split()
ALLERGENS = 'T78.0 T78.4 Z88.0 Z88.2 Z91.0 L23.9 J30.1'.split()
SEVERITIES = [None, '1_mi', '2_mo', '3_sv']


def fill(world):
    codes = world.pool.get('gnuhealth.pathology')
    found = {record.code: record for record in codes.search([('code', 'in', COMMON + ALLERGENS)])}
    if not found:
        # The catalogue is a module of its own; without it a site types in what it needs.
        found = {code: world.create('gnuhealth.pathology', code=code, name='Disease ' + code) for code in COMMON + ALLERGENS}
    world.pathologies = [found[code] for code in COMMON if code in found]
    world.pathology = found
    allergens = [found[code] for code in ALLERGENS if code in found]
    # ICD-11 sits in the same table where its module is activated.
    eleven = codes.search([('code', 'in', ['BA00.Z', '5A11', 'CA23.Z', 'ME84.2'])], order=[('id', 'ASC')])
    world.conditions = []
    for number in range(COUNT):
        patient = world.pick(world.patients)
        start = since_birth(world, patient, world.past(days=9000).date())
        healed = number % 4 == 0
        world.conditions.append(world.create(
            'gnuhealth.patient.disease', patient=patient,
            pathology=world.pick(eleven if eleven and number % 25 == 0 else world.pathologies),
            diagnosed_date=None if number % 50 == 49 else start, is_active=not healed and number % 11 > 0,
            healed_date=start + datetime.timedelta(days=20) if healed and number % 50 != 49 else None,
            status='h' if healed else world.pick(['a', 'c', 'u', 'i', 'w', None]), disease_severity=world.pick(SEVERITIES),
            is_infectious=number % 9 == 0, lab_confirmed=number % 13 == 0, est_dodx=number % 29 == 0,
            age=number % 60 if number % 50 == 49 else None,
            is_on_treatment=number % 3 == 0, date_start_treatment=start if number % 3 == 0 else None,
            date_stop_treatment=start + datetime.timedelta(days=90) if number % 6 == 0 else None,
            treatment_description='watchful waiting' if number % 6 == 0 else None,
            short_comment=world.pick([None, 'left side', 'controlled', 'Evolución favorable']),
            extra_info='First line\nSecond line: <b>not markup</b> & "quoted"' if number % 17 == 0 else None,
            healthprof=world.pick(world.doctors) if number % 7 else None, institution=world.pick(world.institutions)))
    for number in range(ALLERGIES):
        patient = world.patients[number * 4]
        world.conditions.append(world.create(
            'gnuhealth.patient.disease', patient=patient, pathology=world.pick(allergens), is_allergy=True,
            allergy_type=world.pick([None, 'da', 'fa', 'ma', 'mc']), disease_severity=world.pick(SEVERITIES),
            diagnosed_date=since_birth(world, patient, world.past().date()), status=world.pick(['a', 'c', 'h', None]),
            is_active=number % 8 > 0, healthprof=world.pick(world.doctors), institution=world.hospital,
            short_comment=world.pick(['Penicillin', 'Peanuts', 'Latex', None])))
    groups(world)


def since_birth(world, patient, day):
    """The day, or a day of the patient's life when that is earlier."""
    birth = world.birth[patient.id]
    return day if birth is None or day >= birth else min(birth + datetime.timedelta(days=2), ANCHOR.date())


def groups(world):
    """Family history: what relatives had."""
    relatives = ['mother', 'father', 'brother', 'sister', 'aunt', 'uncle', 'nephew', 'niece', 'grandfather',
                 'grandmother', 'cousin']
    for number in range(160):
        world.create('gnuhealth.patient.family.diseases', patient=world.pick(world.patients),
                     disease=world.pick(world.pathologies), relative=relatives[number % len(relatives)],
                     xory=world.pick(['m', 'f', 's', None]))

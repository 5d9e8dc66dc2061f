"""Evaluations: visits with vital signs, diagnosis, signs and the doctor's words."""
import datetime

from .world import ANCHOR

COUNT = 500
COMPLAINTS = ['Chest pain', 'Fiebre desde hace 3 días', 'Control', 'Headache', 'Dolor abdominal', 'Боль в спине', None]


def fill(world):
    world.evaluations = []
    for number in range(COUNT):
        patient = world.patients[number] if number < 40 else world.pick(world.patients)
        start = in_life(world, patient, world.past())
        doctor = world.pick(world.doctors)
        state = 'in_progress' if number % 12 == 0 else 'signed' if number % 3 == 0 else 'done'
        ended = state != 'in_progress'
        kind = world.pick(['outpatient'] * 6 + ['homecare', 'telemedicine'])
        evaluation = world.create(
            'gnuhealth.patient.evaluation', patient=patient, evaluation_start=start, state=state,
            evaluation_endtime=start + datetime.timedelta(minutes=world.rng.randint(8, 70)) if ended else None,
            evaluation_type=kind, healthprof=doctor, signed_by=doctor if ended else None, institution=world.hospital,
            specialty=world.one('gnuhealth.specialty', ('code', '=', world.pick(['GP', 'CARDIO', 'PEDIATRICS']))),
            visit_type=world.pick([None, 'new', 'followup', 'well_child', 'well_woman', 'well_man']),
            urgency=world.pick(['a', 'a', 'b', 'c']), discharge_reason=world.pick(['home'] * 8 + ['transfer', 'death']),
            chief_complaint=world.pick(COMPLAINTS), information_source='Self', reliable_info=number % 10 > 0,
            present_illness='Since yesterday.\n\nNo cough.' if number % 5 == 0 else None,
            diagnosis=world.pick(world.pathologies) if number % 4 else None,
            directions='Rest and fluids' if number % 3 == 0 else None,
            notes='Synthetic note «%d»' % number if number % 4 == 0 else None,
            user_id=world.user['doctor'], **vital_signs(world, patient, number), **mental(number))
        world.evaluations.append(evaluation)
        findings(world, evaluation, number)


def in_life(world, patient, moment):
    birth = world.birth[patient.id]
    if birth is None or moment.date() > birth:
        return moment
    return min(datetime.datetime.combine(birth, datetime.time(15)) + datetime.timedelta(days=1), ANCHOR)


def vital_signs(world, patient, number):
    birth = world.birth[patient.id]
    years = (ANCHOR.date() - birth).days / 365 if birth else 40
    values = {'temperature': world.between(35.8, 39.9, 1), 'bpm': world.between(52, 130),
              'respiratory_rate': world.between(10, 34), 'osat': world.between(86, 100)}
    if years > 3:
        values.update(systolic=world.between(88, 186), diastolic=world.between(48, 112))
    if years < 4:
        values.update(weight=world.between(2.4, 16, 2), height=world.between(46, 101, 1),
                      head_circumference=world.between(32, 50, 1))
    elif number % 3:
        weight, height = world.between(18, 130, 1), world.between(105, 198, 1)
        values.update(weight=weight, height=height, bmi=round(weight / (height / 100) ** 2, 2),
                      abdominal_circ=world.between(60, 130, 1), hip=world.between(70, 130, 1))
        values['whr'] = round(values['abdominal_circ'] / values['hip'], 2)
    if number % 6 == 0:
        values.update(glycemia=world.between(58, 320, 1), hba1c=world.between(4.1, 12, 1),
                      cholesterol_total=world.between(110, 340), hdl=world.between(22, 90), ldl=world.between(50, 210))
    if number % 14 == 0:
        values.update(body_fat=world.between(8, 44, 1), body_water=world.between(40, 70, 1),
                      body_muscle=world.between(25, 50, 1), body_bone=world.between(2, 4, 1))
    # Zeros are typed in the field and mean "not measured"; some visits measure nothing at all.
    if number % 16 == 1:
        values.update(temperature=0.0, osat=0, weight=0.0)
    if number % 10 == 7:
        return {}
    return values


def mental(number):
    if number % 9:
        return {'loc': 15, 'loc_eyes': '4', 'loc_verbal': '5', 'loc_motor': '6'}
    return {'loc': 11, 'loc_eyes': '3', 'loc_verbal': '3', 'loc_motor': '5', 'mood': 's', 'tremor': True, 'violent': False,
            'orientation': True, 'memory': number % 2 == 0, 'dehydration': True, 'malnutrition': number % 18 == 0}


def findings(world, evaluation, number):
    if number % 5 == 0:
        world.create('gnuhealth.secondary_condition', evaluation=evaluation, pathology=world.pick(world.pathologies),
                     comments='known for years')
    if number % 6 == 0:
        world.create('gnuhealth.diagnostic_hypothesis', evaluation=evaluation, pathology=world.pick(world.pathologies))
    if number % 4 == 0:
        world.create('gnuhealth.signs_and_symptoms', evaluation=evaluation,
                     sign_or_symptom=world.pick(['sign', 'symptom']),
                     clinical=world.pathology[world.pick(['R50.9', 'R07.4', 'R10.4', 'R51'])], comments='mild')

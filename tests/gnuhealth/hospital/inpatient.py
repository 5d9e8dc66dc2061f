"""Hospital stays: registrations, rounds, medication on the ward, diets, meals, intensive care."""
import datetime

from .evaluations import in_life
from .world import ANCHOR

COUNT = 150
STATES = ['finished', 'done', 'finished', 'hospitalized', 'confirmed', 'cancelled', 'free']


def fill(world):
    world.stays = []
    beds = [bed for bed in world.beds if bed.state == 'free']
    occupied = iter(list(beds))
    for number in range(COUNT):
        state = STATES[number % len(STATES)]
        if state == 'hospitalized' and sum(stay.state == 'hospitalized' for stay in world.stays) >= len(beds):
            state = 'finished'
        patient = world.pick(world.patients)
        start = in_life(world, patient, world.past(days=900, after=20))
        end = start + datetime.timedelta(days=number % 9 + 1, hours=3)
        if state in ('hospitalized', 'confirmed', 'free'):
            start, end = ANCHOR - datetime.timedelta(days=number % 5), ANCHOR + datetime.timedelta(days=3 + number % 7)
        ended = state in ('done', 'finished')
        stay = world.create(
            'gnuhealth.inpatient.registration', patient=patient, hospitalization_date=start, discharge_date=end,
            admission_type=world.pick(['routine', 'maternity', 'elective', 'urgent', 'emergency']), state=state,
            bed=next(occupied) if state == 'hospitalized' else world.pick(beds), institution=world.hospital,
            admission_reason=world.pick(world.pathologies) if ended or number % 8 else None,
            attending_physician=world.pick(world.doctors) if number % 6 else None,
            operating_physician=world.surgeon if number % 10 == 0 else None,
            discharge_reason=world.pick(['home', 'home', 'transfer', 'death', 'against_advice']) if ended else None,
            discharge_dx=world.pick(world.pathologies) if ended else None, discharged_by=world.doctors[0] if ended else None,
            discharge_plan='Control in a week' if ended and number % 2 else None, info='Brought by ambulance',
            nursing_plan='Turn every 2 h' if number % 4 == 0 else None, nutrition_notes='Low salt' if number % 5 == 0 else None)
        if state == 'hospitalized':
            world.write(stay.bed, state='occupied')
        world.stays.append(stay)
    for number, stay in enumerate(world.stays):
        if stay.state in ('hospitalized', 'done', 'finished'):
            treatment(world, stay, number)
            if number % 3 == 0:
                visit(world, stay, number)
            if stay.state == 'hospitalized':
                for turn in range(3):
                    meals(world, stay, number + turn)


def visit(world, stay, number):
    """A doctor sees the patient in bed."""
    moment = stay.hospitalization_date + datetime.timedelta(hours=4)
    world.evaluations.append(world.create(
        'gnuhealth.patient.evaluation', patient=stay.patient, evaluation_type='inpatient', evaluation_start=moment,
        evaluation_endtime=moment + datetime.timedelta(minutes=12), state='done', healthprof=world.doctors[0],
        signed_by=world.doctors[0], institution=world.hospital, inpatient_registration_code=stay, visit_type='followup',
        discharge_reason='home', information_source='Chart', urgency='a', systolic=world.between(95, 170),
        diastolic=world.between(55, 100), temperature=world.between(36, 39, 1), bpm=world.between(55, 120),
        loc=15, loc_eyes='4', loc_verbal='5', loc_motor='6', user_id=world.user['doctor'],
        diagnosis=stay.admission_reason))


def treatment(world, stay, number):
    diets = world.search('gnuhealth.diet.therapeutic', limit=9)
    if number % 3 == 0:
        world.create('gnuhealth.inpatient.diet', registration=stay, diet=world.pick(diets), remarks='small portions')
    if number % 7 == 0:
        others = [bed for bed in world.beds if bed != stay.bed]
        world.create('gnuhealth.bed.transfer', registration=stay, bed_from=world.pick(others), bed_to=stay.bed,
                     reason='isolation', transfer_date=stay.hospitalization_date + datetime.timedelta(hours=20))
    for line in range(number % 3):
        stopped = (number + line) % 7 == 0
        medication = world.create(
            'gnuhealth.inpatient.medication', registration=stay, medicament=world.pick(world.drugs), dose=world.pick([1, 500, 2.5]),
            dose_unit=world.pick(world.dose_units), route=world.pick(world.routes), form=world.pick(world.forms), qty=1,
            indication=world.pick(world.pathologies), start_treatment=stay.hospitalization_date, is_active=not stopped,
            end_treatment=stay.discharge_date if line else None, discontinued=stopped,
            discontinued_reason='allergy' if stopped else None, frequency=8, frequency_unit='hours')
        world.create('gnuhealth.inpatient.medication.admin_time', medication=medication, admin_time=datetime.time(8, 0),
                     dose=medication.dose, dose_unit=medication.dose_unit, remarks='before breakfast')
        for turn in range(3):
            world.create(
                'gnuhealth.inpatient.medication.log', medication=medication, health_professional=world.nurse,
                admin_time=stay.hospitalization_date + datetime.timedelta(hours=2 + 8 * turn), dose=medication.dose,
                dose_unit=medication.dose_unit, remarks='refused' if turn == 2 and number % 5 == 0 else None)


def meals(world, stay, number):
    state = ['draft', 'cancelled', 'ordered', 'processing', 'done'][number % 5]
    order = world.create('gnuhealth.inpatient.meal.order', registration=stay, state=state, meal_warning_ack=True,
                         mealtime=world.pick(['breakfast', 'lunch', 'dinner', 'snack', 'special']),
                         order_date=stay.hospitalization_date + datetime.timedelta(hours=5), remarks='no onions',
                         health_professional=world.nurse)
    if not hasattr(world, 'meal'):
        from .places import product
        world.meal = world.create('gnuhealth.inpatient.meal', meal=product(world, 'Soup of the day'),
                                  institution=world.hospital)
    world.create('gnuhealth.inpatient.meal.order.item', meal_order=order, meal=world.meal, remarks='warm')

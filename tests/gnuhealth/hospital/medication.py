"""Medication: what patients take, prescriptions with their lines, vaccinations."""
import datetime

from .evaluations import in_life

STATEMENTS, PRESCRIPTIONS, VACCINATIONS = 170, 150, 170
SITES = ['lvl', 'rvl', 'ld', 'rd', 'lalt', 'ralt', 'lpua', 'rpua', 'lfa', 'rfa', None]
ROUTES = ['im', 'sc', 'id', 'nas', 'po', None]


def fill(world):
    every = world.search('gnuhealth.medicament')
    world.vaccines = [medicament for medicament in every if medicament.is_vaccine]
    world.drugs = [medicament for medicament in every if not medicament.is_vaccine][:120:2]
    world.dosages = world.search('gnuhealth.medication.dosage')
    world.dose_units = world.search('gnuhealth.dose.unit')
    world.forms, world.routes = (world.search(model, limit=20) for model in ('gnuhealth.drug.form', 'gnuhealth.drug.route'))
    prescriptions(world)
    for number in range(STATEMENTS):
        patient = world.pick(world.patients)
        start = in_life(world, patient, world.past())
        discontinued, completed = number % 10 == 0, number % 10 == 1
        world.create(
            'gnuhealth.patient.medication', patient=patient, start_treatment=start if number % 14 else None,
            end_treatment=start + datetime.timedelta(days=30) if number % 14 and number % 2 else None,
            is_active=not (discontinued or completed), discontinued=discontinued, course_completed=completed,
            discontinued_reason='rash' if discontinued else None, healthprof=world.pick(world.doctors),
            institution=world.hospital, adverse_reaction='nausea' if number % 30 == 0 else None,
            notes='taken\nwith meals' if number % 12 == 0 else None,
            prescription=own(world, patient) if number % 2 == 0 else None, **dosage(world, number))
    vaccinations(world)


def own(world, patient):
    return next((order for order in world.prescriptions if order.patient == patient), None)


def dosage(world, number):
    """How much, how often, how long; many fields stay empty in the field."""
    values = {'medicament': world.pick(world.drugs), 'qty': number % 3 + 1,
              'indication': world.pick(world.pathologies) if number % 3 else None,
              'dose': world.pick([0.5, 1, 20, 250, 500]) if number % 5 else None,
              'dose_unit': world.pick(world.dose_units) if number % 5 else None,
              'form': world.pick(world.forms) if number % 4 else None,
              'route': world.pick(world.routes) if number % 4 else None}
    if number % 3 == 0:
        values.update(common_dosage=world.pick(world.dosages), admin_times='08:00 20:00')
    elif number % 3 == 1:
        values.update(frequency=world.pick([4, 6, 8, 12, 24]), frequency_unit='hours')
    else:
        values.update(frequency_prn=True, frequency_unit='wr')
    values.update(duration=world.pick([None, 5, 7, 10, 30]), duration_period=world.pick(['days', 'months', 'indefinite']))
    if number % 25 == 0:
        values.update(infusion=True, infusion_rate=12.5, infusion_rate_units='mlhr')
    return values


def prescriptions(world):
    world.prescriptions = []
    for number in range(PRESCRIPTIONS):
        patient = world.pick(world.patients)
        moment = in_life(world, patient, world.past(days=700))
        order = world.create(
            'gnuhealth.prescription.order', patient=patient, prescription_date=moment, healthprof=world.pick(world.doctors),
            pharmacy=world.pick(world.pharmacies) if number % 3 else None, prescription_warning_ack=True,
            state='draft' if number % 9 == 0 else 'done', user_id=world.user['doctor'],
            notes='Explain the inhaler' if number % 10 == 0 else None)
        world.prescriptions.append(order)
        for line in range(number % 3 + 1):
            world.create(
                'gnuhealth.prescription.line', presc_order=order, quantity=world.pick([1, 2, 10, 20, 30]),
                refills=number % 4, allow_substitution=number % 2 == 0, start_treatment=moment,
                end_treatment=moment + datetime.timedelta(days=10) if line else None, prnt=True,
                review=moment + datetime.timedelta(days=30) if number % 8 == 0 else None,
                short_comment='with water' if line == 2 else None, **dosage(world, number + line))


def vaccinations(world):
    given = set()
    for number in range(VACCINATIONS):
        patient, vaccine = world.pick(world.patients), world.pick(world.vaccines)
        dose = number % 3 + 1
        if (patient.id, vaccine.id, dose) in given:
            continue
        given.add((patient.id, vaccine.id, dose))
        moment = in_life(world, patient, world.past())
        done = number % 6 > 0
        world.create(
            'gnuhealth.vaccination', patient=patient, vaccine=vaccine, dose=dose, date=moment,
            state='done' if done else 'in_progress', signed_by=world.nurse if done else None, healthprof=world.nurse,
            institution=world.pick(world.institutions), amount=0.5 if number % 4 else None,
            admin_route=ROUTES[number % len(ROUTES)], admin_site=SITES[number % len(SITES)],
            vaccine_lot='LOT-%04d' % number if number % 3 else None,
            vaccine_expiration_date=datetime.date(2027, 3, 31) if number % 3 else None,
            next_dose_date=moment + datetime.timedelta(days=60) if number % 5 == 0 else None,
            observations='no reaction' if number % 7 == 0 else None)

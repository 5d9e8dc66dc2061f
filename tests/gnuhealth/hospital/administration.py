"""What ties the departments together: referrals, follow-ups, treated conditions, calls at home, warnings, odd places."""
import datetime
from decimal import Decimal

from .company import organization
from .world import ANCHOR


def fill(world):
    links(world)
    prenatal(world)
    calls(world)
    warnings(world)
    places(world)
    parents(world)
    suppliers(world)


def links(world):
    """Evaluations that treat a known condition or an allergy, that come from a colleague, that lead to a next visit."""
    own = {}
    for condition in world.search('gnuhealth.patient.disease'):
        patient = getattr(condition, world.field('gnuhealth.patient.disease', 'patient'))
        if patient:
            own.setdefault(patient.id, []).append(condition)
    planned = {}
    for appointment in world.search('gnuhealth.appointment', [('state', '=', 'confirmed')]):
        planned.setdefault(appointment.patient.id, []).append(appointment)
    free = world.search('gnuhealth.appointment', [('state', '=', 'free')])
    stays = world.search('gnuhealth.inpatient.registration')
    for number, visit in enumerate(world.search('gnuhealth.patient.evaluation')):
        conditions = own.get(visit.patient.id, [])
        values = {}
        if conditions and number % 3 == 0:
            values['related_condition'] = conditions[number % len(conditions)].id
        if number % 11 == 0:
            values['derived_from'] = world.doctors[1].id
        if number % 13 == 0:
            values['derived_to'] = world.doctors[2].id
        later = [appointment for appointment in planned.get(visit.patient.id, [])
                 if appointment.appointment_date and appointment.appointment_date > visit.evaluation_start]
        if later:
            values['next_evaluation'] = later[0].id
        if values:
            world.write(visit, **values)
        if number % 50 == 0:
            # The next visit is a time that is still free; forms do not offer it.
            world.sql('UPDATE gnuhealth_patient_evaluation SET next_evaluation = %s WHERE id = %s', free[0].id, visit.id)
    # The beds of these visits.
    for number, appointment in enumerate(world.search('gnuhealth.appointment', [('appointment_type', '=', 'inpatient')])):
        mine = [stay for stay in stays if appointment.patient and stay.patient == appointment.patient]
        if mine and number % 2:
            world.write(appointment, inpatient_registration_code=mine[0].id)
    nursing = world.search('gnuhealth.patient.ambulatory_care')
    for number, session in enumerate(nursing[:60]):
        visits = world.search('gnuhealth.patient.evaluation', [('patient', '=', session.patient.id)], limit=1)
        if visits:
            world.sql('UPDATE gnuhealth_patient_ambulatory_care SET evaluation = %s WHERE id = %s', visits[0].id, session.id)
    # What forms refuse: an unknown state, no state at all, a visit of no kind.
    last = world.search('gnuhealth.patient.evaluation')[-3:]
    world.sql("UPDATE gnuhealth_patient_evaluation SET state = NULL, evaluation_type = NULL WHERE id = %s", last[0].id)
    world.sql("UPDATE gnuhealth_patient_evaluation SET state = 'zz', urgency = NULL WHERE id = %s", last[1].id)
    world.sql("UPDATE gnuhealth_inpatient_registration SET state = NULL, bed = NULL, admission_reason = NULL WHERE id = %s",
              stays[-1].id)


def prenatal(world):
    if not world.has('gnuhealth.patient.prenatal.evaluation'):
        return
    link = world.field('gnuhealth.patient.prenatal.evaluation', 'pregnancy')
    mother = world.field('gnuhealth.patient.pregnancy', 'patient')
    for check in world.search('gnuhealth.patient.prenatal.evaluation')[::2]:
        patient = getattr(getattr(check, link), mother)
        visits = world.search('gnuhealth.patient.evaluation', [('patient', '=', patient.id)], limit=1)
        if visits:
            world.write(check, evaluation=visits[0].id)


def calls(world):
    if not world.has('gnuhealth.support_request'):
        return
    for number, (place, urgency) in enumerate((('home', 'emergency'), ('school', 'low'), ('unknown', None), (None, 'urgent'))):
        visit = world.evaluations[30 + number]
        world.create(
            'gnuhealth.support_request', operator=world.nurse if number else None, patient=visit.patient, evaluation=visit,
            requestor=world.party[visit.patient.id], request_date=world.past(days=90), urgency=urgency, state='closed',
            place_occurrance=place, event_type='event%d' % (number + 18), event_specific=world.pick(world.pathologies),
            multiple_casualties=number == 2, healthcenter=world.hospital,
            latitude=Decimal('0') if number == 1 else None, longitude=Decimal('0') if number == 1 else None)


def warnings(world):
    boxes = ['allergic', 'dbt', 'hbp', 'cardio', 'cancer', 'immuno', 'cognitive', 'nutrition', 'social', 'mental']
    fields = world.pool.get('gnuhealth.patient')._fields
    for number, patient in enumerate(world.patients[20:60]):
        box = 'crit_' + boxes[number % len(boxes)]
        if box in fields:
            world.write(patient, **{box: True, 'crit_allergic': number % 7 == 0 or box == 'crit_allergic'})
    for number, condition in enumerate(world.conditions[40:60]):
        world.write(condition, is_infectious=number % 2 == 0, pregnancy_warning=number % 3 == 0)


def places(world):
    """A shelf in a store room, a store out of use, a home on the equator, a home nobody measured, a bed in no ward."""
    store = world.one('stock.location', ('code', '=', 'STO'))
    shelf = world.create('stock.location', name='Shelves «A–F»', type='view', parent=store)
    world.create('stock.location', name='Cold store', code='COLD', type='storage', parent=shelf)
    world.create('stock.location', name='Old cellar', type='storage', parent=store, active=False)
    world.create('gnuhealth.du', name='DU-EQUATOR', latitude=Decimal('0'), longitude=Decimal('0'), altitude=-12,
                 dwelling='mobilehome', urladdr='https://www.openstreetmap.org/?mlat=0&mlon=0', desc='Ил «Экватор»')
    world.create('gnuhealth.du', name='DU-NOWHERE')
    world.sql('UPDATE gnuhealth_hospital_bed SET ward = NULL, state = NULL WHERE id = %s', world.beds[-1].id)
    # A sector that belongs to no area yet.
    world.create('gnuhealth.operational_sector', name='Nueva Pompeya', info='since 2025')
    # Free time of nobody in particular, and an appointment that says only when.
    for state in ('free', 'confirmed'):
        record = world.create(
            'gnuhealth.appointment', state='free', institution=world.hospital,
            appointment_date=ANCHOR + datetime.timedelta(days=9), appointment_date_end=ANCHOR + datetime.timedelta(days=9, hours=1))
        world.sql('UPDATE gnuhealth_appointment SET state = %s, appointment_type = NULL, healthprof = NULL WHERE id = %s', state, record.id)


def parents(world):
    """A father who is no patient, and a certificate that names no parents."""
    father = world.create('party.party', name='Ngũgĩ', lastname='wa Thiong\'o', gender='m', is_person=True, fed_country=None,
                          dob=datetime.date(1970, 2, 28), est_dob=True, activation_date=None)
    certificates = world.search('gnuhealth.birth_certificate')
    if len(certificates) > 2:
        world.sql('UPDATE gnuhealth_birth_certificate SET father = %s WHERE id = %s', father.id, certificates[0].id)
        world.sql('UPDATE gnuhealth_birth_certificate SET father = NULL, mother = NULL WHERE id = %s', certificates[1].id)


def suppliers(world):
    """Who is neither a person nor anything that GNU Health has a box for."""
    organization(world, 'Droguería & Papelería "El Tábano"')

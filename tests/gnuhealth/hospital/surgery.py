"""Surgery: operations in every state with team, supplies, drains, complications; procedures of patients."""
import datetime
from decimal import Decimal

from .evaluations import in_life
from .places import product
from .world import ANCHOR

COUNT = 90
STATES = ['draft', 'confirmed', 'cancelled', 'in_progress', 'done', 'signed']


def fill(world):
    procedures(world)
    world.gauze = product(world, 'Sterile gauze', is_medical_supply=True)
    world.surgeries = []
    for number in range(COUNT):
        surgery(world, number)
    for number in range(120):
        patient_procedure(world, number)
    reservations(world)


def procedures(world):
    """ICD-9 and ICD-10-PCS codes where those modules are activated, else a few of our own."""
    world.procedures = world.search('gnuhealth.procedure', [('name', 'in', [
        '47.01', '51.23', '81.51', '74.1', '53.00', '0DTJ4ZZ', '10D00Z1', '0FT44ZZ', '93.39', '99.21'])])
    if not world.procedures:
        world.procedures = [
            world.create('gnuhealth.procedure', name=code, description=text) for code, text in (
                ('47.01', 'Laparoscopic appendectomy'), ('51.23', 'Laparoscopic cholecystectomy'),
                ('81.51', 'Total hip replacement'), ('74.1', 'Low cervical cesarean section'))]


def surgery(world, number):
    patient = world.pick(world.patients)
    state = STATES[number % len(STATES)]
    future = state in ('draft', 'confirmed')
    start = (ANCHOR + datetime.timedelta(days=3 + number) if future
             else in_life(world, patient, world.past(days=700, after=2)))
    ended = state in ('done', 'signed')
    record = world.create(
        'gnuhealth.surgery', patient=patient, state=state, surgery_date=start,
        surgery_end_date=start + datetime.timedelta(minutes=95), surgeon=world.surgeon,
        anesthetist=world.anesthetist if number % 5 else None, signed_by=world.surgeon if state == 'signed' else None,
        operating_room=None if world.is_44 else world.operating_rooms[0], institution=world.hospital, pathology=world.pick(world.pathologies),
        main_procedure=world.pick(world.procedures) if number % 4 else None, classification=world.pick(['o', 'r', 'u', 'e']),
        approach=world.pick([None, 'open', 'laparoscopic', 'robotic']), laterality=world.pick([None, 'right', 'left']),
        anesthesia_type=world.pick([None, 'general', 'regional', 'local']), description='Synthetic operation %d' % number,
        anesthesia_report='Uneventful' if ended else None, extra_info='Tolerated well' if ended else None,
        postoperative_dx=world.pick(world.pathologies) if ended else None, surgical_wound=world.pick([None, 'I', 'II']),
        patient_positioning='supine_decubitus', clavien_dindo='grade1' if number % 10 == 4 else None,
        specialty=world.one('gnuhealth.specialty', ('code', '=', 'GENERALSURG')), preop_antibiotics=True,
        preop_oximeter=True, preop_site_marking=True, preop_sterility=True, preop_bleeding_risk=number % 12 == 0)
    if world.is_44:
        # Its create() takes no id for the room.
        world.sql('UPDATE gnuhealth_surgery SET operating_room = %s WHERE id = %s', world.operating_rooms[0].id, record.id)
    world.surgeries.append(record)
    if state not in ('in_progress', 'done', 'signed'):
        return
    world.create('gnuhealth.operation', surgery=record, procedure=world.pick(world.procedures), notes='as planned')
    world.create('gnuhealth.surgery_team', surgery=record, team_member=world.surgeon,
                 role=world.main_specialty[world.surgeon.id], notes='lead')
    world.create('gnuhealth.surgery_team', surgery=record, team_member=world.nurse)
    world.create('gnuhealth.surgery_supply', surgery=record, supply=world.gauze, qty=Decimal(10), qty_used=Decimal(8))
    if number % 3 == 0:
        world.create('gnuhealth.surgery.drain', surgery=record, drain='jackson_pratt', notes='out after two days')
        world.create('gnuhealth.surgery.complication', surgery=record, complication=world.pick(world.pathologies),
                     severity='1_mi', short_comment='resolved')


def patient_procedure(world, number):
    """5.0 keeps one list of procedures; 4.4 has one per context, as have migrated databases."""
    context = ['evaluation', 'ambulatory', 'rounding', 'surgery'][number % 4]
    procedure = world.pick(world.procedures)
    if world.is_44 or number % 10 == 0:
        older(world, context, procedure)
    if world.has('gnuhealth.patient.procedure'):
        origin = world.pick({'evaluation': world.evaluations, 'rounding': world.roundings, 'surgery': world.surgeries,
                             'ambulatory': world.search('gnuhealth.patient.ambulatory_care', limit=40)}[context])
        world.create('gnuhealth.patient.procedure', patient=origin.patient, procedure=procedure, ctx=context,
                     reference=str(origin), pdate=world.past(), comments='left' if number % 5 == 0 else None)


def older(world, context, procedure):
    if context == 'evaluation':
        world.create('gnuhealth.directions', evaluation=world.pick(world.evaluations), procedure=procedure, comments='soon')
    elif context == 'rounding':
        world.create('gnuhealth.rounding_procedure', rounding=world.pick(world.roundings), procedure=procedure)
    elif context == 'ambulatory':
        care = world.pick(world.search('gnuhealth.patient.ambulatory_care', limit=40))
        world.create('gnuhealth.ambulatory_care_procedure', ambcare=care, procedure=procedure, comments='done')


def reservations(world):
    """5.0 reserves the operating room with the surgery; 4.4 leaves that to the user."""
    reserved = {reservation.surgery for reservation in world.search('gnuhealth.or.schedule')}
    for number, record in enumerate(world.surgeries[:30] + [None] * 3):
        if record is None or record not in reserved:
            start = record.surgery_date if record else ANCHOR + datetime.timedelta(days=60 + number)
            world.create(
                'gnuhealth.or.schedule', oproom=world.operating_rooms[0], surgery=record, healthprof=world.surgeon,
                patient=record.patient if record else world.pick(world.patients), reserve_from=start,
                reserve_to=start + datetime.timedelta(hours=2), urgency=world.pick(['o', 'r', 'u', 'e']),
                institution=world.hospital, health_condition=world.pick(world.pathologies), comments='first of the day')

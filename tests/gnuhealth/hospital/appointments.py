"""Appointments in every state, past and future, with free slots."""
import datetime

from .world import ANCHOR

COUNT = 180
STATES = ['confirmed', 'confirmed', 'done', 'checked_in', 'user_cancelled', 'center_cancelled', 'no_show', 'free', None]
SPECIALTIES = ['GP', 'CARDIO', 'PEDIATRICS', 'OBGYN', 'GENERALSURG']


def fill(world):
    specialties = [world.one('gnuhealth.specialty', ('code', '=', code)) for code in SPECIALTIES]
    world.consultation = world.search('product.product', [('template.type', '=', 'service')], limit=1)
    world.appointments = []
    for number in range(COUNT):
        state = STATES[number % len(STATES)]
        if state in ('done', 'checked_in'):
            moment = world.past(days=500, after=1)
        else:
            moment = ANCHOR + datetime.timedelta(days=number - 60, minutes=20 * (number % 15))
        doctor = world.rng.randrange(len(world.doctors))
        world.appointments.append(world.create(
            'gnuhealth.appointment', patient=None if state == 'free' else world.pick(world.patients), state=state,
            appointment_date=moment if number % 40 != 39 else None, urgency=world.pick(['a', 'a', 'b', 'c', None]),
            appointment_date_end=moment + datetime.timedelta(minutes=20) if number % 3 and number % 40 != 39 else None,
            healthprof=world.doctors[doctor] if number % 13 else None, institution=world.hospital,
            speciality=specialties[doctor], visit_type=world.pick(['new', 'followup', 'well_child', 'well_woman', None]),
            appointment_type=world.pick(['outpatient', 'telemedicine', 'homecare', 'inpatient']),
            consultations=world.consultation[0] if world.consultation and number % 8 == 0 else None,
            checked_in_date=moment - datetime.timedelta(minutes=9) if state in ('done', 'checked_in') else None,
            comments='brings <X-ray> & papers' if number % 11 == 0 else None))
    for appointment in world.appointments:
        if appointment.state == 'done' and appointment.patient:
            visits = [visit for visit in world.evaluations if visit.patient == appointment.patient and not visit.appointment]
            if visits:
                world.write(visits[0], appointment=appointment.id)

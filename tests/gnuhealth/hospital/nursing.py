"""Nursing: rounds on the ward, ambulatory care, intensive care scores, electrocardiograms."""
import datetime

from .evaluations import in_life

AMBULATORY, ECGS = 150, 150


def fill(world):
    world.store = world.one('stock.location', ('code', '=', 'STO'))
    world.roundings = []
    for number, stay in enumerate(world.stays):
        if stay.state in ('hospitalized', 'done', 'finished'):
            for turn in range(1 + number % 3):
                rounding(world, stay, number + turn, turn)
    for number, record in enumerate(world.roundings[::6]):
        world.create('gnuhealth.patient.rounding.medicament', rounding=record, medicament=world.pick(world.drugs),
                     quantity=number % 3 + 1, short_comment='slow drip' if number % 2 else None)
    for number in range(AMBULATORY):
        care = ambulatory(world, number)
        if number % 8 == 0:
            world.create('gnuhealth.patient.ambulatory_care.medicament', ambcare=care, medicament=world.pick(world.drugs),
                         quantity=1)
    for number in range(ECGS):
        ecg(world, number)
    for number, stay in enumerate(world.stays):
        if stay.state in ('hospitalized', 'done', 'finished') and number % 4 == 1:
            intensive(world, stay, number)


def bedside(world, number):
    values = {'systolic': world.between(85, 190), 'diastolic': world.between(45, 110), 'bpm': world.between(50, 140),
              'respiratory_rate': world.between(9, 36), 'osat': world.between(82, 100),
              'temperature': world.between(35.5, 40.2, 1), 'weight': world.between(3, 120),
              'glycemia': world.between(60, 300) if number % 3 == 0 else None}
    if number % 13 == 0:
        values.update(systolic=0, diastolic=0, temperature=0.0)
    return values


def rounding(world, stay, number, turn):
    start = stay.hospitalization_date + datetime.timedelta(hours=6 + 8 * turn)
    done = number % 5 > 0
    world.roundings.append(world.create(
        'gnuhealth.patient.rounding', registration=stay, evaluation_start=start,
        evaluation_end=start + datetime.timedelta(minutes=15) if done else None, state='done' if done else 'draft',
        health_professional=world.nurse, signed_by=world.nurse if done else None, hospitalization_location=world.store,
        pain=number % 4 == 0, pain_level=number % 11 if number % 4 == 0 else None, diuresis=world.between(300, 2500),
        evolution=world.pick(['n', 'i', 'w', None]), round_summary='Slept well' if number % 3 else None,
        icu_patient=number % 9 == 0, fio2=40 if number % 9 == 0 else None, right_pupil=3, left_pupil=4 if number % 8 == 0 else 3,
        anisocoria=number % 8 == 0, pupil_dilation=world.pick(['normal', 'miosis', 'mydriasis']), position=True,
        edema=world.pick([None, 'none', 'peripheral', 'anasarca']), stools=world.pick([None, 'normal', 'melena']),
        vomiting=world.pick([None, 'none', 'vomiting']), venous_access=world.pick([None, 'central', 'peripheral']),
        **bedside(world, number)))


def ambulatory(world, number):
    patient = world.pick(world.patients)
    start = in_life(world, patient, world.past(days=600))
    done = number % 6 > 0
    return world.create(
        'gnuhealth.patient.ambulatory_care', patient=patient, session_start=start,
        session_end=start + datetime.timedelta(minutes=25) if done else None, state='done' if done else 'draft',
        health_professional=world.nurse, signed_by=world.nurse if done else None, ordering_professional=world.doctors[0],
        base_condition=world.pick(world.pathologies), care_location=world.store, session_number=number % 5 + 1,
        next_session=start + datetime.timedelta(days=7) if number % 3 else None, session_notes='Wound clean\nNew dressing',
        evolution=world.pick(['initial', 'n', 'i', 'w']), pain=number % 3 == 0, pain_level=number % 11, **bedside(world, number))


def ecg(world, number):
    patient = world.pick(world.patients)
    world.create(
        'gnuhealth.patient.ecg', patient=patient, ecg_date=in_life(world, patient, world.past(days=600)),
        axis=world.pick(['normal', 'left', 'right', 'extreme_right']), pacemaker=world.pick(['sa', 'sa', 'av', 'pk']),
        rate=world.between(42, 150), rhythm=world.pick(['regular', 'irregular']), lead=world.pick([None, 'ii', 'v1']),
        pr=world.between(110, 220), qrs=world.between(70, 140), qt=world.between(330, 480),
        st_segment=world.pick(['normal', 'normal', 'depressed', 'elevated']), twave_inversion=number % 9 == 0,
        interpretation='Sinus rhythm' if number % 2 else 'Synthetic strip, no finding', healthprof=world.doctors[1],
        institution=world.hospital,
        inpatient_registration_code=world.pick(world.stays) if number % 10 == 0 else None)


def intensive(world, stay, number):
    start = stay.hospitalization_date + datetime.timedelta(hours=1)
    ended = stay.state != 'hospitalized'
    icu = world.create(
        'gnuhealth.inpatient.icu', registration=stay, icu_admission_date=start, admitted=not ended,
        discharged_from_icu=ended, icu_discharge_date=start + datetime.timedelta(days=1) if ended else None)
    world.create('gnuhealth.icu.ventilation', admission=icu, mv_start=start, current_mv=False,
                 mv_end=start + datetime.timedelta(hours=9), ventilation=world.pick(['none', 'nppv', 'ett', 'tracheostomy']),
                 ett_size=8, remarks='weaned')
    for turn in range(2):
        eyes, verbal, motor = world.rng.randint(1, 4), world.rng.randint(1, 5), world.rng.randint(1, 6)
        world.create('gnuhealth.icu.glasgow', registration=stay, glasgow=eyes + verbal + motor, glasgow_eyes=str(eyes),
                     evaluation_date=start + datetime.timedelta(hours=turn * 6), glasgow_verbal=str(verbal),
                     glasgow_motor=str(motor))
    world.create(
        'gnuhealth.icu.apache2', registration=stay, score_date=start + datetime.timedelta(hours=2), age=60,
        temperature=38.4, mean_ap=88, heart_rate=112, respiratory_rate=24, fio2=0.4, pao2=78, paco2=41, aado2=120, ph=7.31,
        serum_sodium=138, serum_potassium=4.1, serum_creatinine=1.2, arf=number % 8 == 1, wbc=11.2, hematocrit=38.5,
        gcs=13, chronic_condition=False, hospital_admission_type='me', apache_score=11 + number % 9)
    mine = [record for record in world.roundings if getattr(
        record, world.field('gnuhealth.patient.rounding', 'registration')) == stay]
    if mine:
        world.create('gnuhealth.icu.chest_drainage', rounding=mine[0], location=world.pick(['rl', 'll', 'mediastinum']),
                     fluid_aspect='serous', fluid_volume=150, suction=True, suction_pressure=-20, oscillation=True)

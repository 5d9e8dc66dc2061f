"""Pregnancies, births and newborns, and the histories a gynecologist keeps."""
import datetime

from .evaluations import in_life
from .world import ANCHOR


def fill(world):
    women = [patient for patient in world.patients
             if world.party[patient.id].gender == 'f' and world.birth[patient.id]
             and 17 * 365 < (ANCHOR.date() - world.birth[patient.id]).days < 60 * 365]
    for number, woman in enumerate(women):
        for gravida in range(1, number % 4 + 1):
            pregnancy(world, woman, gravida, number)
        histories(world, woman, number)
    babies = world.patients[:12]
    for number, baby in enumerate(babies):
        newborn(world, baby, women[number * 2 % len(women)], number)


def pregnancy(world, woman, gravida, number):
    current = gravida == number % 4 and number % 3 == 0
    end = None if current else datetime.datetime(2014 + gravida * 2, 5, 1 + number % 28, 14, 30)
    outcome = ['live_birth', 'live_birth', 'abortion', 'stillbirth', 'status_unknown'][(number + gravida) % 5]
    lmp = (ANCHOR - datetime.timedelta(days=90)).date() if current else end.date() - datetime.timedelta(days=270)
    record = world.create(
        'gnuhealth.patient.pregnancy', patient=woman, gravida=gravida, fetuses=2 if number % 14 == 0 else 1, lmp=lmp,
        current_pregnancy=current, pregnancy_end_date=end, pregnancy_end_result=None if current else outcome,
        reverse_weeks=None if current else 38, warning=number % 9 == 0, home_birth=number % 17 == 0, monozygotic=number % 28 == 0, institution=world.hospital,
        healthprof=world.obstetrician, notes='Planned' if number % 6 == 0 else None)
    for visit in range(2):
        world.create(
            'gnuhealth.patient.prenatal.evaluation', pregnancy=record, healthprof=world.obstetrician,
            evaluation_date=datetime.datetime.combine(lmp, datetime.time(14)) + datetime.timedelta(days=40 + 30 * visit),
            fundal_height=18 + visit * 4, fetus_heart_rate=world.between(118, 162), efw=900 * (visit + 1),
            fetal_bpd=50 + visit, fetal_ac=150, fetal_hc=170, fetal_fl=33, hypertension=number % 7 == 0, diabetes=number % 9 == 0,
            overweight=number % 3 == 0, institution=world.hospital, notes='Moves well' if visit else None,
            invasive_placentation=world.pick([None, 'normal']))
    if current:
        return
    perinatal = world.create(
        'gnuhealth.perinatal', pregnancy=record, admission_date=end - datetime.timedelta(hours=6), gravida_number=gravida,
        start_labor_mode=world.pick(['v', 'c', 've', 'vf']), fetus_presentation=world.pick(['cephalic', 'breech']),
        gestational_days=270, laceration=world.pick([None, 'perineal']), healthprof=world.obstetrician,
        institution=world.hospital, stillbirth=outcome == 'stillbirth', abortion=outcome == 'abortion')
    world.create('gnuhealth.perinatal.monitor', perinatal=perinatal, date=end - datetime.timedelta(hours=2), systolic=118,
                 diastolic=76, contractions=4, frequency=88, dilation=7, f_frequency=140, fetus_position='o', bleeding=False)
    world.create('gnuhealth.puerperium.monitor', pregnancy=record, date=end + datetime.timedelta(hours=8), systolic=112,
                 diastolic=70, frequency=80, temperature=36.7, lochia_amount='n', lochia_color='r', lochia_odor='n',
                 uterus_involution=2, healthprof=world.obstetrician, institution=world.hospital)
    if world.has('gnuhealth.pregnancy.result'):
        world.create('gnuhealth.pregnancy.result', pregnancy=record, result=outcome, labor_time=6,
                     delivery_mode=world.pick(['v', 'c', 've', 'vf']))


def histories(world, woman, number):
    day = in_life(world, woman, world.past(days=700)).date()
    common = dict(patient=woman, evaluation_date=day, healthprof=world.obstetrician, institution=world.hospital)
    world.create('gnuhealth.patient.menstrual_history', lmp=day - datetime.timedelta(days=12), lmp_length=4,
                 is_regular=True, frequency='eumenorrhea', volume='normal', dysmenorrhea=number % 3 == 0, **common)
    world.create('gnuhealth.patient.pap_history', last_pap=day, result=world.pick([None, 'negative', 'c1']), **common)
    if number % 2:
        world.create('gnuhealth.patient.mammography_history', last_mammography=day, result='normal', **common)
    if number % 4 == 0:
        world.create('gnuhealth.patient.colposcopy_history', last_colposcopy=day, result='abnormal', **common)
    world.write(woman, menarche=12, fertile=True, pap_test=True, menopause=50 if number % 5 == 0 else None)


def newborn(world, baby, mother, number):
    born = datetime.datetime.combine(world.birth[baby.id], datetime.time(3 + number, 7))
    sex = 'f' if number % 2 else 'm'
    record = world.create(
        'gnuhealth.newborn', patient=baby, mother=mother, newborn_name='Baby %d' % number, birth_date=born, sex=sex,
        cephalic_perimeter=33 + number % 3, length=48 + number % 5, weight=2400 + number * 120, apgar1=7, apgar5=9,
        healthprof=world.pediatrician, state='signed' if number % 2 else 'draft', meconium=number == 3,
        test_metabolic=True, test_audition=number % 2 == 0, neonatal_moro_reflex=True, reanimation_oxygen=number == 5,
        dismissed=born + datetime.timedelta(days=2), notes='Skin to skin' if number % 3 == 0 else None)
    for minute, score in ((1, '1'), (5, '2')):
        world.create('gnuhealth.neonatal.apgar', newborn=record, apgar_minute=minute, apgar_appearance=score,
                     apgar_pulse='2', apgar_grimace=score, apgar_activity='2', apgar_respiration=score,
                     apgar_score=4 + 3 * int(score))
    certificate = world.create(
        'gnuhealth.birth_certificate', party=world.party[baby.id], code='BC-%04d' % number, dob=world.birth[baby.id],
        mother=world.party[mother.id], country=world.country['AR'], country_subdivision=world.subdivision['AR-C'],
        institution=world.hospital, state='signed' if number % 3 else 'draft',
        signed_by=world.pediatrician if number % 3 else None,
        certification_date=born + datetime.timedelta(days=1) if number % 3 else None)
    if number % 3:
        world.write(world.party[baby.id], birth_certificate=certificate.id)

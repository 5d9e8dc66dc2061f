"""What the other departments leave out: preoperative assessments, scores and forms, pictures, reports that follow orders."""
import datetime

from .evaluations import in_life
from .laboratory import measured
from .people import JPEG, png
from .world import ANCHOR


def fill(world):
    preoperative(world)
    children(world)
    injuries(world)
    pictures(world)
    reactions(world)
    relatives(world)
    ordered(world)
    operations(world)
    contraindications(world)
    followed(world)
    studies(world)
    odd(world)


def preoperative(world):
    """Each class of the cardiac index, assessments with every study and with none."""
    for number in range(24):
        surgery = world.surgeries[number * 3]
        patient = surgery.patient
        moment = surgery.surgery_date - datetime.timedelta(days=2)
        factors = ['high_risk_surgery', 'ischemic_history', 'congestive_history', 'diabetes_history',
                   'cerebrovascular_history', 'kidney_history'][:number % 5]
        points = len(factors)
        index = world.create(
            'gnuhealth.rcri', patient=patient, rcri_date=moment, health_professional=world.pick(world.doctors) if number % 6 else None,
            rcri_total=points, rcri_class=['I', 'II', 'III', 'IV'][min(points, 3)], **{'rcri_' + factor: True for factor in factors})
        full = number % 3 == 0
        world.create(
            'gnuhealth.preoperative_assessment', patient=patient, health_professional=world.anesthetist if number % 4 else None,
            surgery=surgery if number % 2 else None, assessment_date=moment.date(), preop_rcri=index if number % 5 else None,
            evaluation=own(world, 'gnuhealth.patient.evaluation', patient) if full else None,
            ecg=own(world, 'gnuhealth.patient.ecg', patient) if full else None,
            lab_test=own(world, 'gnuhealth.lab', patient) if full else None,
            imaging_test=own(world, 'gnuhealth.imaging.test.result', patient) if full else None,
            preop_asa=world.pick([None, 'ps1', 'ps2', 'ps3', 'ps4', 'ps5', 'ps6']),
            preop_mallampati=world.pick([None, 'Class 1', 'Class 2', 'Class 3', 'Class 4']),
            surgical_wound=world.pick([None, 'I', 'II', 'III', 'IV']), preop_bleeding_risk=number % 7 == 0,
            no_anesthesia=number % 11 == 0, needs_blood_reserve=number % 8 == 0,
            surgical_decision=world.pick([None, 'revision', 'watchful_waiting', 'needs_surgery', 'urgent_surgery', 'discharge']),
            critical_info='Аллергия на латекс' if number % 9 == 0 else None, short_notes='术前禁食' if number % 10 == 0 else None,
            institution=world.hospital, surgery_date=surgery.surgery_date,
            operating_room=world.operating_rooms[0] if number % 2 else None,
            specialty=world.one('gnuhealth.specialty', ('code', '=', 'GENERALSURG')))
        if number % 2:
            world.sql('UPDATE gnuhealth_surgery SET preop_assessment = (SELECT max(id) FROM gnuhealth_preoperative_assessment)'
                      ' WHERE id = %s', surgery.id)


def own(world, model, patient):
    """The first record of the patient, or none."""
    found = world.search(model, [(world.field(model, 'patient'), '=', patient.id)], limit=1)
    return found[0] if found else None


def children(world):
    if not world.has('gnuhealth.patient.psc'):
        return
    questions = sorted(name for name in world.pool.get('gnuhealth.patient.psc')._fields
                       if name.startswith('psc_') and name != 'psc_total')
    for number in range(12):
        # One form was opened and never filled in.
        answers = {} if number == 11 else {name: world.pick([None, '0', '1', '2']) for name in questions}
        patient = world.pick(world.patients)
        world.create('gnuhealth.patient.psc', patient=patient, evaluation_start=in_life(world, patient, world.past(days=500)),
                     notes='Línea 1\nLínea 2' if number % 4 == 0 else None,
                     psc_total=sum(int(answer or 0) for answer in answers.values()), **answers)


def injuries(world):
    if not world.has('gnuhealth.iss'):
        return
    for number in range(16):
        kind = ['accidental', 'violence', 'attempt_suicide', 'motor_vehicle'][number % 4]
        evaluation = world.evaluations[number * 5]
        vehicle, violence = kind == 'motor_vehicle', kind == 'violence'
        world.create(
            'gnuhealth.iss', evaluation=evaluation, **{'code': 'ISS-%04d' % number, 'injury_type': kind},
            injury_date=evaluation.evaluation_start.date() if number % 5 else None,
            registration_date=evaluation.evaluation_start.date() if number % 3 else None,
            mva_mode='motorbike' if vehicle else None, mva_position='driver' if vehicle else None,
            mva_counterpart='truck' if vehicle else None, safety_gear='yes' if vehicle else None,
            alcohol=world.pick(['yes', 'no', 'suspected', 'unknown']), drugs=world.pick(['yes', 'no', 'suspected', 'unknown']),
            victim_perpetrator='acquaintance' if violence else None, violence_circumstances='fight' if violence else None,
            injury_method='blunt' if kind != 'motor_vehicle' else None, place_occurrance=None if vehicle else 'home',
            injury_details='Fell from a ladder' if number % 6 == 0 else None, healthcenter=world.hospital if number % 2 else None,
            disposition=world.pick(['treated_sent', 'admitted', 'observation', 'transferred']),
            operational_sector=world.sectors[0] if number % 4 == 1 else None)
    # The southern hemisphere, to the last digit.
    world.sql("UPDATE gnuhealth_iss SET latitude = -31.41666700000001, longitude = -64.183333 WHERE code = 'ISS-0003'")


def pictures(world):
    """Binary columns: a picture, one that is none, and an empty one."""
    shots = [png(200, 200, 255), JPEG, b'no picture at all', b'']
    for table, column in (('gnuhealth_patient_ecg', 'ecg_strip'), ('gnuhealth_patient_rounding', 'xray'),
                          ('gnuhealth_newborn', 'photo'), ('gnuhealth_vaccination', 'picture'),
                          ('gnuhealth_institution', 'picture'), ('gnuhealth_du', 'picture')):
        rows = world.sql('SELECT id FROM %s ORDER BY id LIMIT 4' % table)
        for (row,), shot in zip(rows, shots):
            world.sql('UPDATE %s SET %s = %%s WHERE id = %%s' % (table, column), shot, row)


def reactions(world):
    for number, medication in enumerate(world.search('gnuhealth.inpatient.medication', limit=20)):
        if number % 4 == 0:
            world.write(medication, adverse_reaction=['Urticaria', 'حكة في الجلد', 'nausea,\nvomiting'][number % 3])


def relatives(world):
    """Children have relatives' diseases as well, in 5.0."""
    for number in range(0 if world.is_44 else 8):
        world.create('gnuhealth.patient.family.diseases', patient=world.pick(world.patients), disease=world.pick(world.pathologies),
                     relative=['son', 'daughter'][number % 2], xory=[None, 's'][number % 2])


def ordered(world):
    """Sheets that follow an order, in every state; several tests share its number."""
    tests = [world.one('gnuhealth.lab.test_type', ('code', '=', code)) for code in ('CBC', 'UA', 'HTG')]
    for number in range(12):
        patient, doctor = world.patients[20 + number], world.pick(world.doctors)
        moment = in_life(world, patient, world.past(days=200))
        state = ['draft', 'done', 'validated', 'draft'][number % 4]
        for test in tests[:1 + number % 3]:
            world.create(
                'gnuhealth.patient.lab.test', patient_id=patient, test_type=test, source_type='patient', date=moment, doctor_id=doctor,
                request=90000 + number, state='ordered', urgent=number % 2 == 0, specimen_type='Orina' if number % 5 == 0 else None)
            lab = world.create(
                'gnuhealth.lab', test=test, patient=patient, source_type='patient', date_requested=moment, requestor=doctor, state=state,
                date_analysis=moment + datetime.timedelta(hours=2) if state != 'draft' else None, request_order=90000 + number,
                done_by=world.biochemist if state != 'draft' else None, pathologist=world.pick(world.doctors), historize=False,
                results='Первая строка\nвторая' if number % 4 == 1 else None, specimen_type='Orina' if number % 5 == 0 else None,
                diagnosis='Anaemia' if number % 3 == 0 else None)
            world.labs.append(lab)
            # A draft may have first results.
            known = state != 'draft' or number % 8 == 0
            world.create_all('gnuhealth.lab.test.critearea', [
                dict(gnuhealth_lab_id=lab, name=analyte.name, code=analyte.code, sequence=analyte.sequence, units=analyte.units,
                     lower_limit=analyte.lower_limit, upper_limit=analyte.upper_limit, normal_range=analyte.normal_range,
                     **(measured(world, number, analyte) if known else {}))
                for analyte in test.critearea])
    # An order of nobody's test: its number alone matches nothing.
    world.sql('UPDATE gnuhealth_patient_lab_test SET state = NULL WHERE request = 90003')


def operations(world):
    for number, surgery in enumerate(world.surgeries[:20]):
        if number % 4 == 0:
            world.sql('UPDATE gnuhealth_surgery SET surgical_intervention = %s, ellapsed_time = %s WHERE id = %s',
                      world.pick(world.procedures).id, number * 10 - 20, surgery.id)
        if number % 5 == 0:
            world.sql('UPDATE gnuhealth_surgery SET complications_notes = %s, postoperative_guidelines = %s,'
                      ' discharge_instructions = %s WHERE id = %s', 'Seroma', 'Rest\nfor a week', '安静にしてください', surgery.id)
    for severity, surgery in zip(['2_mo', '3_sv', None], world.surgeries[4:30:6]):
        world.create('gnuhealth.surgery.complication', surgery=surgery, complication=world.pick(world.pathologies), severity=severity)
    world.create('gnuhealth.surgery.drain', surgery=world.surgeries[4])


def contraindications(world):
    """What the form of a disease calls an allergy by its kind only, and one of a newborn."""
    for number, kind in enumerate(['da', 'fa', 'ma', 'mc']):
        patient = world.labs[3].patient if number == 1 else world.patients[60 + number]
        world.create('gnuhealth.patient.disease', patient=patient, pathology=world.pick(world.pathologies),
                     allergy_type=kind, disease_severity='3_sv', diagnosed_date=ANCHOR.date() if number else None,
                     healed_date=ANCHOR.date() + datetime.timedelta(days=1) if number == 2 else None, is_active=True,
                     lab_test=world.labs[3] if number == 1 else None, lab_confirmed=number == 1, institution=world.hospital)
    for condition in world.search('gnuhealth.patient.disease', [('lab_confirmed', '=', True), ('is_allergy', '=', False)]):
        patient = getattr(condition, world.field('gnuhealth.patient.disease', 'patient'))
        lab = patient and own(world, 'gnuhealth.lab', patient)
        if lab:
            world.sql('UPDATE gnuhealth_patient_disease SET lab_test = %s WHERE id = %s', lab.id, condition.id)
    if world.has('gnuhealth.newborn'):
        born = world.search('gnuhealth.newborn', limit=1)[0]
        world.sql('INSERT INTO gnuhealth_patient_disease (pathology, newborn_id, is_allergy, is_active, create_date)'
                  " VALUES (%s, %s, true, true, '2026-01-01 09:00')", world.pathologies[0].id, born.id)


def followed(world):
    """Evaluations of a known disease, or of an allergy."""
    column = world.field('gnuhealth.patient.disease', 'patient')
    for rest, order in ((0, 'ASC'), (1, 'DESC')):
        world.sql('UPDATE gnuhealth_patient_evaluation e SET related_condition = (SELECT d.id FROM gnuhealth_patient_disease d'
                  ' WHERE d."%s" = e.patient ORDER BY d.is_allergy %s, d.id LIMIT 1)'
                  ' WHERE e.related_condition IS NULL AND e.id %%%% 4 = %%s' % (column, order), rest)


def studies(world):
    """Pictures on an Orthanc server, of patients and of somebody else."""
    if not world.has('gnuhealth.orthanc.config'):
        return
    for number, address in enumerate(['https://pictures.example.org/orthanc', 'https://who:secret@old.example.org']):
        values = dict(label='server %d' % number, domain=address, user='gnuhealth', password='not-for-anybody', validated=number == 0)
        world.sql('INSERT INTO gnuhealth_orthanc_config (%s) VALUES (%s)' % (
            ', '.join('"%s"' % name for name in values), ', '.join(['%s'] * len(values))), *values.values())
    server = world.sql('SELECT min(id) FROM gnuhealth_orthanc_config')[0][0]
    for number in range(6):
        image = world.images[number]
        person = world.sql(
            'INSERT INTO gnuhealth_orthanc_patient (uuid, name, ident, patient, server) VALUES (%s, %s, %s, %s, %s) RETURNING id',
            'person-%d' % number, 'DOE^JOHN', 'P%d' % number, image.patient.id if number else None, server)[0][0]
        world.sql(
            'INSERT INTO gnuhealth_orthanc_study (uuid, patient, date, description, instance_uid, ident, server, ref_phys, imaging_test)'
            ' VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)', 'study-%d' % number, person, ANCHOR.date() if number % 2 else None,
            'Thorax', '1.2.826.0.1.3680043.8.%d' % number if number % 3 else None, 'S%d' % number, server, 'HOUSE^GREGORY',
            image.id if number % 2 else None)
    if not world.has('gnuhealth.imaging_orthanc.study'):
        return
    for number in range(6):
        image = world.images[number]
        study = world.sql(
            'INSERT INTO gnuhealth_imaging_orthanc_study (patient, patient_name, patient_id, imaging_test, server, "study_instance_UID",'
            ' "orthanc_UID", date, institution, performing_physician_name, notes, merge_id) VALUES'
            ' (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id',
            image.patient.id if number else None, 'DOE^JOHN', 'P%d' % number, image.id, 'https://pictures.example.org/orthanc',
            '1.2.826.0.1.3680043.9.1.%d' % number, 'uid-%d' % number, ['20251230', '', None, '2025-12-30'][number % 4],
            'Hospital', 'HOUSE^GREGORY' if number % 2 else None, None, '')[0][0]
        for part in range(number % 3):
            world.sql(
                'INSERT INTO gnuhealth_imaging_orthanc_study_series (study, modality, "series_UID", "orthanc_UID", series_number,'
                ' series_description) VALUES (%s, %s, %s, %s, %s, %s)', study, ['CT', 'US'][part],
                '1.2.826.0.1.3680043.9.1.%d.%d' % (number, part), 'series-%d-%d' % (number, part), str(part) if part else None, 'axial')


def odd(world):
    """Rows that no form writes."""
    world.sql('UPDATE gnuhealth_imaging_test_result SET patient = NULL WHERE id IN (%s, %s)', world.images[7].id, world.images[8].id)
    world.sql('UPDATE gnuhealth_imaging_test_result SET request = NULL WHERE id = %s', world.images[8].id)
    world.sql("UPDATE gnuhealth_lab SET state = NULL WHERE id IN (%s, %s)", world.labs[0].id, world.labs[2].id)
    world.sql('UPDATE gnuhealth_surgery SET surgery_date = NULL, surgery_end_date = NULL WHERE id = %s', world.surgeries[2].id)
    world.sql('UPDATE gnuhealth_icu_ventilation SET ett_size = 0, tracheostomy_size = -1, ventilation = NULL'
              ' WHERE id = (SELECT min(id) FROM gnuhealth_icu_ventilation)')
    world.sql('UPDATE gnuhealth_patient_genetic_risk SET onset = -4 WHERE id = (SELECT min(id) FROM gnuhealth_patient_genetic_risk)')
    if world.has('gnuhealth.patient.procedure'):
        # What it was part of is gone.
        world.sql("UPDATE gnuhealth_patient_procedure SET reference = 'gnuhealth.surgery,999999'"
                  ' WHERE id = (SELECT min(id) FROM gnuhealth_patient_procedure)')
        world.sql("UPDATE gnuhealth_patient_procedure SET reference = 'gnuhealth.patient.evaluation,-1', pdate = NULL, ctx = NULL"
                  ' WHERE id = (SELECT min(id) + 1 FROM gnuhealth_patient_procedure)')

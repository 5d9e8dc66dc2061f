"""What makes a copy another patient: the expressions of columns that are not simply copied.

In them `t` is the row of the template, `p` the person (grow.person), `n.r` how many times further back in life (0: the last),
`v.id` the id to be, `v.step` what moves numbers up, `v.days` and `w.earlier` by how much everything is earlier.
"""

SPAN = 1000


def chance(salt):
    return 'grow.u(v.id, %d)' % salt


# Numbers that a sequence or a clerk gives. What one writes down of the other moves by the same step.
CODES = '''
gnuhealth_appointment.name gnuhealth_birth_certificate.code gnuhealth_death_certificate.code gnuhealth_health_service.name
gnuhealth_imaging_test_request.merge_id gnuhealth_imaging_test_request.request gnuhealth_imaging_test_result.merge_id
gnuhealth_imaging_test_result.number gnuhealth_imaging_test_result.order gnuhealth_inpatient_meal_order.meal_order
gnuhealth_inpatient_registration.name gnuhealth_insurance.number gnuhealth_iss.code gnuhealth_lab.name
gnuhealth_patient_ambulatory_care.name gnuhealth_patient_evaluation.code gnuhealth_patient_rounding.code
gnuhealth_person_alternative_identification.code gnuhealth_pol.page gnuhealth_prescription_order.prescription_id
gnuhealth_support_request.code gnuhealth_surgery.code gnuhealth_vaccination.vaccine_lot gnuhealth_du.name gnuhealth_family.name
account_invoice.number account_invoice.reference gnuhealth_paper_archive.legacy gnuhealth_newborn.name
gnuhealth_imaging_orthanc_study.study_instance_UID gnuhealth_imaging_orthanc_study.merge_id gnuhealth_imaging_orthanc_study.orthanc_UID
gnuhealth_imaging_orthanc_study.patient_id gnuhealth_orthanc_patient.uuid gnuhealth_orthanc_patient.ident gnuhealth_orthanc_study.uuid
gnuhealth_orthanc_study.ident gnuhealth_healthprofessional.code
'''.split()

# Measurements, by the share by which a copy differs: zero stays zero, as typed by those who did not measure.
MEASURED = '''gnuhealth_patient_evaluation gnuhealth_patient_rounding gnuhealth_patient_ambulatory_care gnuhealth_patient_ecg
gnuhealth_patient_prenatal_evaluation gnuhealth_puerperium_monitor gnuhealth_perinatal_monitor'''.split()
SHARES = {
    'temperature': .02, 'bpm': .2, 'respiratory_rate': .2, 'osat': .04, 'systolic': .12, 'diastolic': .12, 'weight': .08, 'height': .03,
    'head_circumference': .03, 'abdominal_circ': .1, 'hip': .1, 'glycemia': .3, 'hba1c': .15, 'cholesterol_total': .3, 'hdl': .3,
    'ldl': .3, 'tag': .3, 'body_fat': .2, 'body_water': .1, 'body_muscle': .1, 'diuresis': .3, 'rate': .2, 'pr': .1, 'qt': .1, 'qrs': .1,
    'frequency': .1, 'fetus_heart_rate': .1, 'fundal_height': .1,
}

COLUMNS = {
    'party_party.name': "CASE WHEN t.name IS NULL THEN NULL ELSE p.given END",
    'party_party.lastname': "CASE WHEN t.lastname IS NULL THEN NULL ELSE p.family END",
    'party_party.code': "md5('party' || p.key)::uuid || '-' || coalesce(p.given, '')",
    'party_party.ref': "p.puid",
    'party_party.federation_account': "CASE WHEN t.federation_account IS NULL THEN NULL ELSE p.account END",
    'party_party.internal_user': "NULL",
    'party_party.dob': "CASE WHEN t.dob IS NOT NULL THEN greatest(t.dob, date '1926-01-01') - v.days END",
    'gnuhealth_person_name.given': """CASE WHEN t.use = 'official' THEN p.given WHEN t.given = split_part(p.template_name, ' ', 1)
        THEN split_part(p.given, ' ', 1) WHEN t.given = p.template_name THEN p.given ELSE t.given END""",
    'gnuhealth_person_name.family': """CASE WHEN t.family IS NULL THEN NULL WHEN t.use IN ('maiden', 'old') THEN p.maiden
        WHEN t.use = 'official' OR t.family = p.template_lastname THEN p.family ELSE t.family END""",
    'gnuhealth_person_alternative_identification.code': """CASE t.alternative_id_type
        WHEN 'country_id' THEN lpad(((20000000 + p.key * 7919) %% 100000000)::text, 8, '0') ELSE grow.code(t.code, v.step) END""",
    'party_identifier.code': """CASE t.type WHEN 'es_vat' THEN lpad((p.key * 104729 %% 100000000)::text, 8, '0')
        || substr('TRWAGMYFPDXBNJZSQVHLCKE', 1 + (p.key * 104729 %% 100000000 %% 23)::int, 1) ELSE grow.code(t.code, v.step) END""",
    'gnuhealth_pol.federation_account': "CASE WHEN t.federation_account IS NULL THEN NULL ELSE p.account END",
    'gnuhealth_patient_lab_test.request': "t.request + v.step",
    'gnuhealth_lab.request_order': "t.request_order + v.step",
    'gnuhealth_imaging_test_request.request_line': "regexp_replace(t.request_line, '^\\d+', grow.code(t.request, v.step))",
    # Free slots are not copied.
    'gnuhealth_patient_evaluation.next_evaluation': "NULL",
    # What was signed with a key was signed as it was.
    'digital_signature': "NULL", 'document_digest': "NULL", 'serializer': "NULL",
    # One has an allergy once.
    'gnuhealth_patient_disease.is_allergy': "t.is_allergy AND n.r = 0",
    'gnuhealth_patient_disease.allergy_type': "CASE WHEN n.r = 0 THEN t.allergy_type END",
    'gnuhealth_patient_disease.pathology': """CASE WHEN n.r = 0 OR t.is_allergy IS NOT TRUE AND %s < .5 THEN t.pathology
        ELSE pathology.id END""" % chance(20),
    'gnuhealth_patient_medication.medicament': "CASE WHEN n.r = 0 THEN t.medicament ELSE coalesce(medicament.id, t.medicament) END",
    'gnuhealth_prescription_line.medicament': "CASE WHEN n.r = 0 THEN t.medicament ELSE coalesce(medicament.id, t.medicament) END",
    # Most of what was planned has happened.
    'gnuhealth_appointment.state': """CASE WHEN t.state = 'confirmed' AND t.appointment_date - w.earlier < timestamp '2026-01-01' AND %s < .9
        THEN 'done' ELSE t.state END""" % chance(21),
    'gnuhealth_lab_test_critearea.warning': "CASE WHEN t.warning IS NULL OR t.result IS NULL THEN t.warning"
        " ELSE {result} < coalesce(t.lower_limit, 0) OR {result} > t.upper_limit END",
    'gnuhealth_lab_test_critearea.result': "{result}",
    'gnuhealth_patient_evaluation.bmi': "CASE WHEN t.bmi > 0 AND t.height > 0 THEN"
        " round(({weight} / power({height} / 100, 2))::numeric, 2)::float8 ELSE t.bmi END",
    'gnuhealth_patient_evaluation.whr': "CASE WHEN t.whr > 0 AND t.hip > 0 THEN round(({abdominal_circ} / {hip})::numeric, 2)::float8"
        " ELSE t.whr END",
}
PHONE = """CASE WHEN t.type IN ('mobile', 'phone', 'fax') AND length(t.value) > 10
    THEN left(t.value, -9) || lpad(floor(10000 * grow.u(p.key, t.id))::int::text, 4, '0') || ' '
      || lpad(floor(10000 * grow.u(p.key, -t.id))::int::text, 4, '0')
    WHEN t.type IN ('email', 'jabber', 'website') THEN regexp_replace(t.value, '\\d+', p.key::text) ELSE t.value END"""
COLUMNS['party_contact_mechanism.value'] = COLUMNS['party_contact_mechanism.value_compact'] = PHONE

JOINS = {
    'gnuhealth_patient_disease': "pathology",
    'gnuhealth_patient_medication': "medicament",
    'gnuhealth_prescription_line': "medicament",
}


def measured(column, kind, share):
    """A measurement that differs by at most the share, as precise as the column is."""
    value = 't."%s" * (1 + %s * (2 * %s - 1))' % (column, share, chance(sum(map(ord, column)) + 100))
    if column == 'osat':
        value = 'least(100, %s)' % value
    if kind == 'integer':
        return 'round(%s)::integer' % value
    return 'round((%s)::numeric, 1)::float8' % value if kind == 'double precision' else 'round(%s, 1)' % value


def expression(table, column, kind):
    """The SQL of a column that differs in copies, or nothing."""
    found = COLUMNS.get('%s.%s' % (table, column)) or COLUMNS.get(column)
    if found is not None:
        return found.replace('%%', '%').format(
            result='round((t.result * (1 + .3 * (2 * %s - 1)))::numeric, 2)::float8' % chance(22),
            **{name: measured(name, 'double precision', SHARES[name]) for name in ('weight', 'height', 'abdominal_circ', 'hip')})
    if '%s.%s' % (table, column) in CODES:
        return 'grow.code(t."%s", v.step)' % column
    if table in MEASURED and column in SHARES and kind in ('integer', 'double precision', 'numeric'):
        return measured(column, kind, SHARES[column])
    return None

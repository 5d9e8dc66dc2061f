"""The elements of a resource without their contents."""

# type: table, prefix of its ids, and what of the copies is a resource of the type
SOURCES = {
    'Patient': ('gnuhealth_patient', '', 'true'),
    'Practitioner': ('gnuhealth_healthprofessional', '', 'true'),
    'Condition': ('gnuhealth_patient_disease', 'pd-', "patient IS NOT NULL AND NOT coalesce(is_allergy, false) AND allergy_type IS NULL"),
    'Encounter': ('gnuhealth_patient_evaluation', 'ev-', 'patient IS NOT NULL'),
    'Appointment': ('gnuhealth_appointment', 'ap-', "state IS DISTINCT FROM 'free'"),
    'MedicationStatement': ('gnuhealth_patient_medication', '', 'patient IS NOT NULL'),
    'MedicationRequest': ('gnuhealth_prescription_line', 'pl-', 'true'),
    'Observation': ('gnuhealth_lab_test_critearea', 'lab-', 'gnuhealth_lab_id IS NOT NULL AND result > 0'),
    'DiagnosticReport': ('gnuhealth_lab', 'lab-', 'patient IS NOT NULL'),
    'Immunization': ('gnuhealth_vaccination', '', 'patient IS NOT NULL'),
}


def paths(value, path=''):
    """The paths of all elements, as `name.given`."""
    if value is None:
        return set()
    if isinstance(value, dict):
        return {path, *(found for name, inner in value.items() for found in paths(inner, '%s.%s' % (path, name)))}
    if isinstance(value, list):
        return {found for inner in value for found in paths(inner, path)}
    return {path}

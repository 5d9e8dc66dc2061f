"""A hospital of many patients, copied from the one that trytond's ORM made."""

# Patients of the filled hospital: each copy of it has as many.
TEMPLATES = 250

# Copies of the patients for each copy of the health professionals.
PATIENTS_OF_ONE = 16

# How often the events of a patient are repeated, times a weight that differs from patient to patient (most are rarely ill, some
# always) and rounded up: 1 gives 1.6 on average. A table of details stands with the table it belongs to. What is not here is copied
# once for each patient.
REPEATED = {
    'gnuhealth_patient_evaluation': 1.4,
    'gnuhealth_signs_and_symptoms': 1.4,
    'gnuhealth_secondary_condition': 1.4,
    'gnuhealth_diagnostic_hypothesis': 1.4,
    'gnuhealth_directions': 1.4,
    'gnuhealth_lab': 1.4,
    'gnuhealth_lab_test_critearea': 1.4,
    'gnuhealth_patient_lab_test': 1.4,
    'gnuhealth_patient_disease': 6,
    'gnuhealth_patient_medication': 6,
    'gnuhealth_prescription_order': 6,
    'gnuhealth_prescription_line': 6,
    'gnuhealth_appointment': 18,
}

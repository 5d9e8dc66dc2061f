"""Dentist and eye doctor, where their modules are activated."""
from .evaluations import in_life

TEETH = ['11', '26', '36', '48', '55']
ACUITY = ['6_6', '6_9', '6_12', '6_60', 'hmfc', 'p_l']


def fill(world):
    if world.has('gnuhealth.dentistry.treatment'):
        dentistry(world)
    if world.has('gnuhealth.ophthalmology.evaluation'):
        ophthalmology(world)


def dentistry(world):
    procedures = world.search('gnuhealth.dentistry.procedure')
    for number in range(40):
        patient = world.pick(world.patients)
        done = number % 3 > 0
        treatment = world.create(
            'gnuhealth.dentistry.treatment', patient=patient, healthprof=world.doctors[0], state='done' if done else 'pending',
            treatment_date=in_life(world, patient, world.past(days=600)).date(), notes='two sessions' if number % 4 == 0 else None,
            signed_by=world.doctors[0] if done else None)
        for tooth in TEETH[:number % 2 + 1]:
            world.create('gnuhealth.dentistry.treatment.procedure', treatment=treatment, procedure=world.pick(procedures),
                         tooth=tooth, occlusal=True, root=number % 5 == 0)


def ophthalmology(world):
    for number in range(40):
        patient = world.pick(world.patients)
        done = number % 4 > 0
        visit = world.create(
            'gnuhealth.ophthalmology.evaluation', patient=patient, visit_date=in_life(world, patient, world.past(days=600)),
            health_professional=world.doctors[1], state='done' if done else 'in_progress',
            signed_by=world.doctors[1] if done else None, rdva=world.pick(ACUITY), ldva=world.pick(ACUITY), riop=14.5, liop=17.0,
            iop_method='goldmann', rspherical=-1.25, rcylinder=0.5, raxis=90.0, notes='new glasses' if number % 2 else None)
        if number % 2:
            world.create('gnuhealth.ophthalmology.findings', evaluation=visit, affected_eye=world.pick(['right', 'left', 'both']),
                         eye_structure=world.pick(['lens', 'macula', 'cornea']), finding='opacity')

"""Around the patient: families, social conditions, lifestyle, disability, contacts, genes, the ambulance."""
import datetime
from decimal import Decimal

from .evaluations import in_life


def fill(world):
    families(world)
    assessments(world)
    lifestyle(world)
    disability(world)
    contacts(world)
    genes(world)
    emergencies(world)


def families(world):
    for number in range(30):
        family = world.create('gnuhealth.family', name='Family %02d' % number, info='Synthetic')
        for role, patient in zip(('mother', 'father', 'child'), world.patients[number * 3:number * 3 + 3]):
            world.create('gnuhealth.family_member', family=family, party=world.party[patient.id], role=role)
            world.write(patient, family=family.id)


def assessments(world):
    occupations = world.search('gnuhealth.occupation', limit=40)
    for number in range(150):
        patient = world.pick(world.patients)
        done = number % 5 > 0
        world.create(
            'gnuhealth.ses.assessment', patient=patient, assessment_date=in_life(world, patient, world.past(days=800)),
            health_professional=world.social_worker, signed_by=world.social_worker if done else None,
            state='done' if done else 'in_progress', du=world.pick(world.homes), ses=str(number % 5), housing=str(number % 5),
            education=str(number % 6), income=world.pick(['l', 'm', 'h']), occupation=world.pick(occupations),
            homeless=number % 40 == 0, fam_apgar_help='1', fam_apgar_discussion='2', fam_apgar_decisions='1',
            fam_apgar_timesharing='0', fam_apgar_affection='2', fam_apgar_score=6, notes='Lives with\nhis aunt')


def lifestyle(world):
    drugs = world.search('gnuhealth.drugs_recreational')
    for number, patient in enumerate(world.patients):
        if number < 40:
            continue
        if number % 3 == 0:
            world.write(patient, smoking=number % 2 == 0, ex_smoker=number % 2 == 1, smoking_number=10, alcohol=number % 4 == 0,
                        alcohol_beer_number=3, coffee=True, coffee_cups=2, exercise=number % 5 == 0, exercise_minutes_day=30,
                        sleep_hours=7, number_of_meals=3, diet=number % 9 == 0, drug_usage=number % 6 == 0, salt=True,
                        age_start_smoking=17, soft_drinks=number % 6 == 0, second_hand_smoker=number % 12 == 0)
        if number % 6 == 0:
            for drug in world.rng.sample(drugs, 2):
                world.create('gnuhealth.patient.recreational_drugs', patient=patient, recreational_drug=drug)
        if number % 9 == 0:
            world.create('gnuhealth.patient.cage', patient=patient, evaluation_date=world.past(days=300), cage_c=True,
                         cage_a=number % 2 == 0, cage_g=False, cage_e=False, cage_score=1 + (number % 2 == 0))


def disability(world):
    functions, structures = (world.search('gnuhealth.body_' + part, limit=20) for part in ('function', 'structure'))
    from .places import product
    leg = product(world, 'Below-knee prosthesis', is_prothesis=True)
    for number in range(40):
        patient = world.patients[60 + number * 4]
        assessment = world.create(
            'gnuhealth.patient.disability_assessment', patient=patient, assessment='DA %d' % number, wheelchair=number % 3 == 0,
            assessment_date=world.past(days=500).date(), healthprof=world.doctors[0], crutches=number % 4 == 0,
            hand_function=str(number % 5), visual_function='1', speech_function='0', hearing_function=str(number % 3),
            cognitive_function='0', locomotor_function='2', activity_participation='1', notes='Needs a ramp')
        world.create('gnuhealth.body_function.assessment', assessment=assessment, body_function=world.pick(functions),
                     qualifier=world.pick(['0', '1', '2', '3', '8', '9']))
        world.create('gnuhealth.body_structure.assessment', assessment=assessment, body_structure=world.pick(structures),
                     qualifier1='2', qualifier2='1', body_side=world.pick(['left', 'right', 'both']))
        world.write(patient, disability=True, uxo=number == 0)
        if number % 5 == 0:
            world.create('gnuhealth.patient.amputation', patient=patient, amputation_date=world.past().date(), limb='lower',
                         side='left', etiology='trauma', amputation_level='tt', healthprof=world.surgeon,
                         body_structure=world.pick(structures), comments='work accident')
            world.create('gnuhealth.patient.prothesis', patient=patient, prothesis=leg, issue_date=world.past().date(),
                         healthprof=world.surgeon, comments='refitted')


def contacts(world):
    for number in range(60):
        patient, contact = world.pick(world.patients), world.pick(world.patients)
        world.create(
            'gnuhealth.contact_tracing', patient=patient, contact=world.party[contact.id], pathology=world.pathology['A15.0'],
            contact_date=world.past(days=90), exposure_risk=world.pick(['low', 'high', 'na']), exposure_time=30 + number,
            status=world.pick(['unreached', 'followingup', 'na']), du=world.pick(world.homes), context='bus',
            operational_sector=world.pick(world.sectors), comments='will call back' if number % 4 == 0 else None)


def genes(world):
    known = world.search('gnuhealth.gene', limit=10) or [
        world.create('gnuhealth.gene', name=name, long_name=text, hgnc_id=number, chromosome=chromosome, gene_id=gene)
        for name, text, number, chromosome, gene in (
            ('BRCA1', 'BRCA1 DNA repair associated', 'HGNC:1100', '17', '672'),
            ('CFTR', 'CF transmembrane conductance regulator', 'HGNC:1884', '7', '1080'))]
    variants = [world.create('gnuhealth.gene.variant', gene=known[0], variant='VAR-%d' % number, aa_change='p.Cys61Gly',
                             dbsnp='rs28897672', significance='lpp') for number in range(2)]
    for number in range(60):
        with_variant = number % 3 == 0
        world.create(
            'gnuhealth.patient.genetic.risk', patient=world.pick(world.patients), institution=world.hospital,
            disease_gene=known[0] if with_variant else world.pick(known), onset=30 + number % 40,
            natural_variant=variants[number % 2] if with_variant else None, healthprof=world.doctors[0],
            zygosity=world.pick([None, 'homo', 'hetero', 'hemi']), notes='Mother affected' if number % 5 == 0 else None)


def emergencies(world):
    ambulances = [
        world.create('gnuhealth.ambulance', vehicle_identifier='AMB-%d' % number, vehicle_type=kind, vehicle_brand='Rastrojero',
                     vehicle_function=function, vehicle_station=world.hospital, state='available', vehicle_model='1978')
        for number, (kind, function) in enumerate((('van', 'emergency'), ('boat', 'icu')))]
    for number in range(20):
        request = world.create(
            'gnuhealth.support_request', operator=world.nurse, requestor=world.party[world.pick(world.patients).id],
            patient=world.pick(world.patients) if number % 3 else None, request_date=world.past(days=120),
            urgency=world.pick(['low', 'urgent', 'emergency']), state='closed' if number % 4 else 'open', address='Calle 1',
            latitude=Decimal('-34.6'), longitude=Decimal('-58.4'), place_occurrance='street', event_type='event%d' % (number % 9 + 1),
            healthcenter=world.hospital, operational_sector=world.sectors[0], request_extra_info='Green door')
        support = world.create('gnuhealth.ambulance.support', sr=request, ambulance=ambulances[number % 2], state='at_hospital')
        world.create('gnuhealth.ambulance_hp', sr=support, healthprof=world.nurse)
        world.create('gnuhealth.support_request.log', sr=request, remarks='Left the base', action='general',
                     timestamp=request.request_date + datetime.timedelta(minutes=4))
    world.write(ambulances[1], state='en_route')

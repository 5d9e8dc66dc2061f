"""Findings that the earlier departments leave empty: surgery's contexts, way of life, births, newborns, eyes, ICF, injuries."""
import datetime
from decimal import Decimal

from .world import ANCHOR


def fill(world):
    surgical_contexts(world)
    ward(world)
    ways_of_life(world)
    obstetrics(world)
    newborns(world)
    if world.has('gnuhealth.ophthalmology.evaluation'):
        eyes(world)
    if world.has('gnuhealth.activity.assessment'):
        abilities(world)
    if world.has('gnuhealth.gene.variant.phenotype'):
        phenotypes(world)
    if world.has('gnuhealth.iss'):
        injuries(world)
    contacts(world)


def choices(world, model, field):
    """The keys of a selection, and no value."""
    return [key for key, _ in world.pool.get(model)._fields[world.field(model, field)].selection if key] + [None]


def turn(world, model, *fields, empty=True):
    """Every key of these selections in turn, and no value."""
    keys = {field: choices(world, model, field)[:None if empty else -1] for field in fields if field in world.pool.get(model)._fields}

    def values(number):
        return {field: all_keys[number % len(all_keys)] for field, all_keys in keys.items()}
    return values


def known(world, model, values):
    return {name: value for name, value in values.items() if name in world.pool.get(model)._fields}


def surgical_contexts(world):
    model = 'gnuhealth.patient.evaluation'
    hernia = turn(world, model, 'hernia_localization', 'hernia_type', 'hernia_ehs', 'hernia_time', 'hernia_disfunction', 'hernia_side')
    thyroid = turn(world, model, 'thyroid_clinical', 'thyroid_exploration', 'thyroid_goiter', 'thyroid_goiter_class',
                   'thyroid_tirads', 'thyroid_side')
    moods = choices(world, model, 'mood')
    boxes = ('violent', 'knowledge_current_events', 'judgment', 'abstraction', 'vocabulary', 'calculation_ability',
             'object_recognition', 'praxis')
    for number, evaluation in enumerate(world.evaluations[100:136]):
        if evaluation.state == 'signed':
            continue
        values = dict(mood=moods[number % len(moods)], **{box: number % (at + 2) == 0 for at, box in enumerate(boxes)})
        if number % 2:
            values.update(surgical_context='hernia', **hernia(number // 2))
        else:
            # Thyroid volumes: none, zero, and what nobody has.
            values.update(surgical_context='thyroid', thyroid_tvol=[18, 0, None, -4][number // 2 % 4], **thyroid(number // 2))
        world.write(evaluation, **known(world, model, values))


def ward(world):
    model = 'gnuhealth.patient.rounding'
    keys = turn(world, model, 'respiration_type', 'chest_expansion', 'trachea_alignment', 'pupillary_reactivity', 'bowel_sounds',
                'stools', 'vomiting', 'edema')
    boxes = ('paradoxical_expansion', 'tracheal_tug', 'oxygen_mask', 'peep', 'sce', 'pupil_consensual_resp', 'peritonitis',
             'lips_lesion', 'oral_mucosa_lesion', 'arterial_access', 'swan_ganz', 'urinary_catheter', 'dialysis', 'bacteremia', 'ssi',
             'wound_dehiscence', 'cellulitis', 'necrotizing_fasciitis', 'personal_needs', 'potty', 'proximity', 'pump', 'depression')
    for number, record in enumerate(world.roundings[::5]):
        values = {box: number % (at + 2) == 0 for at, box in enumerate(boxes)}
        values.update(keys(number), peep_pressure=[5, 0, 12][number % 3],
                      environmental_assessment=['Ventana rota', '雨漏り', None][number % 3])
        world.write(record, **known(world, model, values))


def ways_of_life(world):
    model = 'gnuhealth.patient'
    keys = turn(world, model, 'hb', 'sexual_preferences', 'sexual_practices', 'sexual_partners', 'anticonceptive', 'sex_oral',
                'sex_anal')
    boxes = ('drug_iv', 'ex_alcoholic', 'ex_drug_addict', 'sleep_during_daytime', 'eats_alone', 'motorcycle_rider', 'helmet',
             'traffic_laws', 'car_revision', 'car_seat_belt', 'car_child_safety', 'home_safety', 'domestic_violence', 'sexual_abuse',
             'drug_addiction', 'school_withdrawal', 'prison_past', 'prison_current', 'relative_in_prison', 'working_children',
             'teenage_pregnancy', 'single_parent', 'hostile_area', 'works_at_home', 'amputee', 'prostitute', 'sex_with_prostitutes',
             'menopausal', 'breast_self_examination', 'mammography', 'colposcopy')
    beliefs, vegetarians = world.search('gnuhealth.diet.belief'), world.search('gnuhealth.vegetarian_types')
    for number, patient in enumerate(world.patients[180:216]):
        values = {box: number % (at + 2) == 0 for at, box in enumerate(boxes)}
        values.update(
            keys(number), sexual_partners_number=[1, 0, None, 12][number % 4], first_sexual_encounter=[17, None, 0][number % 3],
            hours_outside=[8, 0, None][number % 3], full_term=[2, 0, None][number % 3], age_quit_smoking=number + 20,
            age_start_drinking=16, age_quit_drinking=number + 30 if number % 4 == 0 else None, age_start_drugs=[None, 15][number % 2],
            age_quit_drugs=[None, 25][number % 2], alcohol_wine_number=number % 3, alcohol_liquor_number=number % 2,
            lifestyle_info='Camina todos los días\nتدخين سابق' if number % 3 == 0 else None,
            sexuality_info='Asked for advice' if number % 5 == 0 else None, ses_notes='Sleeps at the station' if number % 4 == 0 else None,
            diet_info='No milk' if number % 3 == 0 else None, mammography_last=ANCHOR.date() if number % 3 == 0 else None,
            pap_test_last=datetime.date(2024, 2, 29) if number % 4 == 0 else None,
            colposcopy_last=datetime.date(2023, 1, 1) if number % 6 == 0 else None,
            amputee_since=datetime.date(2001, 9, 9) if number % 8 == 0 else None)
        if beliefs and number % 2:
            values['diet_belief'] = beliefs[number % len(beliefs)].id
        if vegetarians and number % 3 == 0:
            values['vegetarian_type'] = vegetarians[number % len(vegetarians)].id
        world.write(patient, **known(world, model, values))


def obstetrics(world):
    visits = turn(world, 'gnuhealth.patient.prenatal.evaluation', 'invasive_placentation')
    boxes = ('preeclampsia', 'oligohydramnios', 'polihydramnios', 'iugr', 'placenta_previa', 'vasa_previa', 'urinary_activity_signs',
             'digestive_activity_signs')
    for number, record in enumerate(world.search('gnuhealth.patient.prenatal.evaluation', limit=24)):
        values = {box: number % (at + 2) == 0 for at, box in enumerate(boxes)}
        # The first visit finds no heart beat; some measure nothing.
        values.update(visits(number), **({'fetus_heart_rate': 0, 'efw': None, 'fetal_bpd': 0} if number % 6 == 0 else {}))
        world.write(record, **known(world, 'gnuhealth.patient.prenatal.evaluation', values))
    births = turn(world, 'gnuhealth.perinatal', 'start_labor_mode', 'fetus_presentation', 'laceration', 'hematoma')
    boxes = ('episiotomy', 'vaginal_tearing', 'forceps', 'placenta_incomplete', 'placenta_retained', 'abruptio_placentae', 'dystocia')
    for number, record in enumerate(world.search('gnuhealth.perinatal', limit=24)):
        values = {box: number % (at + 2) == 0 for at, box in enumerate(boxes)}
        world.write(record, prenatal_evaluations=number % 5, notes='Long labour' if number % 4 == 0 else None, **values, **births(number))
    positions = turn(world, 'gnuhealth.perinatal.monitor', 'fetus_position')
    for number, record in enumerate(world.search('gnuhealth.perinatal.monitor', limit=18)):
        world.write(record, fundal_height=[34, 0, None][number % 3], meconium=number % 4 == 0, bleeding=number % 5 == 0,
                    date=None if number == 3 else record.date, **positions(number))
    lochia = turn(world, 'gnuhealth.puerperium.monitor', 'lochia_amount', 'lochia_color', 'lochia_odor')
    for number, record in enumerate(world.search('gnuhealth.puerperium.monitor', limit=18)):
        world.write(record, **lochia(number))
    for number, record in enumerate(world.search('gnuhealth.patient.pregnancy', limit=12)):
        world.write(record, bba=number % 3 == 0, iugr=['symmetric', 'assymetric', None][number % 3])
    results = turn(world, 'gnuhealth.patient.pap_history', 'result')
    for number, record in enumerate(world.search('gnuhealth.patient.pap_history', limit=16)):
        world.write(record, comments='Repetir en 6 meses' if number % 2 else None, **results(number))
    # A monitor sheet and a visit whose pregnancy is not known have no patient.
    world.sql('UPDATE gnuhealth_puerperium_monitor SET "%s" = NULL WHERE id = (SELECT max(id) FROM gnuhealth_puerperium_monitor)'
              % world.field('gnuhealth.puerperium.monitor', 'pregnancy'))


def newborns(world):
    records = world.search('gnuhealth.newborn')
    boxes = [name for name in records[0].__class__._fields if name.startswith(('neonatal_', 'test_', 'reanimation_'))
             and records[0].__class__._fields[name]._type == 'boolean']
    for number, record in enumerate(records):
        values = {box: number % (at % 7 + 2) == 0 for at, box in enumerate(sorted(boxes))}
        if number == 4:
            values.update(bd=True, apgar1=0, apgar5=0, weight=0)
        if number == 7:
            values.update(died_at_the_hospital=True, tod=record.birth_date + datetime.timedelta(hours=5),
                          cod=world.pathologies[0].id)
        for name, value in values.items():
            # Its write() makes the patient anew from the form, so the boxes go past it.
            world.sql('UPDATE gnuhealth_newborn SET "%s" = %%s WHERE id = %%s' % name, value, record.id)
    for record in records[:4]:
        for minute in (0, 10, 20):
            world.create('gnuhealth.neonatal.apgar', newborn=record, apgar_minute=minute, apgar_appearance='2', apgar_pulse='0',
                         apgar_grimace='1', apgar_activity='0', apgar_respiration='2', apgar_score=5 if minute else None)


def eyes(world):
    model = 'gnuhealth.ophthalmology.evaluation'
    keys = turn(world, model, 'rdva', 'ldva', 'rdva_pinhole', 'ldva_pinhole', 'rdva_aid', 'ldva_aid', 'rnv', 'lnv', 'rbcva', 'lbcva',
                'rbcva_nv', 'lbcva_nv', 'iop_method')
    for number, record in enumerate(world.search(model, limit=20)):
        world.write(record, lspherical=[0.0, -8.75, 2.5][number % 3], lcylinder=-0.75, laxis=180.0, rbcva_spherical=-1.5,
                    rbcva_cylinder=-0.5, rbcva_axis=85.0, lbcva_spherical=0.0, lbcva_cylinder=None, lbcva_axis=None, rnv_add=2.25,
                    lnv_add=2.25, rbcva_nv_add=2.5, lbcva_nv_add=2.5, riop=[0.0, None, 21.0][number % 3], **keys(number))
    structures = turn(world, 'gnuhealth.ophthalmology.findings', 'eye_structure', 'affected_eye')
    for number, record in enumerate(world.search('gnuhealth.ophthalmology.findings')):
        world.write(record, **structures(number))


def abilities(world):
    activities = world.search('gnuhealth.activity_and_participation', limit=12)
    factors = world.search('gnuhealth.environmental_factor', limit=12)
    activity = turn(world, 'gnuhealth.activity.assessment', 'qualifier1', 'qualifier2')
    environment = turn(world, 'gnuhealth.environment.assessment', 'qualifier')
    structure = turn(world, 'gnuhealth.body_structure.assessment', 'qualifier1', 'qualifier2')
    for number, record in enumerate(world.search('gnuhealth.patient.disability_assessment', limit=24)):
        world.create('gnuhealth.activity.assessment', assessment=record, activity_and_participation=world.pick(activities),
                     **activity(number))
        world.create('gnuhealth.environment.assessment', assessment=record, environmental_factor=world.pick(factors),
                     **environment(number))
    for number, record in enumerate(world.search('gnuhealth.body_structure.assessment', limit=20)):
        world.write(record, **structure(number))


def phenotypes(world):
    disease = world.create('gnuhealth.protein.disease', name='DI-00602', disease_name='Breast-ovarian cancer, familial, 1',
                           acronym='BROVCA1', description='Susceptibility', inheritance_pattern='ad', mim_reference='604370')
    risks = [risk for risk in world.search('gnuhealth.patient.genetic.risk') if risk.natural_variant]
    variants = {risk.natural_variant.id: risk.natural_variant for risk in risks}
    names = {key: world.create('gnuhealth.gene.variant.phenotype', name='PH-%d' % number, variant=variant, phenotype=disease)
             for number, (key, variant) in enumerate(variants.items())}
    for risk in risks[::2]:
        world.write(risk, variant_phenotype=names[risk.natural_variant.id].id)


def injuries(world):
    model = 'gnuhealth.iss'
    keys = turn(world, model, 'injury_method', 'mva_mode', 'mva_counterpart', 'mva_position', 'safety_gear', 'victim_perpetrator',
                'violence_circumstances', 'place_occurrance', empty=False)
    needed = {field: [key for key in choices(world, model, field) if key]
              for field in ('alcohol', 'drugs', 'disposition', 'injury_type')}
    for number, evaluation in enumerate(world.evaluations[200:224]):
        world.create(
            model, evaluation=evaluation, code='INJ-%03d' % number, healthcenter=world.hospital if number % 3 else None,
            injury_date=evaluation.evaluation_start.date() if number % 4 else None, registration_date=evaluation.evaluation_start.date(),
            injury_details='Cayó de la escalera\n«afuera»' if number % 2 else None, operational_sector=world.sectors[0],
            latitude=Decimal('-31.4201') if number % 5 else None, longitude=Decimal('-64.1888') if number % 5 else None,
            **{field: options[number % len(options)] for field, options in needed.items()}, **keys(number))


def contacts(world):
    # Somebody who is no patient was met; nobody knows the disease.
    stranger = world.party[world.patients[0].id] if not getattr(world, 'relatives', None) else world.relatives[0]
    world.create('gnuhealth.contact_tracing', patient=world.patients[5], contact=stranger, contact_date=None, exposure_risk='na',
                 exposure_time=0, status='na', context='حفلة')

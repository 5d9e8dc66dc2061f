"""Documents of persons: national ids, passports, records of other hospitals, tax numbers."""
import datetime


def fill(world):
    for number, patient in enumerate(world.patients, 1):
        party = world.party[patient.id]
        if number % 4:
            alternative(world, party, 'country_id', '%08d' % (20000000 + number * 7919))
        if number % 10 == 0:
            alternative(world, party, 'passport', 'AAB%06d' % number, comments='renewal requested',
                        expiration_date=datetime.date(2020 + number // 25, 6, 30))
        if number % 12 == 0:
            alternative(world, party, 'medical_record', 'HC/%d-%d' % (number, number % 7))
        if number % 45 == 0:
            alternative(world, party, 'ghealth_federation', 'ESP%09d' % number)
        if number % 20 == 0:
            alternative(world, party, 'other', 'LIB-%d' % number, other_alternative_id_type='Libreta de enrolamiento')
        if number % 18 == 0:
            # 4.4 (Tryton 6.0) names the same kind of number differently.
            world.create('party.identifier', party=party, type='es_nif' if world.is_44 else 'es_vat', code='54362315K')
        if number % 70 == 0:
            world.create('party.identifier', party=party, code='free text %d' % number)
    for number, professional in enumerate(world.professionals):
        party = getattr(professional, world.field('gnuhealth.healthprofessional', 'party'))
        alternative(world, party, 'country_id', '1%07d' % number)


def alternative(world, party, kind, code, **more):
    if not party.alternative_identification:
        world.write(party, alternative_identification=True)
    world.create('gnuhealth.person_alternative_identification', party=party, alternative_id_type=kind, code=code, **more)

"""Health professionals; the ones with a login are tied to their user."""

PROFESSIONALS = [
    # given, family, gender, specialties (first is the main one), licence, login
    ('Ana Cecilia', 'Méndez Ortúzar', 'f', ['GP', 'FAMILY'], 'MN-10001', 'doctor'),
    ('Cameron', 'Cordara', 'm', ['CARDIO'], 'MN-10002', 'doctor2'),
    ('Lucía', 'Fernández Peña', 'f', ['NURSING'], 'ENF-20001', 'nurse'),
    ('Tomás', 'Echeverría', 'm', ['LAB'], 'BQ-30001', 'lab'),
    ('Matilde', 'Söderström', 'f', ['SOCIALSERVICE'], 'TS-40001', 'socialworker'),
    ('Bruno', 'Achával', 'm', ['RADIO'], 'MN-10006', 'imaging'),
    ('Inés', "O'Donnell", 'f', ['OBGYN'], 'MN-10007', 'doctorfrontdesk'),
    ('Joaquín', 'Báez', 'm', ['GENERALSURG', 'TRAUMASURG'], 'MN-10008', None),
    ('Елена', 'Соколова', 'f', ['ANESTHESIO'], 'MN-10009', None),
    ('Rafael', 'Núñez', 'nb', ['PEDIATRICS', 'NEONATO'], 'MN-10010', None),
    ('Haruki', '佐藤', 'm', ['INTENSIVECARE'], 'MN-10011', None),
    ('Violeta', 'Quispe', 'f', [], None, 'admin'),
]


def fill(world):
    world.professionals, world.main_specialty = [], {}
    for number, (given, family, gender, specialties, licence, login) in enumerate(PROFESSIONALS):
        party = world.create(
            'party.party', name=given, lastname=family, gender=gender, is_person=True, is_healthprof=True,
            fed_country='ARG', activation_date=None, internal_user=world.user[login] if login else None)
        world.create('party.contact_mechanism', party=party, type='phone', value='+54 11 4000 9%03d' % number)
        world.create('party.contact_mechanism', party=party, type='email', value='hp%d@example.org' % number)
        professional = world.create(
            'gnuhealth.healthprofessional', party=party, code=licence, active=number != 10,
            institution=world.hospital if number != 11 else world.institutions[1],
            institution_unit=world.units[number % len(world.units)] if number in (1, 3, 5, 7, 9) else None,
            info='Speaks several languages' if number == 4 else None)
        for rank, code in enumerate(specialties):
            link = world.create('gnuhealth.hp_specialty', healthprof=professional, mainsp=rank == 0,
                                specialty=world.one('gnuhealth.specialty', ('code', '=', code)))
            world.main_specialty.setdefault(professional.id, link)
        # 4.4 stores the main specialty with the professional, 5.0 marks it on the list.
        if world.is_44 and specialties:
            world.write(professional, main_specialty=world.main_specialty[professional.id].id)
        world.professionals.append(professional)
    world.doctors = [world.professionals[index] for index in (0, 1, 6, 7, 9)]
    world.nurse, world.biochemist, world.social_worker, world.radiologist = (
        world.professionals[index] for index in (2, 3, 4, 5))
    world.surgeon, world.anesthetist, world.pediatrician, world.obstetrician = (
        world.professionals[index] for index in (7, 8, 9, 6))
    front = world.create('party.party', name='Julieta', lastname='Prado', gender='f', is_person=True,
                         fed_country='ARG', activation_date=None, internal_user=world.user['frontdesk'])
    world.create('company.employee', party=front, company=world.company)

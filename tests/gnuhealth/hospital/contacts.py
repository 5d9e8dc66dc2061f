"""Telephones, mail, addresses of home, work and school, and the persons to call."""
RELATIONSHIPS = ['mother', 'father', 'hermana', 'spouse', 'neighbour', 'abuelo']


def fill(world):
    relatives = [patient for patient in world.patients[60:120]]
    for number, patient in enumerate(world.patients, 1):
        party = world.party[patient.id]
        mechanisms(world, party, number)
        addresses(world, party, number)
        if number % 4 == 0:
            relative = world.party[world.pick(relatives).id]
            if relative != party:
                world.create('party.address', party=party, relative_id=relative, party_name='c/o',
                             relationship=world.pick(RELATIONSHIPS), street='Calle Falsa 123', city='Buenos Aires',
                             country=world.country['AR'])
        if number % 10 == 3:
            world.create('party.address', party=party, relationship='vecina', name='Doña Rosa',
                         street='Pasaje Caminito 7', city='Buenos Aires')


def mechanisms(world, party, number):
    def add(kind, value, **more):
        world.create('party.contact_mechanism', party=party, type=kind, value=value, **more)

    if number % 7:
        add('mobile', '+54 9 11 %04d %04d' % (number, 9000 - number), sequence=1)
    if number % 3 == 0:
        add('phone', '+54 11 4%03d 00%02d' % (number, number % 100), sequence=2, name='home')
    if number % 2:
        add('email', 'person%d@example.org' % number, comment='only on weekdays' if number % 9 == 0 else None)
    if number % 8 == 0:
        add('phone', '+54 11 5555 %04d' % number, emergency=True, remarks='Rosa (daughter)')
    if number % 30 == 0:
        add('fax', '+54 11 4444 %04d' % number)
        add('website', 'https://example.org/~person%d' % number)
        add('jabber', 'person%d@jabber.example.org' % number)
        add('other', 'radio 145.500')
    if number % 21 == 0:
        add('phone', '+54 11 4999 %04d' % number, active=False)


def addresses(world, party, number):
    def add(**values):
        values.setdefault('city', 'Buenos Aires')
        return world.create('party.address', party=party, country=world.country['AR'],
                            subdivision=world.subdivision['AR-B' if number % 2 else 'AR-C'], **values)

    if number % 3 == 0:
        home = add(street='Calle %d Nº %d\nDto. %d' % (number, number * 3, number % 9), postal_code='B%04dAAA' % number)
        if number % 15 == 0:
            patient = world.patients[number - 1]
            world.write(patient, current_address=home.id)
    if number % 6 == 0:
        add(street='Av. de Mayo 1370', postal_code='C1085', is_work=True, name='Oficina', party_name='ACME S.A.')
    if number % 14 == 1:
        add(street='Escuela Nº 7', is_school=True, city='Quilmes')
    if number % 33 == 0:
        add(street='Old street 1', active=False)

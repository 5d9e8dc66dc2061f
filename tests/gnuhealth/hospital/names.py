"""Further names: usual, maiden, nicknames, old and temporary ones, prefixes and suffixes, periods."""
import datetime

from .people import PEOPLES


def fill(world):
    for number, patient in enumerate(world.patients, 1):
        party = world.party[patient.id]
        official = world.one('gnuhealth.person_name', ('party', '=', party.id), ('use', '=', 'official'))
        if number % 5 == 0:
            world.write(official, prefix=world.pick(['Mr', 'Mrs', 'Miss', 'Dr']))
        if number % 11 == 0:
            world.write(official, suffix=world.pick(['Jr.', 'III', 'PhD']))
        families = PEOPLES[world.script[patient.id]][4]
        married = datetime.date(2001, 1, 1) + datetime.timedelta(days=number * 7)
        if number % 4 == 0:
            name(world, party, 'usual', party.name.split()[0], party.lastname)
        if party.gender == 'f' and party.marital_status in ('m', 'w') and number % 2:
            name(world, party, 'maiden', party.name, world.pick(families), date_to=married)
            world.write(official, date_from=married)
        if number % 9 == 0:
            name(world, party, 'nickname', world.pick(['Pepe', 'Cuca', 'El Flaco', 'Сашенька', '小王']), None)
        if number % 25 == 0:
            name(world, party, 'old', party.name, world.pick(families), prefix='Miss',
                 date_from=datetime.date(1980, 2, 29), date_to=datetime.date(1999, 12, 31))
        if number % 50 == 0:
            name(world, party, 'temp', 'Paciente', 'Guardia %d' % number)
            name(world, party, 'anonymous', 'N', 'N')


def name(world, party, use, given, family, **more):
    world.create('gnuhealth.person_name', party=party, use=use, given=given, family=family, **more)

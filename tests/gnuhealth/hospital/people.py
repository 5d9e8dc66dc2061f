"""Patients: 250 people of every age, gender and script, and the homes they live in."""
import base64
import datetime
import struct
import zlib

from .world import ANCHOR

COUNT = 250
# country, representation, female names, male names, family names
PEOPLES = {
    'latin': ('AR', 'pgfs',
              'Ana,Betz Cecilia,María José,Josefina,Ángela,Noelia,Ximena,Zulema,Carolina,Emilia'.split(','),
              'Matías,Iñaki,José Luis,Ramón,Tobías,Ezequiel,Nicolás,Hernán,Óscar,Wálter'.split(','),
              'Zeballos,Muñoz,García Lorca,Núñez,Peña,Iglesias,Ibáñez,Yáñez,de la Cruz,Agüero'.split(',')),
    'french': ('FR', 'gf', 'Zoë,Françoise,Hélène,Maëlle'.split(','), 'Gaël,Benoît,Loïc,Rémy'.split(','),
               "Lefèvre,D'Aubigné,Müller-Œuvrard,Le Goff".split(',')),
    'cyrillic': ('RU', 'gf', 'Анна,Ольга,Ксения'.split(','), 'Дмитрий,Пётр,Фёдор'.split(','),
                 'Иванова,Щербак,Королёв,Достоевская'.split(',')),
    'arabic': ('EG', 'gf', 'فاطمة,ليلى,مريم'.split(','), 'محمد,أحمد,يوسف'.split(','), 'المصري,عبد الله,حداد'.split(',')),
    'chinese': ('CN', 'cjk', '秀英,丽,婷婷'.split(','), '伟,小明,建国'.split(','), '王,李,欧阳'.split(',')),
    'japanese': ('JP', 'cjk', '花子,さくら'.split(','), '太郎,健二'.split(','), '山田,鈴木,髙橋'.split(',')),
    'greek': ('GR', 'fg', 'Ελένη,Αικατερίνη'.split(','), 'Γιώργος,Οδυσσέας'.split(','),
              'Παπαδόπουλος,Καζαντζάκη'.split(',')),
    'devanagari': ('IN', None, 'प्रिया,सीता'.split(','), 'राहुल,अर्जुन'.split(','), 'शर्मा,कुमार'.split(',')),
}
SCRIPTS = ['latin'] * 12 + list(PEOPLES)
GENDERS = ['f'] * 9 + ['m'] * 9 + ['nb', 'other', 'nd', 'u']
JPEG = base64.b64decode(
    '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgy'
    'PC4zNDL/wAALCAABAAEBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEG'
    'E1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJ'
    'ipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/APn+v//Z')


def png(red, green, blue, side=16):
    """A PNG picture of one colour."""
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    rows = (b'\0' + bytes((red, green, blue)) * side) * side
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0))
            + chunk(b'IDAT', zlib.compress(rows, 9)) + chunk(b'IEND', b''))


def fill(world):
    homes(world)
    world.languages = {lang.code: lang for lang in languages(world)}
    occupations = world.search('gnuhealth.occupation', limit=40)
    ethnicities = world.search('gnuhealth.ethnicity')
    world.patients, world.script = [], {}
    for number in range(1, COUNT + 1):
        script = world.pick(SCRIPTS)
        country, representation, women, men, families = PEOPLES[script]
        gender = 'f' if number % 5 == 0 else world.pick(GENDERS)
        birth = birth_date(world, number)
        age = (ANCHOR.date() - birth).days // 365
        given = world.pick(women if gender == 'f' or gender != 'm' and number % 2 else men)
        foreign = country != 'AR'
        party = world.create(
            'party.party', name=given, lastname=None if number % 31 == 0 else world.pick(families),
            name_representation=representation, gender=gender, is_person=True, is_patient=True, fed_country='ARG',
            activation_date=(ANCHOR - datetime.timedelta(days=number)).date(),
            dob=None if number % 41 == 0 else birth, est_dob=number % 37 == 0, unidentified=number == 123,
            marital_status=world.pick([None, 's', 'm', 'c', 'w', 'd', 'x']) if age > 17 else None,
            citizenship=world.country[country], residence=world.country['AR'],
            lang=world.languages.get({'AR': 'es', 'FR': 'fr', 'RU': 'ru', 'CN': 'zh_CN'}.get(country)),
            education=str(min(5, age // 5)) if age > 5 and number % 3 else None,
            occupation=world.pick(occupations) if age > 20 and number % 2 else None,
            ethnic_group=world.pick(ethnicities) if number % 3 == 0 else None,
            proclaimed_ethnicity=world.pick(ethnicities) if number % 6 == 0 else None,
            homeless=number % 83 == 0, du=world.pick(world.homes) if number % 83 else None,
            photo=JPEG if number == 9 else png(number % 256, 90, 160) if number % 40 == 1 else None)
        patient = world.create(
            'gnuhealth.patient', party=party,
            primary_care_doctor=world.pick(world.doctors) if world.chance(.6) else None,
            blood_type=world.pick([None, 'A', 'B', 'AB', 'O']), rh=world.pick([None, '+', '-']),
            biological_sex='f' if number % 67 == 0 else gender if gender in ('f', 'm') and number % 4 else None,
            critical_info='Carries an epinephrine auto-injector' if number % 29 == 0 else None,
            general_info='Prefers to be called in the afternoon' if number % 23 == 0 else None)
        world.patients.append(patient)
        world.script[patient.id] = script
    world.party = {patient.id: getattr(patient, world.field('gnuhealth.patient', 'party')) for patient in world.patients}
    world.birth = {patient.id: world.party[patient.id].dob for patient in world.patients}


def birth_date(world, number):
    if number <= 12:
        days = number * 9
    elif number <= 60:
        days = world.rng.randint(120, 18 * 365)
    else:
        days = world.rng.randint(18 * 365, 99 * 365)
    return (ANCHOR - datetime.timedelta(days=days)).date()


def languages(world):
    """The languages as Tryton ships them, also those it offers no translation for."""
    with world.transaction.set_context(active_test=False):
        return world.search('ir.lang')


def homes(world):
    world.homes = []
    for number in range(1, 61):
        abroad = number % 20 == 0
        world.homes.append(world.create(
            'gnuhealth.du', name='DU-%04d' % number, desc='Corner house' if number % 9 == 0 else None,
            address_street=world.pick(['Calle Necochea', 'Av. Pedro de Mendoza', 'Pasaje Garibaldi', '25 de Mayo']),
            address_street_number=str(world.rng.randint(1, 2400)), address_street_bis='3º "B"' if number % 4 == 0 else None,
            address_district='La Boca' if number % 3 else None, address_municipality='Comuna 4' if number % 2 else None,
            address_city='Las Palmas de Gran Canaria' if abroad else 'Buenos Aires',
            address_zip='35001' if abroad else 'C11%02dABC' % number,
            address_subdivision=world.subdivision['ES-CN' if abroad else 'AR-C'],
            address_country=world.country['ES' if abroad else 'AR'],
            latitude=decimal(-34.63 - number / 1000) if number % 2 else None,
            longitude=decimal(-58.36 - number / 1000) if number % 2 else None,
            operational_sector=world.pick(world.sectors), housing=str(number % 5), dwelling='apartment',
            materials='concrete', bedrooms=number % 4, bathrooms=1, electricity=True, water=number % 7 > 0))


def decimal(value):
    from decimal import Decimal
    return Decimal('%.6f' % value)

"""The company, its currency, the countries and the hospital itself: what everything after needs in its context."""

COUNTRIES = [
    # name, alpha-2, alpha-3, numeric, subdivisions (code, name, type)
    ('Argentina', 'AR', 'ARG', '032', [
        ('AR-B', 'Buenos Aires', 'province'), ('AR-C', 'Ciudad Autónoma de Buenos Aires', 'city'),
        ('AR-X', 'Córdoba', 'province')]),
    ('España', 'ES', 'ESP', '724', [('ES-CN', 'Canarias', 'autonomous community'), ('ES-M', 'Madrid', 'province')]),
    ('Россия', 'RU', 'RUS', '643', []),
    ('مصر', 'EG', 'EGY', '818', []),
    ('中国', 'CN', 'CHN', '156', []),
    ('日本', 'JP', 'JPN', '392', [('JP-13', '東京都', 'prefecture')]),
    ('Ελλάδα', 'GR', 'GRC', '300', []),
    ('भारत', 'IN', 'IND', '356', []),
    ('France', 'FR', 'FRA', '250', []),
]


def fill(world):
    countries(world)
    currency = world.create('currency.currency', name='Argentine Peso', code='ARS', symbol='$', digits=2)
    world.create('gnuhealth.federation.country.config', country=world.country['AR'], use_citizenship=True)
    party = organization(world, 'Hospital General GNU Solidario', is_institution=True)
    company = world.create('company.company', party=party, currency=currency,
                           timezone='America/Argentina/Buenos_Aires')
    world.company = company
    world.pool.get('res.user').write(
        world.search('res.user', [('login', '=', 'admin')]),
        {'companies': [('add', [company.id])], 'company': company.id, 'company_filter': 'one'})
    world.context = {'company': company.id, 'companies': [company.id]}
    world.hospital = world.create(
        'gnuhealth.institution', party=party, code='HGS-01', institution_type='hospital', public_level='public',
        teaching=True, heliport=True, trauma_center=True, trauma_level='two', beds=25, operating_room=True, or_number=2,
        extra_info='Synthetic: no such hospital exists.')
    for code in ('GP', 'CARDIO', 'PEDIATRICS', 'OBGYN', 'GENERALSURG'):
        world.create('gnuhealth.institution.specialties', institution=world.hospital,
                     specialty=world.one('gnuhealth.specialty', ('code', '=', code)))


def countries(world):
    world.country, world.subdivision = {}, {}
    for name, code, code3, numeric, subdivisions in COUNTRIES:
        country = world.create('country.country', name=name, code=code, code3=code3, code_numeric=numeric)
        world.country[code] = country
        for subcode, subname, kind in subdivisions:
            world.subdivision[subcode] = world.create(
                'country.subdivision', name=subname, code=subcode, type=kind, country=country)


def organization(world, name, **flags):
    party = world.create('party.party', name=name, is_person=False, fed_country=None, active=True,
                         activation_date=None, **flags)
    world.create('party.address', party=party, street='Av. Corrientes 1234\nPiso 2', city='Buenos Aires',
                 postal_code='C1043AAZ', country=world.country['AR'], subdivision=world.subdivision['AR-C'],
                 is_work=True)
    for kind, value in (('phone', '+54 11 4000 %04d' % party.id), ('email', 'info%d@example.org' % party.id),
                        ('website', 'https://example.org/%d' % party.id)):
        world.create('party.contact_mechanism', party=party, type=kind, value=value)
    return party

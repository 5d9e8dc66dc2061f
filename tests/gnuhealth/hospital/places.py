"""Other institutions, insurers and pharmacies, the health sectors, buildings, wards, beds and operating rooms."""
from .company import organization

UNITS = [('EMER', 'Emergency'), ('MED', 'Internal Medicine'), ('OBS', 'Obstetrics'), ('PED', 'Pediatrics'),
         ('SURG', 'Surgery'), ('ICU', 'Intensive Care')]
WARDS = [
    # name, building, unit, floor, gender, beds, state
    ('Ward A - Men', 0, 1, 1, 'men', 6, 'beds_available'),
    ('Ward B - Women', 0, 1, 2, 'women', 6, 'beds_available'),
    ('Maternity', 1, 2, 1, 'women', 4, 'full'),
    ('Pediatrics', 1, 3, 2, 'unisex', 4, 'beds_available'),
    ('Intensive Care', 0, 5, 3, 'unisex', 4, 'beds_available'),
    ('Closed for works', 1, None, 3, 'unisex', 1, 'na'),
]
BED_TYPES = ['gatch', 'electric', 'stretcher', 'low', 'low_air_loss', 'circo_electric', 'clinitron']
OTHERS = [
    # name, code, type, level
    ('Centro de Salud Ñandú', 'CS-02', 'primary_care', 'public'),
    ('Sanatorio Güemes y Asociados', 'SG-03', 'specialized', 'private'),
    ('Hogar de Ancianos "El Atardecer"', 'HA-04', 'nursing_home', 'mixed'),
]


def fill(world):
    others(world)
    sectors(world)
    rooms(world)


def others(world):
    world.institutions = [world.hospital]
    for name, code, kind, level in OTHERS:
        institution = world.create('gnuhealth.institution', code=code, institution_type='clinic', public_level=level,
                                   party=organization(world, name, is_institution=True))
        # A specialized one names its specialty, which in turn names the institution.
        main = world.create('gnuhealth.institution.specialties', institution=institution,
                            specialty=world.one('gnuhealth.specialty', ('code', '=', 'GERIATRICS')))
        world.write(institution, institution_type=kind, main_specialty=main.id if kind == 'specialized' else None)
        world.institutions.append(institution)
    world.insurers = [
        organization(world, 'Obra Social de la Salud', is_insurance_company=True, insurance_company_type='state'),
        organization(world, 'Seguros Médicos «La Cigüeña»', is_insurance_company=True,
                     insurance_company_type='private')]
    world.warehouse = world.one('stock.location', ('code', '=', 'WH')) if world.has('stock.location') else None
    world.pharmacies = [organization(world, name, is_pharmacy=True, warehouse=world.warehouse)
                        for name in ('Farmacia del Pueblo', 'Farmacia Nocturna')]


def sectors(world):
    area = world.create('gnuhealth.operational_area', name='Área Programática Sur')
    world.sectors = [world.create('gnuhealth.operational_sector', name=name, operational_area=area)
                     for name in ('La Boca', 'Barracas', 'San Telmo')]
    world.create('gnuhealth.institution.operationalsector', institution=world.hospital,
                 operational_sector=world.sectors[0])


def product(world, name, price=0, **flags):
    template = world.create('product.template', name=name, type=flags.pop('type', 'goods'),
                            default_uom=world.one('product.uom', ('symbol', '=', 'u')), list_price=price)
    return world.create('product.product', template=template, **flags)


def rooms(world):
    buildings = [world.create('gnuhealth.hospital.building', name=name, code=code, institution=world.hospital)
                 for name, code in (('Main building', 'B1'), ('Maternity and children', 'B2'))]
    world.units = [world.create('gnuhealth.hospital.unit', name=name, code=code, institution=world.hospital)
                   for code, name in UNITS]
    world.wards, world.beds = [], []
    for name, building, unit, floor, gender, beds, state in WARDS:
        ward = world.create('gnuhealth.hospital.ward', name=name, institution=world.hospital,
                            building=buildings[building], unit=None if unit is None else world.units[unit], floor=floor,
                            gender=gender, number_of_beds=beds, state=state, private=beds < 5, telephone=True,
                            bio_hazard=name == 'Intensive Care', ac=True, tv=floor == 1)
        world.wards.append(ward)
        for number in range(1, beds + 1):
            bed = world.create('gnuhealth.hospital.bed', institution=world.hospital, ward=ward,
                               product=product(world, 'Bed %s-%02d' % (name[:10], number), is_bed=True),
                               bed_type=BED_TYPES[len(world.beds) % len(BED_TYPES)],
                               telephone_number='%d%02d' % (floor, number), state='na' if state == 'na' else 'free')
            world.beds.append(bed)
    world.operating_rooms = [
        world.create('gnuhealth.hospital.or', name=name, institution=world.hospital, building=buildings[0],
                     unit=world.units[4], state=state)
        for name, state in (('OR 1', 'free'), ('OR 2', 'na'))]

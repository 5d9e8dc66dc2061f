"""Documents: attachments of all kinds and odd ones, pictures, signed records, the log of changes."""
import hashlib

PDF = b'%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n'
GIF = bytes.fromhex('47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b')
DICOM = b'\x00' * 128 + b'DICM' + b'\x02\x00\x00\x00UL\x04\x00'
# Longer than what a gateway sends at once, and no multiple of three.
LONG = PDF + b''.join(b'%% line %d of a long scan\n' % number for number in range(90000))

# What hangs on which records, in the words of those who upload it.
HANGING = [
    ('gnuhealth.lab', 'result.pdf', PDF, 'Scanned result'),
    ('gnuhealth.imaging.test.result', 'slice.dcm', DICOM, None),
    ('gnuhealth.surgery', 'Operación №1 «informe».PDF', PDF, 'Line one\nLine two: <b>not markup</b> & "quoted"'),
    ('gnuhealth.prescription.order', 'receta.jpeg', GIF, None),
    ('gnuhealth.patient.evaluation', 'notes.txt', '<script>alert(1)</script> ñandú 漢字\n'.encode(), None),
    ('gnuhealth.patient.disease', 'no-extension', b'\x00\x01\x02\xff', None),
    ('gnuhealth.inpatient.registration', 'consent.odt', b'PK\x03\x04' + b'\x00' * 30, None),
    ('gnuhealth.vaccination', 'booklet.gif', GIF, None),
    ('gnuhealth.death_certificate', 'copy.pdf', PDF, None),
    ('party.party', 'passport.gif', GIF, 'Pasaporte'),
    ('gnuhealth.institution', 'statutes.pdf', PDF, None),
    ('gnuhealth.pathology', 'guideline.html', b'<html><body onload="alert(1)">x</body></html>', None),
]

PICTURES = [
    ('gnuhealth.du', 'picture'),
    ('gnuhealth.institution', 'picture'),
    ('gnuhealth.newborn', 'photo'),
    ('gnuhealth.patient.ecg', 'ecg_strip'),
    ('gnuhealth.patient.rounding', 'xray'),
    ('gnuhealth.vaccination', 'picture'),
]

SIGNED = [
    ('gnuhealth.prescription.order', 'healthprof'),
    ('gnuhealth.patient.evaluation', 'healthprof'),
    ('gnuhealth.lab', 'pathologist'),
    ('gnuhealth.birth_certificate', 'signed_by'),
    ('gnuhealth.death_certificate', 'signed_by'),
]


def fill(world):
    hanging(world)
    odd(world)
    pictures(world)
    signed(world)
    pages(world)
    log(world)


def some(world, model, domain=(), count=3):
    return world.search(model, domain, limit=count) if world.has(model) else []


def hanging(world):
    for model, name, data, description in HANGING:
        for record in some(world, model):
            world.create('ir.attachment', name=name, type='data', resource=str(record), data=data, description=description)
    patient = some(world, 'gnuhealth.patient')[0]
    world.create('ir.attachment', name='long.pdf', type='data', resource=str(patient), data=LONG)


def odd(world):
    """What forms do not let in, and imports and deletions leave behind."""
    patient = some(world, 'gnuhealth.patient')[1]

    def attachment(name, type='link', **values):
        return world.create('ir.attachment', name=name, type=type, resource=str(patient), **values)

    attachment('empty', type='data')
    attachment('no link')
    attachment('script', link='javascript:alert(1)')
    attachment('blanks', link='https://example.org/a file')
    for resource in ('gnuhealth.patient,999999', 'gnuhealth.patient,-1', 'gnuhealth.gone,1'):
        world.sql('UPDATE ir_attachment SET resource = %s WHERE id = %s', resource, attachment('dangling').id)


def pictures(world):
    for model, field in PICTURES:
        for number, record in enumerate(some(world, model)):
            # A vaccination that was given refuses changes.
            world.sql('UPDATE "%s" SET %s = %%s WHERE id = %%s' % (record._table, field), GIF if number else PDF, record.id)


def signed(world):
    """As health_crypto leaves them: the text, its digest, and a signature that a PGP program made."""
    for model, professional in SIGNED:
        Model = world.pool.get(model)
        if 'serializer' not in Model._fields:
            continue
        for record in some(world, model, [(professional, '!=', None)]):
            text = '{"Document": "%s", "name": "Ñandú <b>&"}' % record.id
            digest = hashlib.sha512(text.encode()).hexdigest()
            signature = '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n%s\n-----BEGIN PGP SIGNATURE-----\n\nZmljdGl0aW91cw==\n' \
                        '-----END PGP SIGNATURE-----\n' % digest
            world.sql('UPDATE "%s" SET serializer = %%s, document_digest = %%s, digital_signature = %%s WHERE id = %%s' % Model._table,
                      text, digest, signature, record.id)


def pages(world):
    """Pages that no module writes: those a person adds."""
    party = some(world, 'gnuhealth.patient')[2]
    party = getattr(party, world.field('gnuhealth.patient', 'party'))
    if not party.federation_account:
        return
    institution = some(world, 'gnuhealth.institution')[0]
    common = {'person': party, 'federation_account': party.federation_account, 'page_date': None, 'institution': institution,
              'node': 'Node', 'author': None, 'author_acct': None}
    world.create('gnuhealth.pol', page_type='social', social_context='war', relevance='critical', info='<p>Desplazada</p>\n\n\x0cpor la guerra', **common)
    world.create('gnuhealth.pol', page_type='biographical', relevance='informational', summary='Mudanza', **dict(common, author='Ana & "Bob"'))
    world.create('gnuhealth.pol', page_type='medical', medical_context='self_monitoring', relevance='important',
                 measurements="{'bp': '120/80', 'hr': 60}", **common)


def log(world):
    """Tryton 7.0 writes it for what people do; filling a database is no person."""
    if not world.has('ir.model.log'):
        return
    user = world.one('res.user', ('login', '=', 'doctor'))
    patient = some(world, 'gnuhealth.patient')[0]
    for record, event, target in [
            (patient, 'write', 'general_info,critical_info'),
            (some(world, 'gnuhealth.patient.evaluation')[0], 'button', 'end_evaluation'),
            (some(world, 'gnuhealth.patient.disease')[0], 'write', 'healed_date'),
            (some(world, 'gnuhealth.lab')[0], 'wizard', 'gnuhealth.lab.wizard:start'),
            (some(world, 'gnuhealth.appointment')[0], 'delete', None)]:
        world.create('ir.model.log', user=user, resource=str(record), event=event, target=target)
    world.create('ir.model.log', resource=str(patient), event='transition', target='state:done')
    world.create('ir.model.log', user=user, resource='gnuhealth.patient,999999', event='delete')

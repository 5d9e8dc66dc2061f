"""Login users: one per role as GNU Health ships them, and one per kind of password hash found in the field."""

# What the demo user of GNU Health is called that has the groups of the role (5.0, 4.4).
ROLES = {
    'doctor': ['demo_doctor'],
    'nurse': ['demo_nurses', 'demo_nurse'],
    'frontdesk': ['demo_frontdesk'],
    'lab': ['demo_lab'],
    'socialworker': ['demo_social_worker'],
    'backoffice': ['demo_back_office'],
    'imaging': ['demo_imaging'],
}
USERS = [
    # login, password, roles
    ('doctor', 'doctor-demo', ['doctor']),
    ('doctor2', 'doctor2-demo', ['doctor']),
    ('nurse', 'nurse-demo', ['nurse']),
    ('frontdesk', 'frontdesk-demo', ['frontdesk']),
    ('lab', 'lab-demo', ['lab']),
    ('socialworker', 'socialworker-demo', ['socialworker']),
    ('backoffice', 'backoffice-demo', ['backoffice']),
    ('imaging', 'imaging-demo', ['imaging']),
    ('nogroup', 'nogroup-demo', []),
    ('inactive', 'inactive-demo', ['doctor']),
    ('doctorfrontdesk', 'doctorfrontdesk-demo', ['doctor', 'frontdesk']),
    ('hash-argon2', 'gnusolidario', ['doctor']),
    ('hash-scrypt', 'gnusolidario', ['doctor']),
    ('hash-bcrypt', 'gnusolidario', ['doctor']),
    ('hash-pbkdf2', 'gnusolidario', ['doctor']),
    ('hash-sha1', 'gnusolidario', ['doctor']),
    ('hash-bcrypt-legacy', 'gnusolidario', ['doctor']),
    ('reset', 'reset-code', ['doctor']),
    ('nohash', '', ['doctor']),
]
# Real hashes of "gnusolidario", as Tryton's releases left them behind; each series can make only some of them itself.
HASHES = {
    'hash-argon2': '$argon2id$v=19$m=65536,t=3,p=4$JIQwxngvJQRASCklJMS4tw'
                   '$EHtUjud8+Y2ZlqRo/X+pgBHoOKMoGMRVn4AJkeDg3pU',
    'hash-scrypt': '$scrypt$ln=16,r=8,p=1$VQrBWGtNqXWOUSqlVGptDQ$nBA9qmdQ1hJ6Til1V8Tl8qezoEiOZZWfBc7ZW4mR0P4',
    'hash-bcrypt': '$2b$12$nBFnxGSMh87bh.ZQy/U6S.czOaKrKqTmU9TTyr2xnMYdadRVcyCsG',
    'hash-pbkdf2': '$pbkdf2-sha512$25000$c24tZSzlvFcKYYyRUkpprQ'
                   '$UWWNDZf/GQv26UMVvnGwT0TTD8Z11YssTPivaaIxDqlmbOrfTU0pbHdn9cTGqxpx79HUjcugI87W9QI5ibzXKg',
    'hash-sha1': 'sha1$66e32cc11b5ae9f8c2b9d3975ceb588dc9fd3ffb$aB3dE6gH',
    'hash-bcrypt-legacy': 'bcrypt$$2b$05$NOMhKvxGHZrIOt7ojcLhGOrGoFCyND2djmeVYTBeOe70e/NQwGNf.',
}


def fill(world):
    world.user = {'admin': world.one('res.user', ('login', '=', 'admin'))}
    for login, password, roles in USERS:
        groups = sorted({group.id for role in roles for user in shipped(world, role) for group in user.groups})
        values = {'groups': [('add', groups)]} if groups else {}
        if login not in HASHES and login not in ('reset', 'nohash'):
            values['password'] = password
        world.user[login] = world.create(
            'res.user', name=login.replace('-', ' ').title(), login=login, email=login + '@example.org',
            companies=[('add', [world.company.id])], company=world.company, company_filter='one', **values)
    # No form of Tryton writes these.
    for login, password_hash in HASHES.items():
        world.sql('UPDATE res_user SET password_hash = %s WHERE login = %s', password_hash, login)
    world.sql("UPDATE res_user SET password_reset = 'reset-code', password_reset_expire = '2199-12-31'"
              " WHERE login = 'reset'")
    world.write(world.user['inactive'], active=False)


def shipped(world, role):
    """The demo user; none when the module that brings the role is not activated."""
    with world.transaction.set_context(active_test=False):
        found = world.search('res.user', ('login', 'in', ROLES[role]), limit=1)
    if not found:
        world.absent.add('role ' + role)
    return found

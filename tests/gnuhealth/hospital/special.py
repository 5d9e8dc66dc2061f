"""The odd ones every real database has: the dead, the merged, the inactive, awkward text, broken rows."""
import datetime

from .world import ANCHOR

DEAD = 12
AWKWARD = 'Robert\'); DROP TABLE "x";-- \\ <script>alert(1)</script> & 😀👩‍⚕️'


def fill(world):
    deaths(world)
    merged(world)
    inactive(world)
    awkward(world)
    broken(world)
    clock(world)


def deaths(world):
    for number in range(DEAD):
        patient = world.patients[-1 - number]
        person = world.party[patient.id]
        certificate = world.create(
            'gnuhealth.death_certificate', party=person, code='DC-%04d' % number, dod=ANCHOR - datetime.timedelta(days=3 + number * 40),
            country=world.country['AR'], country_subdivision=world.subdivision['AR-C'], institution=world.hospital,
            place_of_death=world.pick(['home', 'work', 'public_place', 'health_center']), cod=world.pick(world.pathologies),
            type_of_death=world.pick(['natural', 'suicide', 'homicide', 'undetermined', 'pending_investigation']),
            autopsy=number % 3 == 0, observations='None' if number % 2 else None)
        world.create('gnuhealth.death_underlying_condition', death_certificate=certificate, interval=number + 1,
                     unit_of_time=world.pick(['minutes', 'hours', 'days', 'months', 'years']), condition=world.pick(world.pathologies))
        # The last one stays a draft: nobody is dead without a signature.
        if number < DEAD - 1:
            certificate.__class__.sign([certificate])
            world.sql('UPDATE gnuhealth_death_certificate SET certification_date = dod + interval \'2 hours\' WHERE id = %s',
                      certificate.id)
    # Tryton's form lets nobody tick the box by hand; imports do.
    world.sql('UPDATE party_party SET deceased = true WHERE id = %s', world.party[world.patients[140].id].id)


def merged(world):
    """A person entered twice; Tryton's merge leaves the old party inactive and pointing at the other."""
    old, kept = world.party[world.patients[141].id], world.party[world.patients[142].id]
    world.write(old, replaced_by=kept.id, active=False)


def inactive(world):
    for index in (150, 151, 152):
        world.write(world.patients[index], active=False)
    for index in (152, 153):
        world.write(world.party[world.patients[index].id], active=False)
    # NULL counts as inactive.
    world.sql('UPDATE gnuhealth_patient SET active = NULL WHERE id = %s', world.patients[154].id)


def awkward(world):
    patient = world.patients[160]
    party = world.party[patient.id]
    world.write(party, name=AWKWARD, lastname='%_\\%')
    world.write(patient, general_info='Line one\r\nline two\ttabbed\n"quoted" \\N \\. end', critical_info='<b>"&\'</b>')
    long = world.patients[161]
    world.write(world.party[long.id], name='Ñ' * 200)
    # Tryton strips blanks and line breaks; old imports did not.
    world.sql("UPDATE party_party SET name = 'Trailing  ', lastname = ' Leading' WHERE id = %s", world.party[world.patients[162].id].id)
    world.sql("UPDATE party_party SET name = '', lastname = '' WHERE id = %s", world.party[world.patients[163].id].id)
    world.sql("UPDATE gnuhealth_person_name SET \"given\" = '', family = NULL WHERE party = %s",
              world.party[world.patients[163].id].id)
    world.create('gnuhealth.patient.disease', patient=patient, pathology=world.pathologies[0], short_comment=AWKWARD,
                 diagnosed_date=ANCHOR.date(), extra_info='a\nb\r\nc\td', institution=world.hospital, is_active=True)


def broken(world):
    """Rows that forms refuse and databases hold all the same."""
    persons = [world.party[patient.id].id for patient in world.patients]
    world.sql('UPDATE party_party SET gender = NULL WHERE id IN (%s, %s, %s)', *persons[170:173])
    world.sql('DELETE FROM gnuhealth_person_name WHERE party = %s', persons[173])
    world.sql("UPDATE party_party SET dob = '0087-03-04' WHERE id = %s", persons[174])
    world.sql("UPDATE gnuhealth_patient_disease SET status = 'zz' WHERE id = %s", world.conditions[5].id)
    world.sql("UPDATE gnuhealth_patient_evaluation SET temperature = 'NaN' WHERE id = %s", world.evaluations[5].id)
    column = world.field('gnuhealth.patient.disease', 'patient')
    world.sql('UPDATE gnuhealth_patient_disease SET "%s" = NULL WHERE id = %%s' % column, world.conditions[6].id)


def clock(world):
    """What GNU Health stamps with the hour of the run and nobody can set: pages of life, the federation's queue."""
    world.sql("UPDATE gnuhealth_pol SET page_date = timestamp '2026-01-01 09:00' - id * interval '5 hours'"
              " WHERE page_date > '2026-06-01'")
    world.sql("UPDATE gnuhealth_federation_queue SET time_stamp = '2026-01-01 09:00:00'")
    world.sql("UPDATE party_party SET activation_date = '2026-01-01' WHERE activation_date > '2026-06-01'")

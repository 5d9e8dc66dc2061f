"""Insurance, plans, health services and their lines; papers attached to patients."""
import datetime

from .evaluations import in_life
from .people import png
from .places import product


def fill(world):
    insurance(world)
    services(world)
    attachments(world)


def insurance(world):
    plans = [
        world.create('gnuhealth.insurance.plan', company=insurer, product=product(world, 'Plan %s' % name, is_insurance_plan=True,
                                                                                type='service'), is_default=name == 'A')
        for insurer, name in zip(world.insurers * 2, 'ABCD')]
    world.policies = []
    for number, patient in enumerate(world.patients[:170]):
        insurer = number % 2
        policy = world.create(
            'gnuhealth.insurance', party=world.party[patient.id], number='%s-%06d' % ('OS' if insurer else 'SM', number * 37),
            company=world.insurers[insurer], insurance_type=world.pick([None, 'state', 'labour_union', 'private']),
            member_since=datetime.date(2015, 1, 1) if number % 3 else None, category='gold' if number % 5 == 0 else None,
            member_exp=datetime.date(2020 + number % 12, 12, 31) if number % 4 else None,
            plan_id=plans[insurer] if number % 2 == 0 else None, notes='copay 10 %' if number % 10 == 0 else None)
        world.policies.append(policy)
        if number % 2:
            world.write(patient, current_insurance=policy.id)


def services(world):
    consultation = product(world, 'Consultation', type='service')
    for number in range(150):
        patient = world.pick(world.patients)
        service = world.create(
            'gnuhealth.health_service', patient=patient, company=world.company, institution=world.hospital,
            service_date=in_life(world, patient, world.past(days=500)).date(), desc='Visit %d' % number, state='draft',
            invoice_to=world.party[patient.id])
        for line in range(number % 3 + 1):
            world.create('gnuhealth.health_service.line', service=service, product=consultation, desc='Line %d' % line,
                         qty=line + 1, to_invoice=line % 2 == 0, from_date=service.service_date, remarks='first')
        if number % 5 == 0:
            world.write(service, state='invoiced')


def attachments(world):
    for number, patient in enumerate(world.patients[:40]):
        if number % 2:
            world.create('ir.attachment', name='letter-%d.txt' % number, type='data', resource=str(patient),
                         data=('Referral letter %d\nñandú — 漢字\n' % number).encode(), description='from the clinic')
        elif number % 3 == 0:
            world.create('ir.attachment', name='scan-%d.png' % number, type='data', resource=str(patient), data=png(9, number, 99))
        else:
            world.create('ir.attachment', name='guideline-%d' % number, type='link', resource=str(patient),
                         link='https://example.org/guideline/%d' % number)

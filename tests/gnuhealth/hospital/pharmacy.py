"""Pharmacy, kitchen and counter: the catalogue in detail, stock, invoices, schedules, and odd rows of medication."""
import datetime
from decimal import Decimal

from .places import product
from .world import ANCHOR

DAY = datetime.timedelta(days=1)


def fill(world):
    # By search: what other departments hold in the world does not matter.
    world.someone = world.search('gnuhealth.patient', limit=120)
    catalogue(world)
    odd_dosage(world)
    newborns(world)
    vaccines(world)
    ward(world)
    if world.has('stock.move'):
        stock(world)
        supplies(world)
    insurances(world)
    if world.has('account.invoice'):
        invoices(world)
    schedules(world)
    if world.has('gnuhealth.paper_archive'):
        archive(world)
    if world.has('gnuhealth.surgery'):
        surgeries(world)
    surveys(world)
    if world.has('gnuhealth.inpatient.meal'):
        kitchen(world)


def catalogue(world):
    unit = {unit.name: unit for unit in world.search('gnuhealth.dose.unit')}
    forms, routes = world.search('gnuhealth.drug.form', limit=9), world.search('gnuhealth.drug.route', limit=9)
    puff = world.create('gnuhealth.dose.unit', name='puff', code='puff', desc='one puff')
    world.own_route = world.create('gnuhealth.drug.route', name='Por sonda', code='SONDA')
    world.own_dosage = world.create('gnuhealth.medication.dosage', name='Luego de comer', code='LDC')
    world.puff = puff
    for number, medicament in enumerate(world.search('gnuhealth.medicament', limit=24)):
        values = dict(form=forms[number % 9].id, route=routes[number % 9].id, composition='Excipients: lactose; ñ',
                      therapeutic_action='Analgesic' if number % 3 == 0 else None, storage='Below 25 °C' if number % 4 else None,
                      presentation='Box of 20' if number % 5 else None, overdosage='Call 136' if number % 6 == 0 else None,
                      indications='Pain\nfever' if number % 2 else None, adverse_reaction='Rash' if number % 7 == 0 else None,
                      dosage='One every 8 hours' if number % 8 else None, pregnancy='Avoid' if number % 9 == 0 else None)
        if number % 3 == 0:
            values.update(strength=[500, 0.25, 0][number // 3 % 3], unit=unit['mg'].id)
        elif number % 3 == 1:
            values.update(sol_conc=100, sol_conc_unit=unit['mg'].id, sol_vol=5 if number % 2 else 0, sol_vol_unit=unit['mL'].id)
        else:
            values.update(strength=2, unit=puff.id)
        world.write(medicament, **values)
        item = getattr(medicament, world.field('gnuhealth.medicament', 'product'))
        if number % 2 == 0 and not item.code:
            world.write(item, **{'suffix_code' if 'suffix_code' in item._fields else 'code': 'MED-%03d' % number})
            world.create('product.identifier', product=item, type='ean', code='4006381333931')
            world.create('product.identifier', product=item, type=None, code='local-%d' % number)
    last = world.search('gnuhealth.medicament')[-1]
    world.write(last, active=False)


def odd_dosage(world):
    """What forms leave empty, and numbers that mean nothing."""
    drugs = world.search('gnuhealth.medicament', limit=30)
    doctor = world.search('gnuhealth.healthprofessional', limit=1)[0]
    mg = world.one('gnuhealth.dose.unit', ('name', '=', 'mg'))
    shapes = [
        dict(),
        dict(dose=0, qty=0, frequency=0, duration=0, quantity=0, refills=0, dose_unit=mg),
        dict(dose=-5, qty=-1, frequency=-8, duration=-3, quantity=-2, refills=-1, dose_unit=mg),
        dict(dose=0.1, qty=3, dose_unit=mg, frequency=2, frequency_unit='weeks', duration=6, duration_period='months'),
        dict(dose=1e-7, qty=2, dose_unit=mg, frequency=30, frequency_unit='seconds', duration=90, duration_period='minutes'),
        dict(dose=12345.678, qty=2147483647, dose_unit=world.puff, frequency=2147483647, frequency_unit='days'),
        dict(dose=2, dose_unit=world.puff, route=world.own_route, common_dosage=world.own_dosage, qty=None),
        dict(qty=2, frequency=1, frequency_unit=None, duration=4, duration_period=None),
        dict(infusion=False, infusion_rate=40, infusion_rate_units='mlhr', frequency=4, frequency_unit='wr'),
        dict(infusion=True, infusion_rate=40.5, infusion_rate_units='mlhr', dose=1, dose_unit=None, admin_times='Mañana y noche'),
        dict(infusion=True, infusion_rate=40.5, infusion_rate_units=None, start_treatment=ANCHOR, end_treatment=ANCHOR + 9 * DAY,
             duration=4, duration_period='days', form=world.search('gnuhealth.drug.form', limit=1)[0]),
    ]
    pharmacies = world.search('party.party', [('is_pharmacy', '=', True)])
    stranger = world.search('party.party', [('is_pharmacy', '!=', True)], limit=1)[0]
    for number, shape in enumerate(shapes):
        patient = world.someone[number]
        order = world.create(
            'gnuhealth.prescription.order', patient=patient, prescription_date=ANCHOR - number * DAY if number else None,
            healthprof=doctor, pharmacy=pharmacies[0], prescription_warning_ack=True,
            state=['draft', 'done', 'validated'][number % 3])
        if number == 1:
            # It was a pharmacy once.
            world.sql('UPDATE gnuhealth_prescription_order SET pharmacy = %s WHERE id = %s', stranger.id, order.id)
        shape = dict({'start_treatment': None, 'qty': None, 'frequency_unit': None, 'duration_period': None}, **shape)
        world.create('gnuhealth.prescription.line', presc_order=order, medicament=drugs[number], **shape)
        world.create('gnuhealth.patient.medication', patient=patient, medicament=drugs[number], is_active=number % 2 == 0,
                     discontinued=False, course_completed=False, healthprof=None, **shape)
    world.create('gnuhealth.prescription.line', presc_order=None, medicament=drugs[0])
    if world.has('gnuhealth.health_service'):
        insured(world, doctor, drugs[1])


def insured(world, doctor, drug):
    """Services that an insurance pays, and a prescription on the last of them."""
    holder = world.field('gnuhealth.insurance', 'party')
    for service in world.search('gnuhealth.health_service', limit=60):
        party = getattr(service.patient, world.field('gnuhealth.patient', 'party'))
        policies = world.search('gnuhealth.insurance', [(holder, '=', party.id)], limit=1)
        if policies and 'insurance_plan' in service._fields:
            world.write(service, insurance_holder=party.id, insurance_plan=policies[0].id)
            last = service
    order = world.create('gnuhealth.prescription.order', patient=last.patient, healthprof=doctor, state='done',
                         prescription_date=ANCHOR, prescription_warning_ack=True, service=last, notes='日本語のメモ')
    world.create('gnuhealth.prescription.line', presc_order=order, medicament=drug, refills=12)


def newborns(world):
    """Medication of a newborn may name the newborn only; some rows name nobody."""
    drug = world.search('gnuhealth.medicament', limit=1)[0]
    if world.has('gnuhealth.newborn'):
        for newborn in world.search('gnuhealth.newborn', limit=3):
            world.create('gnuhealth.patient.medication', newborn_id=newborn, medicament=drug, patient=None)
    world.create('gnuhealth.patient.medication', patient=None, medicament=drug)


def vaccines(world):
    vaccines = world.search('gnuhealth.medicament', [('is_vaccine', '=', True)])
    for number, patient in enumerate(world.someone[20:32]):
        # The second dose of a vaccine makes the date that the first one named a thing of the past.
        for dose in range(1, number % 3 + 2):
            world.create('gnuhealth.vaccination', patient=patient, vaccine=vaccines[number], dose=dose + 40,
                         date=ANCHOR + dose * 30 * DAY, next_dose_date=ANCHOR + (dose + 1) * 30 * DAY if dose < 3 else None,
                         state='in_progress', amount=0 if number % 2 else -1)
    odd = [dict(date=None, state=None, dose=0), dict(dose=None, vaccine_lot='', observations='Ünïcödé'), dict(dose=-1, amount=1e-3)]
    for number, values in enumerate(odd):
        world.create('gnuhealth.vaccination', patient=world.someone[40 + number], vaccine=vaccines[number],
                     **dict({'date': ANCHOR, 'state': 'done'}, **values))


def ward(world):
    if not world.has('gnuhealth.inpatient.medication'):
        return
    stays = world.search('gnuhealth.inpatient.registration', limit=40)
    mg = world.one('gnuhealth.dose.unit', ('name', '=', 'mg'))
    form, route = world.search('gnuhealth.drug.form', limit=1)[0], world.search('gnuhealth.drug.route', limit=1)[0]
    drugs = world.search('gnuhealth.medicament', limit=8)
    for number in range(6):
        medication = world.create(
            'gnuhealth.inpatient.medication', registration=stays[number] if number else None, medicament=drugs[number],
            dose=[0, 0.5, 20, -1, 3, 1][number], dose_unit=[mg, world.puff][number % 2], form=form,
            route=world.own_route if number == 2 else route, qty=number, start_treatment=ANCHOR, is_active=number > 3,
            course_completed=number == 2, frequency=number * 3, frequency_unit=[None, 'hours', 'weeks', 'wr'][number % 4],
            frequency_prn=number == 5, adverse_reaction='vértigo' if number % 2 else None,
            common_dosage=world.own_dosage if number == 3 else None)
        for hour in range(number):
            world.create('gnuhealth.inpatient.medication.admin_time', medication=medication, dose_unit=mg,
                         admin_time=datetime.time(6 + 4 * hour, 30) if hour else None, dose=hour or None)
        world.create('gnuhealth.inpatient.medication.log', medication=medication, admin_time=None if number == 4 else ANCHOR,
                     dose=[None, 0, 5, 2.5, -1, 1][number], dose_unit=mg if number > 1 else None,
                     health_professional=world.search('gnuhealth.healthprofessional', limit=1)[0])
    world.create('gnuhealth.inpatient.medication.log', medication=None, admin_time=ANCHOR,
                 health_professional=world.search('gnuhealth.healthprofessional', limit=1)[0])


def stock(world):
    """Lots of medicines, and the moves of prescriptions."""
    unit = world.one('product.uom', ('symbol', '=', 'u'))
    store, customer = (world.one('stock.location', ('code', '=', code)) for code in ('STO', 'CUS'))
    currency, company = world.search('currency.currency', limit=1)[0], world.search('company.company', limit=1)[0]
    Move = world.pool.get('stock.move')
    orders = world.search('gnuhealth.prescription.order', [('state', '=', 'done')], limit=24)
    drugs = world.search('gnuhealth.medicament', limit=24)
    vaccinations = world.search('gnuhealth.vaccination', limit=3)
    for number, order in enumerate(orders + vaccinations):
        # Most moves are of what was prescribed.
        lines = order.prescription_line if number % 4 and hasattr(order, 'prescription_line') else ()
        item = getattr(lines[0].medicament if lines else drugs[number % 24], world.field('gnuhealth.medicament', 'product'))
        lot = None
        if number % 2 == 0:
            lot = world.create('stock.lot', number='L-%03d' % number, product=item,
                               expiration_date=datetime.date(2028, 1, 31) if number % 4 else None)
        move = world.create(
            'stock.move', origin=str(order), product=item, lot=lot, quantity=[1, 20, 3][number % 3], unit=unit, uom=unit,
            from_location=store, to_location=customer, company=company, currency=currency, unit_price=Decimal('12.50'),
            planned_date=ANCHOR.date(), effective_date=ANCHOR.date() if number % 2 else None)
        # Tryton would ask for accounts and periods to do them.
        world.sql('UPDATE stock_move SET state = %s WHERE id = %s', ['draft', 'assigned', 'done', 'cancelled', 'staging'][number % 5], move.id)
    # The order of this one was deleted.
    world.sql("UPDATE stock_move SET origin = 'gnuhealth.prescription.order,999999' WHERE id = %s", move.id)
    vaccination = vaccinations[0]
    lot = world.create('stock.lot', number='VAC-1', product=vaccination.vaccine.product if not world.is_44 else vaccination.vaccine.name,
                       expiration_date=datetime.date(2027, 6, 30))
    world.sql("UPDATE gnuhealth_vaccination SET lot = %s, vaccine_lot = '', vaccine_expiration_date = NULL, product = %s WHERE id = %s",
              lot.id, lot.product.id, vaccination.id)


def supplies(world):
    gauze = product(world, 'Jeringa 5 mL', is_medical_supply=True)
    lot = world.create('stock.lot', number='G-77', product=gauze)
    roundings = world.search('gnuhealth.patient.rounding', limit=12)
    sessions = world.search('gnuhealth.patient.ambulatory_care', limit=12)
    for number in range(12):
        values = dict(product=gauze, quantity=[1, 4, 0, None][number % 4], lot=lot if number % 3 == 0 else None,
                      short_comment='usadas 2' if number % 5 == 0 else None)
        world.create('gnuhealth.patient.rounding.medical_supply', rounding=roundings[number] if number else None, **values)
        world.create('gnuhealth.patient.ambulatory_care.medical_supply', ambcare=sessions[number] if number else None, **values)
        if number % 4 == 0:
            drug = world.search('gnuhealth.medicament', limit=1)[0]
            world.create('gnuhealth.patient.rounding.medicament', rounding=roundings[number], medicament=drug, lot=lot,
                         product=gauze, quantity=0 if number else None)
            world.create('gnuhealth.patient.ambulatory_care.medicament', ambcare=sessions[number] if number else None,
                         medicament=drug, lot=lot, product=gauze, quantity=3)


def insurances(world):
    insurers = world.search('party.party', [('is_insurance_company', '=', True)])
    patients = {getattr(patient, world.field('gnuhealth.patient', 'party')).id for patient in world.search('gnuhealth.patient')}
    stranger = next(party for party in world.search('party.party', [('is_person', '=', True)]) if party.id not in patients)
    world.create('gnuhealth.insurance', party=stranger, number='X-1', company=insurers[0])
    world.create('gnuhealth.insurance', party=None, number='X-2', company=insurers[0])
    # The company lost its flag after the policy was written.
    policy = world.create('gnuhealth.insurance', number='X-3', company=insurers[0], category='Ω',
                          party=getattr(world.someone[0], world.field('gnuhealth.patient', 'party')))
    other = world.search('party.party', [('is_pharmacy', '=', True)], limit=1)[0]
    world.sql('UPDATE gnuhealth_insurance SET company = %s WHERE id = %s', other.id, policy.id)
    if not world.has('gnuhealth.insurance.plan.product.policy'):
        return
    category = world.create('product.category', name='Prácticas')
    plan = world.search('gnuhealth.insurance.plan', limit=1)[0]
    consultation = product(world, 'Consulta domiciliaria', type='service')
    for values in (dict(product=consultation, discount=25.5, icode='C-420'), dict(product_category=category, price=99.9),
                   dict(product=consultation, discount=10.0, price=12.0)):
        world.create('gnuhealth.insurance.plan.product.policy', plan=plan, **values)


def invoices(world):
    """Invoices of health services. Nobody needs a chart of accounts for more than two of them."""
    company = world.search('company.company', limit=1)[0]
    kind = {flag: world.create('account.account.type', name=flag, company=company, statement=statement,
                               assets=flag == 'receivable', **{flag: True})
            for flag, statement in (('receivable', 'balance'), ('revenue', 'income'))}
    account = {flag: world.create('account.account', name=flag, company=company, type=kind[flag], code=flag[:3],
                                  party_required=flag == 'receivable') for flag in kind}
    journal = world.search('account.journal', [('type', '=', 'revenue')], limit=1)
    states = ['draft', 'validated', 'posted', 'paid', 'cancelled']
    column = world.field('gnuhealth.health_service.line', 'service')
    for number, service in enumerate(world.search('gnuhealth.health_service', [('state', '=', 'invoiced')], limit=12)):
        party = getattr(service.patient, world.field('gnuhealth.patient', 'party'))
        address = party.addresses[0] if party.addresses else world.create('party.address', party=party, street='Calle 1')
        invoice = world.create(
            'account.invoice', company=company, party=party, type='out', currency=company.currency, account=account['receivable'],
            invoice_address=address, journal=journal[0] if journal else None, reference=service.name,
            comment='Gracias' if number % 4 == 0 else None)
        for line in world.search('gnuhealth.health_service.line', [(column, '=', service.id)]):
            world.create('account.invoice.line', invoice=invoice, origin=str(line), product=line.product, description=line.desc,
                         company=company, quantity=line.qty, unit=line.product.default_uom, unit_price=Decimal('150.25'),
                         account=account['revenue'], type='line', currency=company.currency)
        state = states[number % 5]
        world.sql('UPDATE account_invoice SET state = %s, number = %s, invoice_date = %s WHERE id = %s', state,
                  None if number % 5 < 2 else 'F-%05d' % number, None if number % 5 < 2 else ANCHOR.date(), invoice.id)


def schedules(world):
    vaccines = world.search('gnuhealth.medicament', [('is_vaccine', '=', True)], limit=4)
    for number, name in enumerate(('AR-2026', 'ES-2025')):
        schedule = world.create(
            'gnuhealth.immunization_schedule', sched=name, desc='Calendario nacional', year=2026 - number, active=number == 0,
            country=world.search('country.country', [('code', '=', name[:2])], limit=1)[0] if number == 0 else None)
        for index, vaccine in enumerate(vaccines):
            line = world.create('gnuhealth.immunization_schedule_line', sched=schedule, vaccine=vaccine,
                                scope=['systematic', 'recommended', 'highrisk', None][index], remarks='Embarazadas' if index else None)
            for dose in range(index):
                world.create('gnuhealth.immunization_schedule_dose', vaccine=line, dose_number=dose + 1, age_dose=2 * dose,
                             age_unit=['days', 'weeks', 'months', 'years'][(dose + index) % 4], remarks='Refuerzo' if dose else None)


def archive(world):
    units = world.search('gnuhealth.hospital.unit', limit=3)
    clerk = world.search('party.party', [('is_person', '=', True)], limit=1)[0]
    for number, patient in enumerate(world.someone[:9]):
        world.create(
            'gnuhealth.paper_archive', patient=patient, location=units[0], current_location=units[number % 3] if number % 2 else None,
            hc_status=['archived', 'borrowed', 'lost'][number % 3], legacy='HC-%d' % number if number % 2 else None,
            request_date=ANCHOR - DAY if number % 3 else None, return_date=ANCHOR if number % 4 == 0 else None,
            requested_by=clerk if number % 3 else None, comments='Tomo II' if number == 5 else None)


def surgeries(world):
    for number, surgery in enumerate(world.search('gnuhealth.surgery', limit=12)):
        world.sql('UPDATE gnuhealth_surgery SET postoperative_guidelines = %s, discharge_instructions = %s WHERE id = %s',
                  'Tolerancia a las 6 h\nAnalgesia' if number % 2 else None, 'Reposo' if number % 3 else '', surgery.id)


def surveys(world):
    home = world.search('gnuhealth.du', limit=3)
    common = dict(survey_date=ANCHOR.date(), du_fumigation=True, fumigation_date=ANCHOR.date(), observations='Techo de paja')
    if world.has('gnuhealth.chagas_du_survey'):
        for number, status in enumerate(('initial', 'unchanged', 'better', 'worse')):
            world.create('gnuhealth.chagas_du_survey', du=home[number] if number < 3 else None, du_status=status, triatomines=number > 1,
                         vector='t_infestans' if number > 1 else None, droof=True, du_paint=number == 0, paint_date=ANCHOR.date(), **common)
    if world.has('gnuhealth.dengue_du_survey'):
        for number, status in enumerate(('initial', 'worse')):
            world.create('gnuhealth.dengue_du_survey', du=home[number], du_status=status, aedes_larva=True, old_tyres=number == 0,
                         next_survey_date=ANCHOR.date() + 30 * DAY, **common)


def kitchen(world):
    stay = world.one('gnuhealth.inpatient.registration', ('state', '=', 'hospitalized'))
    meals = [world.create('gnuhealth.inpatient.meal', meal=product(world, name), diet_therapeutic=diet, diet_vegetarian=vegetarian)
             for name, diet, vegetarian in (
                 ('Puré de calabaza', world.search('gnuhealth.diet.therapeutic', limit=1)[0], None),
                 ('Ensalada', None, world.search('gnuhealth.vegetarian_types', limit=1)[0]))]
    order = world.create('gnuhealth.inpatient.meal.order', registration=stay, state='ordered', mealtime='lunch', order_date=ANCHOR,
                         meal_warning_ack=True)
    for meal in meals:
        world.create('gnuhealth.inpatient.meal.order.item', meal_order=order, meal=meal, remarks='sin sal' if meal == meals[0] else None)
    world.create('gnuhealth.inpatient.meal.order', registration=stay, state=None, mealtime='special', order_date=ANCHOR,
                 meal_warning_ack=True)
    world.create('gnuhealth.inpatient.diet', registration=None, diet=world.search('gnuhealth.diet.therapeutic', limit=1)[0])
    vegetarian = world.search('gnuhealth.vegetarian_types', limit=2)
    belief = world.search('gnuhealth.diet.belief', limit=2)
    for patient in {stay.patient, *world.someone[:2]}:
        world.write(patient, vegetarian_type=vegetarian[1].id, diet_belief=belief[0].id)

"""Laboratory: requests and results with all their analytes."""
import datetime

from .evaluations import in_life

REQUESTS, RESULTS = 180, 350
TEXTS = ['Negative', 'Positive', 'Clear', 'Traces', '< 5', '1:80', 'Straw yellow']


def fill(world):
    tests = [world.one('gnuhealth.lab.test_type', ('code', '=', code)) for code in
             ('CBC', 'LFT', 'RFT', 'UA', 'EGY', 'HTG', 'SE')]
    world.lab_requests, world.labs = [], []
    for number in range(REQUESTS):
        patient = world.pick(world.patients)
        world.lab_requests.append(world.create(
            'gnuhealth.patient.lab.test', patient_id=patient, test_type=world.pick(tests), source_type='patient',
            date=in_life(world, patient, world.past(days=400)), doctor_id=world.pick(world.doctors),
            state=['draft', 'ordered', 'tested', 'cancel'][number % 4], urgent=number % 7 == 0,
            context=world.pick(world.pathologies) if number % 3 == 0 else None, specimen_type='Blood',
            comment='fasting' if number % 9 == 0 else None))
    for number in range(RESULTS):
        result(world, number, world.pick(tests))
    if not world.is_44:
        world.create('gnuhealth.patient.lab.test', source_type='other_source', other_source='Water tank of ward A',
                     test_type=tests[3], date=world.past(days=100), doctor_id=world.doctors[0], state='draft')


def result(world, number, test):
    # 5.0 knows tests of what is no patient: water, a colleague's sample…
    other = number % 60 == 59 and not world.is_44
    patient = world.pick(world.patients)
    requested = in_life(world, patient, world.past(days=900))
    analysed = requested + datetime.timedelta(hours=world.rng.randint(1, 30))
    state = ['validated', 'done', 'draft', 'validated'][number % 4]
    request = world.lab_requests[number] if number < len(world.lab_requests) else None
    if request is not None and request.state == 'tested':
        patient, other = request.patient_id, False
        test = getattr(request, world.field('gnuhealth.patient.lab.test', 'test_type'))
    finished = state != 'draft'
    lab = world.create(
        'gnuhealth.lab', test=test, patient=None if other else patient, source_type='other_source' if other else 'patient',
        other_source='Kitchen' if other else None, date_requested=requested, date_analysis=analysed if finished else None,
        state=state, requestor=world.pick(world.doctors), pathologist=world.biochemist if finished else None,
        done_by=world.biochemist if finished else None, done_date=analysed if finished else None,
        validated_by=world.biochemist if state == 'validated' else None,
        validation_date=analysed + datetime.timedelta(hours=1) if state == 'validated' else None,
        request_order=request.request if request is not None and request.state == 'tested' else None,
        pathology=world.pick(world.pathologies) if number % 20 == 0 else None, historize=False, specimen_type='Blood',
        results='See analytes' if number % 5 == 0 else None, diagnosis='Normal for age' if number % 8 == 0 else None)
    world.labs.append(lab)
    world.create_all('gnuhealth.lab.test.critearea', [
        dict(gnuhealth_lab_id=lab, name=analyte.name, code=analyte.code, sequence=analyte.sequence, units=analyte.units,
             lower_limit=analyte.lower_limit, upper_limit=analyte.upper_limit, normal_range=analyte.normal_range,
             **(measured(world, number, analyte) if finished else {}))
        for analyte in test.critearea])


def measured(world, number, analyte):
    low, high = analyte.lower_limit, analyte.upper_limit
    draw = world.rng.randrange(20)
    if draw == 0:
        return {'excluded': True}
    if draw == 1:
        return {'result': 0.0, 'remarks': 'below detection'}
    if not high:
        return {'result_text': world.pick(TEXTS)} if draw > 3 else {}
    value = world.between((low or 0) * .7, high * 1.2, 2)
    values = {'result': value, 'warning': value < (low or 0) or value > high}
    if draw == 2:
        # One line in 4.4, a text in 5.0.
        values['remarks'] = 'Repeated twice.%sHaemolysed sample' % (' ' if world.is_44 else '\n')
    if draw == 3:
        values['result_text'] = 'see remark'
    return values

"""Imaging: the studies of this hospital, requests, results with pictures."""
import datetime

from .evaluations import in_life
from .people import JPEG
from .places import product

COUNT = 160
STUDIES = [('Chest X-ray, two views', 'XR-CHEST', 'XR'), ('Abdominal ultrasound', 'US-ABD', 'US'),
           ('Brain MRI', 'MR-BRAIN', 'MR'), ('CT of the abdomen', 'CT-ABD', 'CT'), ('Obstetric ultrasound', 'US-OB', 'US')]


def fill(world):
    studies = [
        world.create('gnuhealth.imaging.test', name=name, code=code,
                     test_type=world.one('gnuhealth.imaging.test.type', ('code', '=', kind)),
                     product=product(world, name, type='service'))
        for name, code, kind in STUDIES]
    world.images = []
    for number in range(COUNT):
        patient, study, doctor = world.pick(world.patients), world.pick(studies), world.pick(world.doctors)
        moment = in_life(world, patient, world.past(days=800))
        request = world.create(
            'gnuhealth.imaging.test.request', patient=patient, requested_test=study, doctor=doctor, date=moment,
            state=['done', 'requested', 'done', 'draft'][number % 4], urgent=number % 9 == 0,
            # By itself it is a DICOM number made of the clock.
            merge_id='1.2.826.0.1.3680043.9.%d' % (number + 1),
            context=world.pick(world.pathologies) if number % 2 else None, comment='left side' if number % 7 == 0 else None)
        if request.state != 'done':
            continue
        result = world.create(
            'gnuhealth.imaging.test.result', patient=patient, requested_test=study, doctor=doctor, request=request,
            request_date=moment, date=moment + datetime.timedelta(hours=3), order=request.request,
            comment='No acute findings.\nCompared with the previous study.' if number % 3 else None)
        world.images.append(result)
        if number % 12 == 0:
            world.create('ir.attachment', name='film-%d.jpg' % number, type='data', data=JPEG, resource=str(result))

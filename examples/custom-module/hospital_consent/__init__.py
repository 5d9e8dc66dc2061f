"""A Tryton module as a hospital might have written for itself: consents that patients signed."""
from trytond.pool import Pool

from . import consent


def register():
    Pool.register(consent.Consent, consent.Provision, module='hospital_consent', type_='model')

from trytond.model import ModelSQL, ModelView, fields


class Consent(ModelSQL, ModelView):
    "Patient Consent"
    __name__ = 'hospital.consent'

    patient = fields.Many2One('gnuhealth.patient', "Patient", required=True)
    kind = fields.Selection([
        ('treatment', "Treatment"),
        ('research', "Research"),
        ('release', "Release of Information"),
        ], "Kind", required=True)
    state = fields.Selection([
        ('draft', "Draft"),
        ('signed', "Signed"),
        ('refused', "Refused"),
        ('withdrawn', "Withdrawn"),
        ], "State", required=True)
    signed = fields.DateTime("Signed")
    valid_until = fields.Date("Valid Until")
    witness = fields.Many2One('gnuhealth.healthprofessional', "Witness")
    institution = fields.Many2One('gnuhealth.institution', "Institution")
    number = fields.Char("Number")
    provisions = fields.One2Many('hospital.consent.provision', 'consent', "Provisions")

    @staticmethod
    def default_state():
        return 'draft'


class Provision(ModelSQL, ModelView):
    "Provision of a Patient Consent"
    __name__ = 'hospital.consent.provision'

    consent = fields.Many2One('hospital.consent', "Consent", required=True, ondelete='CASCADE')
    sequence = fields.Integer("Sequence")
    allowed = fields.Boolean("Allowed")
    text = fields.Char("Text", required=True)

"""PyPI fhirclient: a strict parser of plain R4, which refuses unknown elements and wrong cardinalities."""

import sys

from fhirclient.models.bundle import Bundle
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirclient.server import FHIRNotFoundException, FHIRServer, FHIRUnauthorizedException

from report import expect, finish, some, two_or_more

base, login, password = sys.argv[1:]


def server(password):
    made = FHIRServer(None, base_uri=base)
    made.session.auth = (login, password)
    return made


gateway = server(password)


def check(what, expected, found):
    return expect("fhirclient", what, expected, found)


def refusal(work, kind):
    try:
        work()
    except kind:
        return "refused"
    return "answered"


check("the CapabilityStatement is of 4.0.1", "4.0.1", lambda: gateway.capabilityStatement.fhirVersion)
wrong = server(password + "x")
search = Patient.where({"_count": "1"})
check("a wrong password is 401", "refused", lambda: refusal(lambda: search.perform(wrong), FHIRUnauthorizedException))
patients = check("patients are found", some, lambda: Patient.where({"_count": "50"}).perform_resources(gateway))

if patients:
    first = patients[0]
    check("a patient is read", first.id, lambda: Patient.read(first.id, gateway).id)
    check(
        "a patient that does not exist is 404",
        "refused",
        lambda: refusal(lambda: Patient.read("999999999", gateway), FHIRNotFoundException),
    )
    named = next((one for one in patients if one.name and one.name[0].family), None)
    if check("a patient has a family name", some, lambda: named):
        family = named.name[0].family
        found = lambda: [one.id for one in Patient.where({"family": family}).perform_resources(gateway)]
        check("a search by family name finds the patient", lambda ids: named.id in ids, found)
        upper = lambda: [one.id for one in Patient.where({"name": family.upper()[:3]}).perform_resources(gateway)]
        check("a search by the start of a name ignores case", lambda ids: named.id in ids, upper)
    born = next((one for one in patients if one.birthDate), None)
    if check("a patient has a birth date", some, lambda: born):
        date = born.birthDate.isostring
        found = lambda: [(one.id, one.birthDate.isostring) for one in search_by_date(date)]
        search_by_date = lambda date: Patient.where({"birthdate": date}).perform_resources(gateway)
        check("a search by birth date finds the patient", lambda all: (born.id, date) in all, found)
        check("and nobody else", lambda all: all is not None and {day for _, day in all} == {date}, found)

    def pages():
        first_page = Patient.where({"_count": "1"}).perform(gateway)
        ids = [entry.resource.id for entry in first_page.entry]
        link = next(link.url for link in first_page.link if link.relation == "next")
        return ids + [entry.resource.id for entry in Bundle.read_from(link, gateway).entry]

    check("the next page has another patient", lambda ids: len(ids) == 2 == len(set(ids)), pages)
    check(
        "all pages have each patient once",
        lambda ids: len(ids) == len(set(ids)) > 1,
        lambda: [one.id for one, _ in zip(Patient.where({"_count": "2"}).perform_resources_iter(gateway), range(20))],
    )

observations = check("observations are found", some, lambda: Observation.where({}).perform_resources(gateway))
if observations:
    subject = next((one.subject.reference for one in observations if one.subject and one.subject.reference), None)
    if check("an observation has a patient", some, lambda: subject):
        patient = subject.rsplit("/", 1)[-1]
        of_patient = lambda: Observation.where({"patient": patient}).perform_resources(gateway)
        check("observations of a patient are found", some, of_patient)
        check(
            "and none of another",
            {patient},
            lambda: {one.subject.reference.rsplit("/", 1)[-1] for one in of_patient()},
        )

finish()

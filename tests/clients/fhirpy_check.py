"""PyPI fhirpy: a client that takes resources as they are and follows links."""

import base64
import sys

from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

from report import expect, finish, some

base, login, password = sys.argv[1:]
basic = base64.b64encode(f"{login}:{password}".encode()).decode()
client = SyncFHIRClient(base, authorization=f"Basic {basic}")


def check(what, expected, found):
    return expect("fhirpy", what, expected, found)


def refusal(work, kind):
    try:
        work()
    except kind:
        return "refused"
    return "answered"


def outcome(work):
    try:
        work()
    except OperationOutcome as error:
        return str(error)
    return "answered"


def ids(resources):
    return [resource["id"] for resource in resources]


patients = client.resources("Patient")
all_patients = check("a search answers", some, lambda: patients.limit(100).fetch())
if all_patients:
    first = all_patients[0]
    check("a patient is read", first["id"], lambda: client.reference("Patient", first["id"]).to_resource()["id"])
    check("a patient is found by _id", [first["id"]], lambda: ids(patients.search(_id=first["id"]).fetch()))
    check(
        "a patient that does not exist is an outcome",
        "refused",
        lambda: refusal(lambda: client.reference("Patient", "999999999").to_resource(), ResourceNotFound),
    )
    some_ids = ids(all_patients)
    count = max(1, len(some_ids) // 3)

    def paged():
        found = []
        for patient in patients.limit(count):  # follows the next links
            found.append(patient["id"])
            if len(found) == len(some_ids):
                break
        return found

    check(f"pages of {count} have the same patients in the same order", some_ids, paged)

    def dates(key):
        return [one["birthDate"] for one in patients.sort(key).limit(100).fetch() if "birthDate" in one]

    check("patients are sorted by birth date", lambda all: all == sorted(all), lambda: dates("birthdate"))
    check("and in reverse", lambda all: all == sorted(all, reverse=True), lambda: dates("-birthdate"))
    check(
        "elements are left out on demand",
        lambda one: "name" not in one and one["id"],
        lambda: patients.elements("birthDate").limit(1).fetch()[0],
    )
check(
    "an unknown parameter is an outcome",
    "refused",
    lambda: refusal(lambda: patients.search(no_such_parameter="1").fetch(), OperationOutcome),
)
check(
    "the outcome names the parameter",
    lambda text: "no-such-parameter" in text,
    lambda: outcome(lambda: patients.search(no_such_parameter="1").fetch()),
)


finish()

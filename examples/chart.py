#!/usr/bin/env python3
"""Prints what a doctor asks first about a patient: problems, allergies, medicines. Uses fhirclient.

    pip install fhirclient
    examples/chart.py http://127.0.0.1:8080/fhir doctor doctor-demo 207
"""

import sys

from fhirclient.models.allergyintolerance import AllergyIntolerance
from fhirclient.models.condition import Condition
from fhirclient.models.medicationstatement import MedicationStatement
from fhirclient.models.patient import Patient
from fhirclient.server import FHIRNotFoundException, FHIRPermissionDeniedException, FHIRServer


def shown(concept):
    """A concept as people read it: the hospital's own words, else the name of the code, else the code."""
    if concept is None:
        return "?"
    coding = (concept.coding or [None])[0]
    return concept.text or (coding and (coding.display or coding.code)) or "?"


def state(concept):
    return concept.coding[0].code if concept and concept.coding else "?"


def rows(kind, patient, server):
    """Every resource of a type that belongs to the patient, page after page."""
    yield from kind.where({"patient": patient, "_count": "50"}).perform_resources_iter(server)


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    base, login, password, patient = sys.argv[1:]
    server = FHIRServer(None, base_uri=base)
    server.session.auth = (login, password)

    try:
        person = Patient.read(patient, server)
    except FHIRNotFoundException:
        # A patient whom this user may not see looks like one that does not exist.
        sys.exit(f"there is no patient {patient}")
    birth = person.birthDate.isostring if person.birthDate else "?"
    print(person.name[0].text if person.name else "?", person.gender, birth, sep="\t")

    parts = [
        ("problem", Condition, lambda one: (state(one.clinicalStatus), shown(one.code))),
        ("allergy", AllergyIntolerance, lambda one: (state(one.clinicalStatus), shown(one.code))),
        ("medicine", MedicationStatement, lambda one: (one.status, one.medicationReference.display)),
    ]
    for title, kind, columns in parts:
        try:
            for one in rows(kind, patient, server):
                if isinstance(one, kind):
                    print(title, one.id, *columns(one), sep="\t")
                else:
                    # An OperationOutcome instead of an empty list: some records of this type are closed to the user.
                    print(title, "-", "partly closed to this user", sep="\t")
        except FHIRPermissionDeniedException:
            # What is closed to the user is told as such: an empty list would look like "no allergies".
            print(title, "-", "closed to this user", sep="\t")


if __name__ == "__main__":
    main()

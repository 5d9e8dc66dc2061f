#!/usr/bin/env python3
"""Prints the newest laboratory results of a patient beside their reference ranges. Uses fhirpy.

    pip install fhirpy
    examples/laboratory.py http://127.0.0.1:8080/fhir doctor doctor-demo 207
"""

import asyncio
import base64
import sys

from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome


def quantity(value):
    return f"{value['value']} {value.get('unit', '')}".strip() if "value" in value else "?"


def shown(concept):
    coding = concept.get("coding", [{}])[0]
    return concept.get("text") or coding.get("display") or coding.get("code", "?")


def result(observation):
    """The value in whichever form it was given, or why there is none."""
    if "valueQuantity" in observation:
        return quantity(observation["valueQuantity"])
    if "valueString" in observation:
        return observation["valueString"]
    if "valueCodeableConcept" in observation:
        return shown(observation["valueCodeableConcept"])
    return "-"


def span(observation):
    for given in observation.get("referenceRange", []):
        low, high = (quantity(given[end]) if end in given else "" for end in ("low", "high"))
        return given.get("text") or f"{low} – {high}"
    return ""


async def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    base, login, password, patient = sys.argv[1:]
    basic = base64.b64encode(f"{login}:{password}".encode()).decode()
    client = AsyncFHIRClient(base, authorization=f"Basic {basic}")

    search = client.resources("Observation").search(patient=patient, category="laboratory").sort("-date", "_id")
    try:
        async for observation in search.limit(100):  # fhirpy asks for the next page when it is needed
            # An OperationOutcome on a page names a record that cannot be expressed in FHIR.
            if observation.resource_type != "Observation":
                continue
            date = observation.get("effectiveDateTime", "?")[:10]
            print(observation["id"], date, shown(observation["code"]), result(observation), span(observation), sep="\t")
    except OperationOutcome as refused:
        # The code of the error is stable; the sentence is for people.
        coding = refused.resource["issue"][0]["details"]["coding"][0]
        sys.exit(f"{coding['code']}: {coding['display']}")


if __name__ == "__main__":
    asyncio.run(main())

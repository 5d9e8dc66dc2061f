#!/usr/bin/env python3
"""Prints all patients, page by page, with nothing but Python.

    examples/patients.py http://127.0.0.1:8080/fhir doctor doctor-demo
"""

import base64
import json
import sys
import urllib.request


def pages(url, authorization):
    """Every page of a search: the server says where the next one is."""
    while url:
        request = urllib.request.Request(url, headers={"Authorization": authorization, "Accept": "application/fhir+json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            bundle = json.load(answer)
        yield bundle
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    base, login, password = sys.argv[1:]
    authorization = "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()
    for page in pages(f"{base}/Patient?_sort=family&_count=100", authorization):
        for entry in page.get("entry", []):
            patient = entry["resource"]
            # An OperationOutcome on a page names a record that cannot be expressed in FHIR.
            if patient["resourceType"] != "Patient":
                print(json.dumps(patient), file=sys.stderr)
                continue
            name = (patient.get("name") or [{}])[0].get("text", "?")
            print(patient["id"], name, patient.get("gender", "-"), patient.get("birthDate", "-"), sep="\t")


if __name__ == "__main__":
    main()

"""The validators that are Python packages. Called by `validate`: NDJSON in, a JSON array for each finding out."""

import io
import json
import os
import re
import sys
from contextlib import redirect_stdout
from multiprocessing import Pool
from pathlib import Path

import fhirkit
from pyrofile_validator.config import TerminologyConfig, ValidatorConfig
from pyrofile_validator.core.engine import Validator

STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"

# What pyrofile takes for an error, but is none.
NOT_FAULTS = {
    "profile.element.cardinality.max",  # counts all of a list in a list: CapabilityStatement.rest.resource.interaction
    "profile.element.invariant.bdl-8",  # fails where there is no fullUrl, as it reads in R4; R5 says `exists() implies`
    "questionnaire.unresolved",  # it is given one resource at a time, not the Questionnaire that an answer names
    "custom.encounter.patient",  # wants Encounter.subject, which R4 does not; one that is closed to the user is left out
    "profile.enforced.missing",  # wants the base profile, by which we ask for bindings and invariants, in meta.profile
}

validator = None


def main():
    source, split = Path(sys.argv[1]), Path(sys.argv[2])
    if not (split / "done").exists():
        split_definitions(source, split)
    lines = [line.rstrip("\n") for line in sys.stdin]
    types = sorted({name for name in map(type_of, lines) if name})
    with Pool(os.cpu_count(), start, (split, types)) as pool:
        for found in pool.imap(check, enumerate(lines), chunksize=50):
            for finding in found:
                print(json.dumps(finding))


def split_definitions(source, split):
    """pyrofile reads a folder with one definition a file."""
    split.mkdir(parents=True, exist_ok=True)
    for name in ("profiles-types", "profiles-resources", "valuesets", "v3-codesystems", "v2-tables"):
        for entry in json.loads((source / f"{name}.json").read_text())["entry"]:
            resource = entry["resource"]
            if resource["resourceType"] in ("StructureDefinition", "ValueSet", "CodeSystem"):
                resource.pop("text", None)
                (split / f"{resource['resourceType']}-{resource['id']}.json").write_text(json.dumps(resource))
    (split / "done").touch()


def type_of(line):
    try:
        return json.loads(line).get("resourceType")
    except (ValueError, AttributeError):
        return None


def start(split, types):
    global validator
    validator = Validator(
        ValidatorConfig(
            local_package_paths=[str(split)],
            terminology=TerminologyConfig(mode="local"),
            allow_unknown_extensions=True,
            profiles={name: [STRUCTURE + name] for name in types},
        )
    )


def check(numbered):
    index, line = numbered
    return [(index, path, message, name) for name, path, message in (*by_fhirkit(line), *by_pyrofile(line))]


def by_fhirkit(line):
    try:
        for issue in fhirkit.validate(line):
            if issue.severity == "error":
                yield "fhirkit", issue.path, issue.message
    except fhirkit.ParseError as error:
        yield "fhirkit", "-", str(error)


def by_pyrofile(line):
    if not type_of(line):
        return
    # The invariants of some elements call trace(), which prints.
    with redirect_stdout(io.StringIO()):
        issues = validator.validate_resource(json.loads(line)).issues
    seen = set()
    for issue in issues:
        # The same fault comes up to three times, as terminology.required and profile.element.binding.required, say.
        fault = (issue.path, issue.code.rpartition(".")[2])
        if issue.severity.value == "error" and is_fault(issue) and fault not in seen:
            seen.add(fault)
            yield "pyrofile", issue.path or "-", f"{issue.message} ({issue.code})"


def is_fault(issue):
    # It does not find the required choice of an inner element, as Medication.ingredient.item[x]; its other rule does.
    inner_choice = issue.path and re.search(r"^\w+\..+\.\w+\[x\]$", issue.path)
    return issue.code not in NOT_FAULTS and not (issue.code == "cardinality.min" and inner_choice)


if __name__ == "__main__":
    main()

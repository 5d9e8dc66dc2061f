"""Runs the very files of examples/ and compares what they print with the files in expected/."""

import difflib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "examples"
# Name of the file with what is expected, file of examples/, login (None: the one given), further arguments, exit code.
CASES = [
    ("curl", "curl.sh", None, [], 0),
    ("patients", "patients.py", None, [], 0),
    ("chart", "chart.py", None, ["207"], 0),
    ("chart-of-nobody", "chart.py", None, ["999999999"], 1),
    ("chart-for-the-front-desk", "chart.py", "frontdesk", ["207"], 0),
    ("laboratory", "laboratory.py", None, ["1"], 0),
    ("laboratory-refused", "laboratory.py", None, ["no patient"], 1),
    ("blood-pressure", "blood-pressure.mjs", None, ["207"], 0),
    ("blood-pressure-refused", "blood-pressure.mjs", None, ["no patient"], 1),
]
# Requests and tests of the collection: one that is skipped is no success.
REQUESTS, ASSERTIONS = 11, 22


def check(base, login, password, python, folder, write=False):
    """The number of examples that print something else than expected; with `write` that is what is expected from now on."""
    failed = 0
    for name, file, other, further, wanted in CASES:
        user = (other, f"{other}-demo") if other else (login, password)
        command = [*program(file, python, folder), base, *user, *further]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        found = summary(done.stdout) if name == "curl" else done.stdout + done.stderr
        expected = HERE / "expected" / f"{name}.txt"
        if write:
            expected.parent.mkdir(exist_ok=True)
            expected.write_text(found)
        difference = list(difflib.unified_diff(expected.read_text().splitlines(), found.splitlines(), "expected", "found", "", "", 1, ""))
        if done.returncode != wanted:
            difference += [f"exit code {done.returncode}, not {wanted}", done.stderr]
        failed += told(name, difference)
    return failed + told("postman", collection(base, login, password, folder))


def told(name, difference):
    print(f"{'FAILED' if difference else 'ok'} example: {name}", *difference, sep="\n    " if difference else "")
    return bool(difference)


def program(file, python, folder):
    """How a file is run; one of Node finds modules beside it only, so its very copy is run where they are."""
    if file.endswith(".mjs"):
        return ["node", shutil.copy(EXAMPLES / file, folder / file)]
    return [python, EXAMPLES / file] if file.endswith(".py") else [EXAMPLES / file]


def summary(text):
    """Of what curl printed: each request, and the type, id or entries of its answer. Versions differ between databases."""
    lines = []
    for part in re.split(r"^# ", text, flags=re.M)[1:]:
        request, _, answer = part.partition("\n")
        lines.append("# " + re.sub(r"https?://[^/ ]+", "", request))
        if not answer.lstrip().startswith("{"):
            lines.append(re.sub(r"\d+ bytes", "… bytes", answer.strip()))
            continue
        resource = json.loads(answer)
        total = [f"total {resource['total']}"] if "total" in resource else []
        entries = [f"{entry['resource']['resourceType']}/{entry['resource']['id']}" for entry in resource.get("entry", [])]
        links = [link["relation"] for link in resource.get("link", [])]
        lines.append(" ".join([resource["resourceType"], resource.get("id", ""), *total, *entries, *links]).replace("  ", " "))
    return "\n".join(lines) + "\n"


def collection(base, login, password, folder):
    """What is wrong with a run of the collection."""
    report = folder / "newman.json"
    values = [f"--env-var={key}={value}" for key, value in (("base", base), ("login", login), ("password", password))]
    command = [folder / "node_modules" / ".bin" / "newman", "run", EXAMPLES / "postman.json", *values]
    command += ["--reporters=json", f"--reporter-json-export={report}", "--timeout-request=60000"]
    report.unlink(missing_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, "NO_COLOR": "1"})
    if not report.exists():
        return [done.stdout, done.stderr]
    run = json.loads(report.read_text())["run"]
    wrong = [f"{failure['source'].get('name')}: {failure['error']['message']}" for failure in run["failures"]]
    counted = (run["stats"]["requests"]["total"], run["stats"]["assertions"]["total"])
    if counted != (REQUESTS, ASSERTIONS):
        wrong.append(f"{counted} requests and tests, not {(REQUESTS, ASSERTIONS)}")
    return wrong

#!/bin/sh
# Nine requests worth knowing.
#
#     examples/curl.sh http://127.0.0.1:8080/fhir doctor doctor-demo
set -eu
if [ $# -ne 3 ]; then
    sed -n '2,4s/^# \{0,1\}//p' "$0"
    exit 2
fi
base=$1 login=$2 password=$3

# The password goes through standard input: other users of this machine could read it on the command line.
fhir() {
    printf '\n# %s\n' "$*"
    printf 'user = "%s:%s"\n' "$login" "$password" | curl --silent --show-error --fail --config - "$@"
}

printf '# What the server offers; no sign-in needed\n'
curl --silent --show-error --fail --output /dev/null --write-out '%{http_code}, %{size_download} bytes\n' "$base/metadata"

# One patient, as indented JSON.
fhir "$base/Patient/1?_pretty=true"
# By a part of the name, whatever case and accents.
fhir "$base/Patient?name=ana&_count=2"
# By gender and birth date.
fhir "$base/Patient?gender=female&birthdate=ge1980&_sort=birthdate&_count=2"
# How many there are.
fhir "$base/Patient?_summary=count"
# Diagnoses of one patient.
fhir "$base/Condition?subject=Patient/1&_count=2"
# Heart rates of patients with a name, newest first.
fhir --get "$base/Observation" --data-urlencode 'subject:Patient.name=ana' --data-urlencode 'code=http://loinc.org|8867-4' --data '_sort=-date&_count=2'
# Systolic pressure is a component of the panel.
fhir "$base/Observation?code=85354-9&date=ge2020&_count=1"
# The same search as a form, for values that must not stand in logs of proxies.
fhir "$base/Patient/_search" --data 'family=garcia&_count=1'
printf '\n'

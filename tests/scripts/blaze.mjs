// What of the hospital Blaze's scripts are told to expect. Their counts come from all resources of a type, in FHIRPath.

import { all, first, path } from "./hospital.mjs";

const QUERY = "download-resources-query.sh";
const SORTED = "download-resources-query-sort.sh";
const id = (reference) => reference?.split("/")[1];

/** The resources of a type of which an expression holds. */
async function those(type, expression) {
  return (await all(type)).filter((one) => path(one, expression)[0] === true);
}

/** A script that counts: a search, and how it is said in FHIRPath or what is found otherwise. */
async function counted(type, query, found) {
  const list = typeof found === "string" ? await those(type, found) : found;
  return [QUERY, { args: [type, query, list.length] }];
}

export async function scripts() {
  const patients = await all("Patient");
  const observations = await all("Observation");
  const encounters = await all("Encounter");
  const male = new Set(patients.filter(({ gender }) => gender === "male").map((one) => one.id));
  const ofMen = observations.filter(({ subject }) => male.has(id(subject?.reference)));
  const codes = [...new Set(observations.flatMap((one) => (one.code.coding ?? []).filter(({ system }) => system === "http://loinc.org").map(({ code }) => code)))].slice(0, 6);
  const some = patients.slice(3, 60).map((one) => one.id);
  const dates = patients.map(({ birthDate }) => birthDate).filter((date) => date?.length === 10).sort();
  const born = dates[Math.floor(dates.length / 2)];
  const doe = patients.find((one) => /^[\p{Script=Latin}]{4,}$/u.test(one.name?.[0]?.family ?? "") && observations.some(({ subject }) => id(subject?.reference) === one.id));
  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const does = new Set(patients.filter((one) => one.name?.some(({ family }) => family && fold(family).startsWith(fold(doe.name[0].family)))).map((one) => one.id));
  const year = encounters.find(({ period }) => period?.start && period.end)?.period.start.slice(0, 4);
  const within = ({ period }) => period?.start && period.start >= `${year}-01-01` && period.end && period.end < `${Number(year) + 1}-01-01`;
  const seen = (gender) => patients.filter((one) => one.gender === gender && encounters.some((each) => id(each.subject?.reference) === one.id && each.class.code === "AMB") && encounters.some((each) => id(each.subject?.reference) === one.id && within(each)));
  const compartment = observations.find(({ subject }) => subject?.reference.startsWith("Patient/") && patients.find((one) => one.id === id(subject.reference))?.identifier?.[0]?.value);
  const patient = patients.find((one) => one.id === id(compartment.subject.reference));
  const mine = observations.filter((one) => [one.subject, ...(one.performer ?? [])].some((each) => each?.reference === `Patient/${patient.id}`));

  return [
    ["not-acceptable.sh", {}],
    ["download-resources.sh", { args: ["Patient"] }],
    ["download-resources.sh", { args: ["Observation"] }],
    await counted("Patient", "gender=male", "gender = 'male'"),
    await counted("Patient", "gender=female", "gender = 'female'"),
    await counted("Patient", `birthdate=${born}`, `birthDate = @${born}`),
    await counted("Patient", `birthdate=ge${born}`, patients.filter(({ birthDate }) => birthDate >= born)),
    await counted("Patient", `_id=${some.join(",")}`, some),
    await counted("Patient", `_id=${some.join(",")}&gender=male`, some.filter((one) => male.has(one))),
    await counted("Observation", `code=${codes.map((code) => `http://loinc.org|${code}`).join(",")}`, observations.filter((one) => one.code.coding?.some(({ system, code }) => system === "http://loinc.org" && codes.includes(code)))),
    await counted("Observation", "category=laboratory", "category.coding.where(code = 'laboratory').exists()"),
    await counted("Observation", "patient.gender=male", ofMen),
    await counted("Observation", `subject:Patient.family=${doe.name[0].family}`, observations.filter(({ subject }) => does.has(id(subject?.reference)))),
    await counted("Patient", `gender=male&_has:Encounter:patient:class=AMB&_has:Encounter:patient:date=${year}`, seen("male")),
    await counted("Patient", `gender=female&_has:Encounter:patient:class=AMB&_has:Encounter:patient:date=${year}`, seen("female")),
    [SORTED, { args: ["Observation", "patient.gender=male", "_id", ofMen.length], left: "it wants ids in the order of their letters; R4 leaves the order of a token open, and here it is that of the records" }],
    [SORTED, { args: ["Observation", "patient.gender=male", "_lastUpdated", ofMen.length] }],
    [SORTED, { args: ["Observation", "patient.gender=male", "-_lastUpdated", ofMen.length] }],
    ["search-patient-last-updated.sh", {}],
    ["check-summary-mode.sh", { args: ["Condition", "category"] }],
    ["check-summary-mode.sh", { args: ["Observation", "category"] }],
    ["check-summary-mode.sh", { args: ["Encounter", "period"] }],
    ["observation-page-navigation-bundle.sh", {}],
    ["search-compartment.sh", { values: { "http://hl7.org/fhir/sid/us-ssn|999-82-5655": `${patient.identifier[0].system}|${patient.identifier[0].value}`, 1277: mine.length } }],
    ["single-patient-history.sh", { args: [`${patient.identifier[0].system}|${patient.identifier[0].value}`] }],
    ["patient-history-paged.sh", {}],
    ["revinclude.sh", {}],
    [
      "search-modifier.sh",
      {
        // A modifier of FHIR that this server does not have, for one that Blaze does not have.
        values: { "name:exact": "name:below" },
        skip: {
          "_profile:below": "a lenient search leaves it out here",
          '"27218"': "a lenient search leaves it out here",
          'test "diagnostics"': "the sentences of Blaze",
          '"not-supported"': "Blaze's choice of the code of an issue; it is invalid here",
        },
        until: ["token in modifier without terminology service", "a server that has no value sets"],
      },
    ],
  ];
}

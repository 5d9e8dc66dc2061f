// What of the hospital stands for the data of gematik's ISiK test suite, file by file: `data` are ids that a system under test tells
// the suite, `values` texts of the suite's data.

import { all, first } from "./hospital.mjs";

const family = (one) => one.name?.[0]?.family;
const given = (one) => one.name?.[0]?.given?.[0];
const id = (reference) => reference?.split("/")[1];
const whole = (one) => family(one)?.length > 3 && given(one)?.length > 1 && one.birthDate?.length === 10 && one.identifier?.some(named);
const named = ({ system, value }) => system && value;
const latin = (text) => /^[\p{Script=Latin} ]+$/u.test(text ?? "");

/** An encounter that goes on, and its patient, of whom all is known. */
async function admitted() {
  const patients = new Map((await all("Patient")).filter((one) => whole(one) && latin(family(one)) && ["male", "female"].includes(one.gender)).map((one) => [one.id, one]));
  const encounter = await first("Encounter", (one) => one.status === "in-progress" && one.identifier?.some(named) && patients.has(id(one.subject?.reference)));
  return { encounter, patient: patients.get(id(encounter?.subject.reference)) };
}

/** Parameters of the statement that the suite wants beyond those that the hospital's data can answer. */
const unclaimed = (names, reason) => Object.fromEntries(names.map((name) => [`Validierung der Suchparameter-Definitionen im CapabilityStatement (${name})`, reason]));

export const FEATURES = {
  "Basis/Patient-Search": async () => {
    const { encounter, patient } = await admitted();
    const patients = await all("Patient");
    const identifier = patient.identifier.find(named);
    const odd = patients.find((one) => family(one) && /[^\p{ASCII}]/u.test(family(one)) && one.name.length === 1);
    const stranger = patients.find((one) => !one.name?.some((name) => name.family?.toLowerCase().includes(family(patient).slice(1).toLowerCase())));
    return {
      data: { "patient-read-id": patient.id, "encounter-read-in-progress-id": encounter.id, "patient-read-extended-id": stranger.id },
      values: {
        "http://fhir.de/sid/gkv/kvid-10|X485231029": `${identifier.system}|${identifier.value}`,
        "http://fhir.de/sid/gkv/kvid-10": identifier.system,
        X485231029: identifier.value,
        "given=Max": `given=${given(patient)}`,
        "startsWith('Max')": `startsWith('${given(patient)}')`,
        "Graf von und zu Mustermann": family(patient),
        Mustermann: family(patient).slice(1),
        "1968-05-12": patient.birthDate,
        "gender=male": `gender=${patient.gender}`,
        "gender = 'male'": `gender = '${patient.gender}'`,
        "Gräfin Müßtermánn": odd && family(odd),
        "An&na,Vic$tor|a": undefined,
        "An%26na%5C%2CVic%24tor": undefined,
      },
    };
  },

  "Basis/Patient-Search-Optional": async () => {
    const patients = await all("Patient");
    const place = (key) => patients.flatMap((one) => one.address ?? []).find((address) => address[key]?.length > (key === "country" ? 1 : 3))?.[key];
    const phone = patients.flatMap((one) => one.telecom ?? []).find(({ value, system }) => system === "phone" && value)?.value;
    const doe = patients.find((one) => latin(family(one)) && family(one).length > 3 && one.name.length === 1);
    return {
      values: {
        "Patient/?name=Graf": `Patient/?name=${family(doe)}`,
        "Graf|Gräfin": family(doe),
        Musterdorf: place("city"),
        "address-country=CH": `address-country=${place("country")}`,
        "country = 'CH'": `country = '${place("country")}'`,
        9876: place("postalCode"),
        "telecom=201-867-5309": phone && `telecom=${encodeURIComponent(phone)}`,
        // It compares the contact with a text; the text is its value.
        "telecom = '201-867-5309'": phone && `telecom.where(value = '${phone}')`,
      },
    };
  },

  "Basis/Condition-Search": async () => {
    const condition = await first("Condition", (one) => one.clinicalStatus?.coding[0].code === "active" && one.recordedDate && one.subject?.reference);
    const dates = (await all("Condition")).map((one) => one.recordedDate?.slice(0, 10)).filter(Boolean).sort();
    return {
      data: { "condition-read-active-id": condition.id, "patient-read-id": id(condition.subject.reference), "encounter-read-in-progress-id": id((await first("Condition", (one) => one.encounter))?.encounter.reference) },
      values: {
        "2021-02-12T00:00:00+01:00": `${dates[Math.floor(dates.length / 2)]}T00:00:00Z`,
        "2021-02-12": dates[Math.floor(dates.length / 2)],
      },
      lines: { 'searchParam.where(name = "related"': "no parameter of a Condition in R4" },
    };
  },

  "Basis/Condition-Search-Optional": async () => {
    const category = (await first("Condition", (one) => one.category?.[0]?.coding?.[0]?.code))?.category[0].coding[0].code;
    return { values: { "encounter-diagnosis": category } };
  },

  "Basis/Condition-Search-ClinicalStatus-Optional": async () => {
    const condition = await first("Condition", (one) => one.clinicalStatus?.coding[0].code === "active");
    return { data: { "condition-read-active-id": condition.id } };
  },

  "Vitalparameter/Observation-Search": async () => {
    const observation = await first("Observation", (one) => one.code.coding?.some(({ code }) => code === "85354-9") && one.component?.length > 1 && one.encounter && one.effectiveDateTime);
    const [systolic] = observation.component;
    const number = systolic.valueQuantity.value;
    return {
      data: { "observation-read-blutdruck-id": observation.id, "observation-read-patient-id": id(observation.subject.reference), "observation-read-encounter-id": id(observation.encounter.reference) },
      values: {
        "2022-01-01": observation.effectiveDateTime.slice(0, 10),
        "8480-6$107": `8480-6$${number}`,
        // It writes a number as a text.
        "~'107'": `= ${number}`,
      },
    };
  },

  "Basis/Encounter-Search": async () => {
    const { encounter, patient } = await admitted();
    const identifier = encounter.identifier.find(named);
    const coding = encounter.type?.[0]?.coding?.[0];
    const day = (add) => new Date(Date.parse(encounter.period.start) + add * 86400000).toISOString().slice(0, 10);
    const ours = "a parameter that ISiK defines";
    return {
      data: {
        "encounter-read-in-progress-id": encounter.id, "patient-read-id": patient.id,
        "encounter-read-in-progress-identifier-system": identifier.system, "encounter-read-in-progress-identifier-value": identifier.value,
      },
      values: {
        "v3-ActCode|IMP": `v3-ActCode|${encounter.class.code}`,
        "code = 'IMP'": `code = '${encounter.class.code}'`,
        "http://fhir.de/CodeSystem/kontaktart-de": coding?.system,
        normalstationaer: coding?.code,
        "date=2021-02-11": `date=${day(-2)}`,
        // What begins when it does is found, what lies before is not.
        "date=ge2021-02-11&date=le2021-02-14": `date=ge${day(-1)}&date=le${day(2)}`,
        "2021-02-14T23:59:59+01:00": `${day(2)}T23:59:59Z`,
        "2021-02-11T00:00:00+01:00": `${day(-1)}T00:00:00Z`,
        "Graf von und zu Mustermann": family(patient),
      },
      skip: {
        ...unclaimed(["date-start date", "end-date date"], ours),
        "Suche des Encounters anhand des Aufnahmedatums mit dem Suchparameter end-date": ours,
        "Suche des Encounters anhand des Aufnahmedatums mit dem Suchparameter date-start": ours,
        "Negativsuche des Encounters anhand des Suchparameters date-start": ours,
        "Negativsuche des Encounters anhand des Suchparameters end-date": ours,
        "Suche des Encounters anhand des Aufnahmedatums mit den beiden Suchparametern date-start und end-date": ours,
      },
    };
  },

  "Basis/Procedure-Search": async () => {
    const procedures = await all("Procedure");
    const coded = procedures.find((one) => one.code?.coding?.[0]?.system && one.code.coding[0].code).code.coding[0];
    const procedure = procedures.find((one) => one.status === "completed" && one.subject && one.encounter);
    return {
      data: { "procedure-read-id": procedure.id, "patient-read-id": id(procedure.subject.reference), "encounter-read-in-progress-id": id(procedure.encounter.reference) },
      values: {
        "http://fhir.de/CodeSystem/bfarm/ops": coded.system,
        "5-470.11": coded.code,
      },
    };
  },

  "Basis/Practitioner-Search": async () => {
    const practitioner = await first("Practitioner", (one) => latin(family(one)) && latin(given(one)) && one.identifier?.some(named));
    const identifier = practitioner.identifier.find(named);
    const other = await first("Practitioner", (one) => latin(given(one)) && given(one).slice(0, 2) !== given(practitioner).slice(0, 2));
    return {
      data: { "practitioner-read-id": practitioner.id },
      values: {
        "https://fhir.kbv.de/NamingSystem/KBV_NS_Base_ANR": identifier.system,
        123456789: identifier.value,
        Walter: given(practitioner),
        Musterarzt: family(practitioner),
        "given=Max": `given=${given(other)}`,
        "startsWith('Max')": `startsWith('${given(other)}')`,
      },
    };
  },

  "Basis/CodeSystem-Search": async () => {
    const system = await first("CodeSystem", (one) => one.url);
    return { data: { "codesystem-read-id": system.id }, values: { "http://example.org/fhir/CodeSystem/TestKatalog": system.url } };
  },

  "Basis/ValueSet-Search": async () => {
    const names = (await all("ValueSet")).map(({ name }) => name);
    const set = await first("ValueSet", (one) => one.url && one.name && !names.some((name) => name !== one.name && name?.startsWith(one.name)));
    const none = "a value set of the hospital's own lists has no version";
    return {
      data: { "valueset-read-id": set.id },
      values: { "http://example.org/fhir/ValueSet/TestValueSet": set.url, TestValueSet: set.name },
      skip: { "Suche nach CodeSystem anhand weiterer Suchparameter (json version 1.0.0)": none },
      lines: { 'searchParam.where(name = "version"': none },
    };
  },
};

// The sections of a chart: what each asks, and how it shows what it gets.

import { h } from "./dom.js";
import * as fhir from "./fhir.js";
import { date, t, word } from "./language.js";
import { rawButton } from "./raw.js";
import { growth, isChild, vitals } from "./vitals.js";

const ICD10 = "http://hl7.org/fhir/sid/icd-10";
const of = (patient) => [["patient", patient.id]];

const tag = (looks, text) => text && h("span", { class: `tag ${looks}` }, text);
const redacted = (resource) => fhir.isRedacted(resource) && [" ", tag("shut", t("redacted"))];

/** A day, or a time, that is not broken into lines. */
const day = (text) => text && h("span", { class: "whole" }, date(text, { time: false }));
const moment = (text) => text && h("span", { class: "whole" }, date(text));

/** Looks of a status: what holds now stands out. */
const LOOKS = { active: "some", recurrence: "some", relapse: "some", "in-progress": "some", high: "bad", low: "bad", abnormal: "bad" };

function status(group, code) {
  return code ? tag(LOOKS[code] ?? "", word(group, code)) : "";
}

/** A table of resources; the first column names the row. */
function table(key, columns, resources, cells) {
  return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": t(`chart.${key}`) },
    h("table", { class: "list" },
      h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col" }, t(column))), h("th", { scope: "col" }, h("span", { class: "unseen" }, "FHIR")))),
      h("tbody", {}, resources.map((resource) => {
        const [first, ...rest] = cells(resource);
        const name = first.name ?? first;
        return h("tr", {},
          h("th", { scope: "row" }, first.shown ?? first, redacted(resource)),
          rest.map((cell, index) => h("td", { "data-label": t(columns[index + 1]) }, cell ?? "")),
          h("td", { class: "end" }, rawButton(resource, name)));
      }))));
}

/** Words with their code beside them. */
function coded(concept) {
  const code = fhir.code(concept, ICD10);
  const text = fhir.concept(concept) || "–";
  return { name: text, shown: code ? [text, " ", h("span", { class: "code" }, code)] : text };
}

const clinical = (resource) => resource.clinicalStatus?.coding?.[0]?.code ?? "";
/** What holds now comes first. */
const currentFirst = (resources, isCurrent) => [...resources.filter(isCurrent), ...resources.filter((item) => !isCurrent(item))];
const isActive = (resource) => ["active", "recurrence", "relapse"].includes(clinical(resource));

function problems(found) {
  return table("problems", ["problem", "status", "since", "severity"], currentFirst(found, isActive), (item) => [
    coded(item.code), status("clinical", clinical(item)),
    day(item.onsetDateTime ?? item.recordedDate), fhir.concept(item.severity)]);
}

function allergies(found) {
  return table("allergies", ["substance", "status", "kind", "note"], currentFirst(found, isActive), (item) => [
    coded(item.code), status("clinical", clinical(item)),
    [item.type && word("allergy", item.type), item.criticality === "high" && [" ", tag("bad", word("criticality", "high"))]],
    (item.note ?? []).map((note) => note.text).join("; ")]);
}

const drug = (item) => fhir.concept(item.medicationCodeableConcept) || fhir.reference(item.medicationReference) || "–";
const dose = (item) => (item.dosage ?? item.dosageInstruction ?? []).map((dosage) => dosage.text ?? fhir.quantity(dosage.doseAndRate?.[0]?.doseQuantity)).filter(Boolean).join("; ");

function medication(found) {
  const isCurrent = (item) => item.status === "active";
  return table("medication", ["medicine", "status", "dose", "time"], currentFirst(found, isCurrent), (item) => [
    drug(item), status("medication", item.status), dose(item), fhir.period(item.effectivePeriod) || day(item.effectiveDateTime)]);
}

function prescriptions(found) {
  return table("prescriptions", ["medicine", "status", "dose", "ordered"], found, (item) => [
    drug(item), status("medication", item.status), dose(item), day(item.authoredOn)]);
}

/** The kind of an encounter in our words, else in those of the hospital. */
function kindOf(coding) {
  const known = word("class", coding?.code ?? "");
  return known === coding?.code || known.startsWith("class.") ? coding?.display ?? known : known;
}

function encounters(found) {
  const why = (item) => [...(item.reasonCode ?? []).map(fhir.concept), ...(item.type ?? []).map(fhir.concept)].filter(Boolean)[0];
  return table("encounters", ["time", "kind", "why", "status", "by"], found, (item) => [
    fhir.period(item.period) || "–", kindOf(item.class), why(item),
    status("encounter", item.status), [...new Set((item.participant ?? []).map((part) => fhir.reference(part.individual)).filter(Boolean))].join(", ")]);
}

const ARROW = { high: "▲", low: "▼", abnormal: "●" };

function labs(found) {
  return table("labs", ["test", "value", "reference", "time"], found, (item) => {
    const flag = fhir.flag(item);
    const value = fhir.value(item) || word("observation", item.status);
    const limits = item.referenceRange?.[0];
    return [
      fhir.concept(item.code),
      flag ? [h("strong", { class: "outside" }, value), " ", tag("bad", `${ARROW[flag]} ${word("flag", flag)}`)] : value,
      [fhir.range(limits), limits?.text && (limits.low || limits.high) && !/^[\d.,\s–-]+$/.test(limits.text) ? h("span", { class: "soft block" }, limits.text) : ""],
      moment(fhir.when(item))];
  });
}

function immunizations(found) {
  return table("immunizations", ["vaccine", "status", "time"], found, (item) => [
    fhir.concept(item.vaccineCode) || "–", status("immunization", item.status), moment(item.occurrenceDateTime) || item.occurrenceString]);
}

/** Models whose Observations are in none of the sections. */
const OTHER = ["contact_tracing", "patient.disability_assessment", "body_function.assessment", "body_structure.assessment", "activity.assessment",
  "environment.assessment", "patient.genetic.risk", "patient.menstrual_history", "patient.pap_history", "patient.mammography_history",
  "patient.colposcopy_history", "patient", "icu.chest_drainage", "iss", "ophthalmology.evaluation", "ophthalmology.findings", "patient.pregnancy",
  "pregnancy.result", "ses.assessment", "patient.cage", "patient.recreational_drugs", "signs_and_symptoms"];
const BIRTH = ["newborn", "neonatal.apgar", "perinatal", "perinatal.monitor", "puerperium.monitor", "patient.prenatal.evaluation", "patient.ecg"];
const named = (names) => names.map((name) => `gnuhealth.${name}`);

/**
 * In the order of the chart. `besides` are models of GNU Health that have nothing for the section, though the type has: that
 * they are closed need not be said there. Of any other it is said.
 */
export const SECTIONS = [
  { key: "problems", type: "Condition", parameters: of, sort: "-recorded-date", render: problems },
  { key: "allergies", type: "AllergyIntolerance", parameters: of, sort: "-date", render: allergies },
  { key: "medication", type: "MedicationStatement", parameters: of, sort: "-effective", render: medication },
  { key: "prescriptions", type: "MedicationRequest", parameters: of, sort: "-authoredon", render: prescriptions },
  { key: "vitals", wide: true, type: "Observation", parameters: (patient) => [...of(patient), ["category", "vital-signs"]], sort: "-date", count: 200, pages: 3, besides: named([...OTHER, "lab.test.critearea"]), render: (found) => vitals(found) },
  { key: "growth", wide: true, when: isChild, type: "Observation", parameters: (patient) => [...of(patient), ["code", "29463-7,8302-2,39156-5,9843-4"]], sort: "-date", count: 200, pages: 3, besides: named([...OTHER, ...BIRTH.slice(1), "lab.test.critearea", "icu.apache2", "icu.glasgow"]), render: (found, patient) => growth(patient, found) },
  { key: "labs", wide: true, type: "Observation", parameters: (patient) => [...of(patient), ["category", "laboratory"]], sort: "-date", count: 100, besides: named([...OTHER, ...BIRTH, "icu.glasgow"]), render: labs },
  { key: "encounters", wide: true, type: "Encounter", parameters: of, sort: "-date", render: encounters },
  { key: "immunizations", wide: true, type: "Immunization", parameters: of, sort: "-date", render: immunizations },
];

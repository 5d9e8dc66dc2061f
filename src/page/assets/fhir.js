// Values of FHIR as text.

import { date, number, t, word } from "./language.js";

export const matches = (bundle) => (bundle.entry ?? []).filter((entry) => entry.search?.mode !== "outcome" && entry.search?.mode !== "include").map((entry) => entry.resource);

/** What the server says about the search beside its results. */
export const remarks = (bundle) =>
  (bundle.entry ?? []).filter((entry) => entry.resource?.resourceType === "OperationOutcome").flatMap((entry) => entry.resource.issue ?? []);

const ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/** Why there is no value, if the resource says so. */
export function absent(element) {
  const reason = element?.extension?.find((extension) => extension.url === ABSENT)?.valueCode;
  return reason ? word("absent", reason) : "";
}

/** The resource lacks elements that the user may not see. */
export const isRedacted = (resource) => (resource.meta?.security ?? []).some((label) => label.code === "REDACTED");

export function concept(value) {
  if (!value) return "";
  const reason = absent(value) || absent(value._text);
  const coding = value.coding?.find((item) => item.display) ?? value.coding?.[0];
  return value.text ?? coding?.display ?? coding?.code ?? reason;
}

/** The code of a system, to show beside the words. */
export function code(value, system) {
  return value?.coding?.find((item) => item.system === system)?.code ?? "";
}

const SHORT = { Cel: "°C", "[degF]": "°F", "mm[Hg]": "mmHg", "kg/m2": "kg/m²", "[IU]/L": "IU/L" };

export const unit = (quantity) => SHORT[quantity?.unit] ?? quantity?.unit ?? SHORT[quantity?.code] ?? quantity?.code ?? "";

export function quantity(value) {
  if (!value) return "";
  if (value.value === undefined) return absent(value);
  const name = unit(value);
  return `${value.comparator ?? ""}${number(value.value, 6)}${name ? `\u00a0${name}` : ""}`;
}

/** The value of an Observation or of a part of one. */
export function value(item) {
  if (item.valueQuantity) return quantity(item.valueQuantity);
  if (item.valueCodeableConcept) return concept(item.valueCodeableConcept);
  if (item.valueString !== undefined) return item.valueString;
  if (item.valueBoolean !== undefined) return t(item.valueBoolean ? "yes" : "no");
  if (item.valueInteger !== undefined) return number(item.valueInteger);
  if (item.valueDateTime) return date(item.valueDateTime);
  if (item.valueRange) return `${quantity(item.valueRange.low)} – ${quantity(item.valueRange.high)}`;
  if (item.valueRatio) return `${quantity(item.valueRatio.numerator)} : ${quantity(item.valueRatio.denominator)}`;
  return item.dataAbsentReason ? word("absent", item.dataAbsentReason.coding?.[0]?.code ?? "unknown") : "";
}

export function range(item) {
  if (!item) return "";
  const { low, high } = item;
  const name = unit(high ?? low);
  const shown = name ? `\u00a0${name}` : "";
  if (low && high) return `${number(low.value, 6)} – ${number(high.value, 6)}${shown}`;
  if (low) return `≥ ${number(low.value, 6)}${shown}`;
  if (high) return `≤ ${number(high.value, 6)}${shown}`;
  return item.text ?? "";
}

/** `high`, `low`, `abnormal` or nothing: what the laboratory says, else what its range says. */
export function flag(observation) {
  const codes = (observation.interpretation ?? []).flatMap((item) => item.coding ?? []).map((coding) => coding.code);
  if (codes.some((item) => ["H", "HH", "HU", ">"].includes(item))) return "high";
  if (codes.some((item) => ["L", "LL", "LU", "<"].includes(item))) return "low";
  if (codes.some((item) => ["A", "AA", "POS"].includes(item))) return "abnormal";
  if (codes.length) return "";
  const found = observation.valueQuantity;
  const limits = observation.referenceRange?.[0];
  const same = (limit) => limit?.value !== undefined && (limit.code ?? limit.unit) === (found.code ?? found.unit);
  if (found?.value === undefined || !limits || found.comparator) return "";
  if (same(limits.high) && found.value > limits.high.value) return "high";
  if (same(limits.low) && found.value < limits.low.value) return "low";
  return "";
}

export function human(name) {
  if (!name) return "";
  if (name.text) return name.text;
  return [...(name.prefix ?? []), ...(name.given ?? []), name.family, ...(name.suffix ?? [])].filter(Boolean).join(" ") || absent(name);
}

export function patientName(patient) {
  const name = patient.name?.find((item) => item.use === "official") ?? patient.name?.[0];
  return human(name) || t("patient.unnamed");
}

/** The hospital's own identifier. */
export const identifier = (patient) => (patient.identifier?.find((item) => item.use === "usual") ?? patient.identifier?.[0])?.value ?? "";

export const reference = (value) => value?.display ?? value?.identifier?.value ?? value?.reference ?? "";

export function period(value) {
  if (!value) return "";
  if (value.start && value.end) {
    const [start, end] = [value.start.slice(0, 10), value.end.slice(0, 10)];
    return start === end ? date(value.start) : `${date(value.start, { time: false })} – ${date(value.end, { time: false })}`;
  }
  return value.start ? date(value.start) : value.end ? `– ${date(value.end)}` : absent(value);
}

/** When an Observation was made. */
export const when = (observation) => observation.effectiveDateTime ?? observation.effectivePeriod?.start ?? observation.effectiveInstant ?? observation.issued;

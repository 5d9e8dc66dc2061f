// By what a resource is sorted: https://hl7.org/fhir/R4/search.html#sort
//
// Of several values the one that comes first in the order asked for counts. What has none comes last, in both directions.

import { spans } from "./date.mjs";
import { fold } from "./text.mjs";

const PAST = -(10n ** 20n);

/** The keys of a value: those that compare as its parameter does. */
const KEYS = {
  // A period is placed by its start, else by its end.
  date: (value, zone) => spans(value, zone).map(({ low, high }) => (low < PAST ? high : low)),
  number: ({ value }) => (typeof value === "number" ? [value] : []),
  quantity: ({ value }) => (value.value === undefined ? [] : [value.value]),
  string: (value) => texts(value).map(fold),
  uri: ({ value }) => [fold(value)],
  token: (value) => tokens(value).map((one) => fold(String(one))),
};

function texts({ type, value }) {
  if (typeof value === "string") return [value.trim()];
  if (type === "HumanName") return [[value.family, ...(value.given ?? [])].filter(Boolean).join(" ") || (value.text ?? "")];
  // A place is looked for by its name, then by its streets.
  const found = value.text ?? value.city;
  return found === undefined ? (value.line ?? []) : [found];
}

/** Codes; where there is none, what it is called. */
function tokens({ type, value }) {
  const codes = () => (value.coding ?? []).map(({ code }) => code).filter(Boolean);
  const found = {
    CodeableConcept: () => (codes().length ? codes() : [value.text]),
    Coding: () => [value.code ?? value.display],
    Identifier: () => [value.value],
    ContactPoint: () => [value.value],
  }[type];
  return (found ? found() : [value]).filter((one) => one !== undefined);
}

/** The key of a resource; `undefined` when it has none. */
export function key(values, kind, descending, zone) {
  const keys = values.flatMap((value) => KEYS[kind](value, zone)).filter((one) => one !== "" && one !== undefined);
  return keys.reduce((best, one) => (best === undefined || (descending ? one > best : one < best) ? one : best), undefined);
}

export const sortable = (kind) => kind in KEYS;

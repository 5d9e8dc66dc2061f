// https://hl7.org/fhir/R4/search.html#token

import { belongs, ICD10 } from "./hierarchy.mjs";
import { fold, split, unescape } from "./text.mjs";

/** `{ system, code }` of all that a token can name; `system` is `null` where the element implies one of `systems`. */
export function codes({ type, value, systems }) {
  switch (type) {
    case "CodeableConcept":
      return (value.coding ?? []).flatMap((coding) => codes({ type: "Coding", value: coding }));
    case "Coding":
      return value.code === undefined ? [] : [{ system: value.system, code: value.code }];
    case "Identifier":
    case "ContactPoint":
      return value.value === undefined ? [] : [{ system: value.system, code: value.value }];
    default:
      return typeof value === "object" ? [] : [{ system: null, systems, code: String(value) }];
  }
}

/** The texts that `:text` searches. */
export function texts({ type, value }) {
  switch (type) {
    case "CodeableConcept":
      return [value.text, ...(value.coding ?? []).map((coding) => coding.display)].filter(Boolean);
    case "Coding":
      return [value.display].filter(Boolean);
    case "Identifier":
      return [value.type?.text, ...(value.type?.coding ?? []).map((coding) => coding.display)].filter(Boolean);
    default:
      return [];
  }
}

export function token(values, wanted, modifier, sets) {
  const all = () => values.flatMap(codes);
  switch (modifier) {
    case "text": {
      const value = fold(unescape(wanted));
      return values.flatMap(texts).some((text) => fold(text).startsWith(value));
    }
    case "of-type":
      return ofType(values, wanted);
    case "in":
      return either(all().map((found) => inside(found, sets.rule(unescape(wanted)))));
    case "above":
    case "below": {
      const [system, code] = split(wanted, "|", 2).map(unescape);
      const related = (found) => (modifier === "below" ? belongs(found, code) : belongs(code, found));
      return all().some((found) => found.system === ICD10 && system === ICD10 && related(found.code));
    }
    default:
      return either(all().map((found) => named(found, wanted)));
  }
}

const either = (answers) => (answers.includes(true) ? true : answers.includes(undefined) ? undefined : false);

/** Whether a code is in a value set; one without a system in any of those that its element implies. */
function inside(found, rule) {
  if (found.system !== null) return rule(found.system, found.code);
  return found.systems && found.systems.some((system) => rule(system, found.code));
}

function named(found, wanted) {
  const parts = split(wanted, "|", 2).map(unescape);
  const [system, code] = parts.length === 1 ? [undefined, parts[0]] : parts;
  if (code !== "" && found.code !== code) return false;
  if (system === undefined) return true;
  if (system === "") return found.system === undefined || found.system === null;
  // What is not bound to a value set, as a boolean, has no system that all agree on.
  if (found.system === null) return found.systems ? found.systems.includes(system) : undefined;
  return found.system === system;
}

/** `[system]|[code]|[value]`: system and code of the type of an Identifier. */
function ofType(values, wanted) {
  const [system, code, value] = split(wanted, "|", 3).map(unescape);
  return values.some(
    ({ value: identifier }) =>
      identifier.value === value &&
      (identifier.type?.coding ?? []).some((coding) => coding.system === system && coding.code === code),
  );
}

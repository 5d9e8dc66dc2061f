// https://hl7.org/fhir/R4/search.html#token

import { fold, split, unescape } from "./text.mjs";

/** `{ system, code }` of all that a token can name; `system` is `null` where the element implies it. */
export function codes({ type, value }) {
  switch (type) {
    case "CodeableConcept":
      return (value.coding ?? []).flatMap((coding) => codes({ type: "Coding", value: coding }));
    case "Coding":
      return value.code === undefined ? [] : [{ system: value.system, code: value.code }];
    case "Identifier":
    case "ContactPoint":
      return value.value === undefined ? [] : [{ system: value.system, code: value.value }];
    default:
      return typeof value === "object" ? [] : [{ system: null, code: String(value) }];
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

export function token(values, wanted, modifier) {
  if (modifier === "text") {
    const value = fold(unescape(wanted));
    return values.flatMap(texts).some((text) => fold(text).startsWith(value));
  }
  if (modifier === "of-type") return ofType(values, wanted);
  const parts = split(wanted, "|", 2).map(unescape);
  const [system, code] = parts.length === 1 ? [undefined, parts[0]] : parts;
  return values.flatMap(codes).some((found) => {
    if (code !== "" && found.code !== code) return false;
    if (system === undefined) return true;
    if (system === "") return found.system === undefined || found.system === null;
    return found.system === system;
  });
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

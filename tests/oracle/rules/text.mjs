// Escapes, lists, and the folding of strings: https://hl7.org/fhir/R4/search.html#escaping, #string

/** Splits at each separator that is not escaped; the escapes stay. */
export function split(text, separator, limit = Infinity) {
  const parts = [""];
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "\\") parts[parts.length - 1] += text[at] + (text[++at] ?? "");
    else if (text[at] === separator && parts.length < limit) parts.push("");
    else parts[parts.length - 1] += text[at];
  }
  return parts;
}

export const unescape = (text) => text.replace(/\\([,|$\\])/g, "$1");

export const escape = (text) => text.replace(/[,|$\\]/g, "\\$&");

/** Without case and accents. A letter whose capital is two letters stays. */
export function fold(text) {
  return [...text]
    .map((letter) => (letter.toUpperCase().length === letter.length ? letter.toUpperCase() : letter))
    .join("")
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/g, "");
}

const PARTS = {
  HumanName: ["text", "family", "given", "prefix", "suffix"],
  Address: ["text", "line", "city", "district", "state", "postalCode", "country"],
};

/** The strings of a value. */
export function strings({ type, value }) {
  if (typeof value === "string") return [value];
  const parts = PARTS[type] ?? [];
  return parts.flatMap((part) => value[part] ?? []).filter((text) => typeof text === "string");
}

export function string(values, wanted, modifier) {
  const texts = values.flatMap(strings);
  const value = unescape(wanted);
  if (modifier === "exact") return texts.some((text) => text === value);
  if (modifier === "contains") return texts.some((text) => fold(text).includes(fold(value)));
  return texts.some((text) => fold(text).startsWith(fold(value)));
}

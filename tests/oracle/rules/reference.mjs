// https://hl7.org/fhir/R4/search.html#reference

import { token } from "./token.mjs";
import { unescape } from "./text.mjs";

/** `{ type, id }` of a reference within this server. */
export function target(reference, base) {
  const text = reference?.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference;
  const match = /^([A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/.+)?$/.exec(text ?? "");
  return match ? { type: match[1], id: match[2] } : undefined;
}

export function reference(values, wanted, modifier, base, resolve) {
  const value = unescape(wanted);
  if (modifier === "identifier") {
    return values.some(({ value: found }) => {
      const own = found.identifier ? [{ type: "Identifier", value: found.identifier }] : [];
      const at = target(found.reference, base);
      const there = at ? (resolve(at)?.identifier ?? []) : [];
      const all = [...own, ...[there].flat().map((identifier) => ({ type: "Identifier", value: identifier }))];
      return token(all, wanted);
    });
  }
  return values.some(({ type, value: found }) => {
    if (type !== "Reference") return found === value;
    const at = target(found.reference, base);
    if (!at) return found.reference === value;
    if (modifier && at.type !== modifier) return false;
    const asked = target(value, base);
    return asked ? asked.type === at.type && asked.id === at.id : value === at.id;
  });
}

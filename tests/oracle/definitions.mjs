// The search parameters of R4, from HL7's own file.

import fs from "node:fs";

const bundle = JSON.parse(fs.readFileSync(`${process.env.ORACLE_DEFINITIONS}/search-parameters.json`, "utf8"));
const all = bundle.entry.map((entry) => entry.resource);
const byUrl = new Map(all.map((parameter) => [parameter.url, parameter]));

const profiles = JSON.parse(fs.readFileSync(`${process.env.ORACLE_DEFINITIONS}/profiles-resources.json`, "utf8"));

/** Names of the resource types that can be asked for. */
export const resourceTypes = profiles.entry
  .map((entry) => entry.resource)
  .filter((one) => one.resourceType === "StructureDefinition" && one.kind === "resource" && !one.abstract && one.derivation === "specialization")
  .map((one) => one.type);

/** Parameters of a type, with those of Resource and DomainResource: `name → definition`. */
export function parameters(type) {
  const found = new Map();
  for (const base of ["Resource", "DomainResource", type]) {
    for (const parameter of all.filter((one) => one.base.includes(base))) {
      found.set(parameter.code, { ...parameter, expression: expression(parameter, base) });
    }
  }
  return found;
}

/** The parts of a composite, as `{ definition, expression }`. */
export function components(parameter) {
  return parameter.component.map((component) => ({
    definition: byUrl.get(component.definition),
    expression: readable(component.expression),
  }));
}

/** The parts of a union that start at this type; one is written without any type. */
function expression(parameter, base) {
  if (!parameter.expression) return undefined;
  const parts = union(parameter.expression);
  const mine = parts.filter((part) => /^[a-z]/.test(part) || new RegExp(`^\\(*${base}\\b`).test(part));
  return mine.length ? mine.map(readable).join(" | ") : undefined;
}

/** Splits at each `|` outside of parentheses. */
function union(text) {
  const parts = [""];
  let depth = 0;
  for (const letter of text) {
    depth += letter === "(" ? 1 : letter === ")" ? -1 : 0;
    if (letter === "|" && depth === 0) parts.push("");
    else parts[parts.length - 1] += letter;
  }
  return parts.map((part) => part.trim());
}

/** `as` takes one item only; the specification means each. A reference is of the type that it names. */
function readable(text) {
  return text
    .replace(/\(([A-Za-z.]+) as ([A-Za-z]+)\)/g, "$1.ofType($2)")
    .replace(/\.as\(([A-Za-z]+)\)/g, ".ofType($1)")
    .replace(/\.where\(resolve\(\) is ([A-Za-z]+)\)/g, ".where(reference.startsWith('$1/') or reference.contains('/$1/'))");
}

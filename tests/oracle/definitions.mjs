// The search parameters, elements and compartments of R4, from HL7's own files.

import { file } from "./release.mjs";
import { included } from "./rules/value_set.mjs";

const all = file("search-parameters");
const byUrl = new Map(all.map((parameter) => [parameter.url, parameter]));

const profiles = file("profiles-resources");

/** Names of the resource types that can be asked for. */
export const resourceTypes = profiles
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

/** The parameters that put a resource of a type into a compartment; the resource itself is in its own. */
export function compartment(of, type) {
  const definition = profiles.find((one) => one.resourceType === "CompartmentDefinition" && one.code === of);
  return (definition?.resource.find(({ code }) => code === type)?.param ?? []).filter((name) => name !== "{def}");
}

/** Types that have a compartment. */
export const compartments = profiles.filter((one) => one.resourceType === "CompartmentDefinition").map((one) => one.code);

/** The systems of the codes that an element can have, as its required binding says: `Patient.gender`. */
const bound = new Map();
export function systems(path) {
  if (!bound.size) {
    for (const { snapshot } of [...profiles, ...file("profiles-types")].filter((one) => one.snapshot)) {
      for (const { path: here, binding } of snapshot.element) if (binding?.strength === "required") bound.set(here, binding.valueSet);
    }
  }
  const url = bound.get(path);
  if (typeof url === "string") bound.set(path, included(url));
  return bound.get(path);
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

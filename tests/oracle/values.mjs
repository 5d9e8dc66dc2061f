// What the parameters of a type see in each resource: FHIRPath, by npm fhirpath.

import { createRequire } from "node:module";

import { components, parameters, systems } from "./definitions.mjs";

const require = createRequire(`${process.env.ORACLE_MODULES}/package.json`);
const fhirpath = require("fhirpath");
const model = require("fhirpath/fhir-context/r4");

const options = { resolveInternalTypes: false };
const compiled = new Map();

function compile(expression) {
  if (!compiled.has(expression)) compiled.set(expression, fhirpath.compile(expression, model, options));
  return compiled.get(expression);
}

/** A value with the name of its datatype; of a code also the systems that its element implies. */
function typed(node) {
  if (typeof node !== "object" || node === null || !("fhirNodeDataType" in node)) {
    return { type: typeof node, value: node };
  }
  if (node.fhirNodeDataType === "code") return { type: "code", value: node.data, systems: systems(`${node.parentResNode?.path}.${node.propName}`) };
  return { type: node.fhirNodeDataType, value: node.data };
}

/** What has only extensions, such as the reason why it is absent, has no value. */
const known = ({ value }) =>
  value !== null && value !== undefined && (typeof value !== "object" || Object.keys(value).some((key) => key !== "extension" && key !== "id"));

export function evaluate(resource, expression) {
  return compile(expression)(resource).map(typed).filter(known);
}

/**
 * All resources of a type, and what its parameters see in them.
 *
 * `values.get(name).get(id)` is a list of `{ type, value }`; of a composite a list of lists of such lists. Resources with
 * the same values have the same list.
 */
export function index(type, resources, names) {
  const definitions = parameters(type);
  const values = new Map();
  for (const name of names) {
    const definition = definitions.get(name);
    if (!definition?.expression) continue;
    const perResource = new Map();
    const lists = new Map();
    const parts = definition.type === "composite" ? components(definition) : undefined;
    for (const resource of resources) {
      const list = parts ? tuples(resource, definition.expression, parts) : evaluate(resource, definition.expression);
      const key = JSON.stringify(list);
      if (!lists.has(key)) lists.set(key, list);
      perResource.set(resource.id, lists.get(key));
    }
    values.set(name, perResource);
  }
  return values;
}

/** A composite has a value where each of its parts has one. */
function tuples(resource, expression, parts) {
  const all = compile(expression)(resource).map((node) =>
    parts.map((part) => {
      const path = node.path ?? resource.resourceType;
      return compileAt(path, part.expression)(node.data ?? node).map(typed).filter(known);
    }),
  );
  return all.filter((tuple) => tuple.every((values) => values.length));
}

function compileAt(base, expression) {
  const key = `${base} ${expression}`;
  if (!compiled.has(key)) compiled.set(key, fhirpath.compile({ base, expression }, model, options));
  return compiled.get(key);
}

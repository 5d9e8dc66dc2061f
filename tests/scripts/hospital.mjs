// What is in the served hospital, to stand for what scripts would create.

import { createRequire } from "node:module";

import { parse } from "../oracle/arguments.mjs";
import { Client } from "../oracle/client.mjs";

const require = createRequire(`${process.env.ORACLE_MODULES}/package.json`);
const fhirpath = require("fhirpath");
const model = require("fhirpath/fhir-context/r4");
const { Fhir } = require("fhir");
const fhir = new Fhir();

export const options = parse({ only: ["", "scripts whose name holds this"], "self-test": ["", "plants faults, and wants each found"] });
export const client = new Client(options);
export const statement = await client.ok("metadata");

export const path = (resource, expression) => fhirpath.evaluate(resource, expression, undefined, model);

let fault = {};

/** What goes wrong from now on: `asked` changes where is asked, `answered` the answer. */
export function plant(planted) {
  fault = planted;
}

/** An answer to a script: status, headers, text and, as another implementation reads it, the resource. */
export async function ask(place, how) {
  const answer = await client.send(fault.asked?.(place) ?? place, how);
  answer.resource = read(answer);
  return fault.answered ? fault.answered(answer) : answer;
}

/** Another implementation's reading of an answer. */
function read({ json, text, headers }) {
  return json ?? (/xml/.test(headers["content-type"] ?? "") ? JSON.parse(fhir.xmlToJson(text)) : undefined);
}

/** Another implementation's judgement of a resource; true, or what it finds. */
export function valid(resource) {
  const { messages } = fhir.validate(resource, { errorOnUnexpected: true });
  const errors = messages.filter(({ severity }) => severity === "error" || severity === "fatal");
  return errors.length === 0 || errors.slice(0, 2);
}

const types = new Map();

/** All resources of a type, asked for once. */
export async function all(type) {
  if (!types.has(type)) types.set(type, await client.all(`${type}?_count=500&_sort=_id`));
  return types.get(type);
}

/** The first of a type of which a FHIRPath expression or a function holds; `undefined` when there is none. */
export async function first(type, condition = () => true) {
  const holds = typeof condition === "string" ? (one) => path(one, condition)[0] === true : condition;
  return (await all(type)).find(holds);
}

/** One text with others in its place: the longest first, each place once. */
export function replaced(text, values, write = (value) => value) {
  const names = [...values.keys()].filter(Boolean).sort((a, b) => b.length - a.length);
  if (!names.length) return text;
  const pattern = new RegExp(names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "g");
  return text.replace(pattern, (name) => write(String(values.get(name))));
}

// What a script is: requests, and what must hold of their answers.

import { createRequire } from "node:module";

import { parse } from "../arguments.mjs";
import { Client, claims, link, matches } from "../client.mjs";

const require = createRequire(`${process.env.ORACLE_MODULES}/package.json`);
const fhirpath = require("fhirpath");
const model = require("fhirpath/fhir-context/r4");

export const options = parse({ only: ["", "scripts whose name holds this"] });
export const client = new Client(options);
export const path = (resource, expression) => fhirpath.evaluate(resource, expression, undefined, model);

let checks = 0;
let failures = 0;
const steps = [];

class Script {
  constructor(name) {
    this.name = name;
  }

  check(what, holds, found) {
    checks += 1;
    if (holds) return;
    failures += 1;
    console.log(`FAILED ${this.name}: ${what}${found === undefined ? "" : `: found ${JSON.stringify(found).slice(0, 300)}`}`);
  }

  equal(what, found, wanted) {
    this.check(`${what} is ${JSON.stringify(wanted)}`, JSON.stringify(found) === JSON.stringify(wanted), found);
  }

  /** A search that must be answered with a searchset. */
  async search(place, how) {
    const answer = await client.send(place, how);
    this.check(`${place} is answered`, answer.status === 200, `${answer.status} ${answer.text.slice(0, 200)}`);
    if (answer.status !== 200) throw new Error("no answer");
    this.check(`${place} is FHIR JSON`, /^application\/fhir\+json/.test(answer.headers["content-type"]), answer.headers["content-type"]);
    this.equal(`${place} is a Bundle`, [answer.json.resourceType, answer.json.type], ["Bundle", "searchset"]);
    this.check(`${place} has a self link`, Boolean(link(answer.json, "self")));
    return answer.json;
  }

  /** Every match satisfies an expression, and there is one. */
  all(what, bundle, expression) {
    const found = matches(bundle);
    this.check(`${what}: something is found`, found.length > 0, bundle.total);
    const bad = found.find((resource) => path(resource, expression)[0] !== true);
    this.check(`${what}: all satisfy ${expression}`, !bad, bad?.id);
  }

  has(what, bundle, id) {
    this.check(`${what}: ${id} is found`, matches(bundle).some((resource) => resource.id === id));
  }

  /** A refusal with an outcome. */
  async refused(place, status, how) {
    const answer = await client.send(place, how);
    this.check(`${place} is refused with ${status}`, [status].flat().includes(answer.status), answer.status);
    this.equal(`${place} gives an outcome`, answer.json?.resourceType, "OperationOutcome");
    return answer;
  }
}

/** A script; `all` runs it. */
export function script(name, work) {
  if (name.includes(options.only)) steps.push([name, work]);
}

/** A resource that has what a script needs. */
export async function fixture(type, expression) {
  for await (const bundle of client.pages(`${type}?_count=200`)) {
    const found = matches(bundle).find((resource) => path(resource, expression)[0] === true);
    if (found) return found;
  }
  throw new Error(`the database has no ${type} with ${expression}`);
}

export const statement = await client.ok("metadata");
export const claimed = claims(statement);
export const text = encodeURIComponent;

/** Runs all scripts; whether none failed and something was looked at. */
export async function all() {
  for (const [name, work] of steps) {
    const one = new Script(name);
    const before = failures;
    try {
      await work(one);
    } catch (error) {
      failures += 1;
      console.log(`FAILED ${name}: ${error.message}`);
    }
    if (failures === before) console.log(`ok ${name}`);
  }
  console.log(`${steps.length} scripts, ${checks} checks, ${failures} failures`);
  // A run that looks at nothing proves nothing.
  return failures === 0 && checks > 0;
}

// HL7's own TestScripts of R4, from its package of examples, run as they are written:
// https://hl7.org/fhir/R4/testscript.html
//
// They write what they then look for, which this server does not do. What a script writes is a resource that is here
// instead: the fixture becomes that resource, the step that writes it and its asserts are left out, and a value that an
// assert took from the fixture is taken from the resource.

import fs from "node:fs";
import { createRequire } from "node:module";

import { client, fixture, script } from "./script.mjs";

const require = createRequire(`${process.env.ORACLE_MODULES}/package.json`);
const fhirpath = require("fhirpath");
const model = require("fhirpath/fhir-context/r4");
const { Fhir } = require("fhir");
const fhir = new Fhir();

const WRITES = ["create", "update", "updateCreate", "delete", "deleteCondSingle", "patch"];
const STATUS = { okay: [200], created: [201], notFound: [404], bad: [400], gone: [410] };

/** Where a script and R4 differ, by the parameters of its operation. */
const AMENDED = {
  // It says that it reads Parameters, which nobody can, and reads Patient.
  "/1": { resource: "Parameters" },
  // An id may have capitals, so it is not found: https://hl7.org/fhir/R4/datatypes.html#id
  "/ID-may-not-contain-CAPITALS": { bad: [400, 404] },
  // A server counts when it is asked: Bundle.total is optional.
  "?family=${PatientSearchFamilyName}&given=${PatientSearchGivenName}": { further: "&_total=accurate" },
};

function scripts() {
  const folder = process.env.ORACLE_EXAMPLES;
  const names = fs.readdirSync(folder).filter((name) => name.startsWith("TestScript-")).sort();
  return names.map((name) => JSON.parse(fs.readFileSync(`${folder}/${name}`, "utf8")));
}

class Run {
  /** `check(what, holds, found)` takes the verdicts; `patient` stands for what the script would write. */
  constructor(script, client, patient, check) {
    Object.assign(this, { script, client, check });
    this.known = new Map((script.fixture ?? []).map(({ id }) => [id, patient]));
    this.patient = patient;
    this.left = 0;
    this.done = 0;
  }

  async all() {
    const parts = [this.script.setup, ...(this.script.test ?? []), this.script.teardown].filter(Boolean);
    for (const { action } of parts) for (const { operation, assert } of action) await (operation ? this.operate(operation) : this.judge(assert));
  }

  variable(name) {
    const { defaultValue, path, expression, headerField, sourceId } = this.script.variable.find((one) => one.name === name);
    const told = { PatientSearchFamilyName: this.patient.name[0].family, PatientSearchGivenName: this.patient.name[0].given[0], PatientCreateLocation: `${this.client.base}/Patient/${this.patient.id}` };
    if (name in told) return told[name];
    // A resource that a script expects to be there.
    if (defaultValue === "example") return this.patient.id;
    if (defaultValue !== undefined) return defaultValue;
    if (headerField) return this.known.get(sourceId).headers[headerField.toLowerCase()];
    return this.evaluate(this.known.get(sourceId) ?? this.resource, path ?? expression)[0];
  }

  filled(text) {
    return text.replace(/\$\{(\w+)\}/g, (_, name) => this.variable(name));
  }

  async operate(operation) {
    this.skipped = WRITES.includes(operation.type.code);
    if (this.skipped) {
      this.left += 1;
      return;
    }
    const { resource, params = "", url, targetId, accept = "json", type, responseId } = operation;
    const encoded = this.filled(params).replace(/=([^&]*)/g, (_, value) => `=${encodeURIComponent(value)}`);
    const id = targetId ? `/${this.known.get(targetId).id}` : "";
    this.amended = AMENDED[params] ?? {};
    const history = type.code === "history" ? "/_history" : "";
    const place = url ? this.filled(url) : `${this.amended.resource ?? resource}${id}${history}${encoded}${this.amended.further ?? ""}`;
    this.request = { method: "GET", url: `${this.client.base}/${place}`, headers: { accept: `application/fhir+${accept}` } };
    this.answer = await this.client.send(place, { headers: this.request.headers });
    this.resource = read(this.answer);
    this.done += 1;
    if (responseId) this.known.set(responseId, this.resource);
  }

  async judge(assert) {
    if (this.skipped) {
      this.left += 1;
      return;
    }
    const verdict = this.verdict(assert);
    if (verdict === undefined) throw new Error(`an assert that is not understood: ${JSON.stringify(assert)}`);
    // A warning is none of the server's faults.
    if (!assert.warningOnly) this.check(assert.description, verdict === true, verdict);
  }

  /** True, or what is found instead; `undefined` when this cannot tell. */
  verdict(assert) {
    const { answer, request, resource } = this;
    const { operator = "equals", value } = assert;
    if (assert.response) return (this.amended[assert.response] ?? STATUS[assert.response]).includes(answer.status) || answer.status;
    if (assert.responseCode) return assert.responseCode.split(",").includes(String(answer.status)) || answer.status;
    if (assert.contentType) return answer.headers["content-type"].includes(`fhir+${assert.contentType}`) || answer.headers["content-type"];
    if (assert.requestMethod) return assert.requestMethod.toUpperCase() === request.method;
    if (assert.requestURL) return request.url.includes(assert.requestURL);
    if (assert.headerField) return compare(operator, (assert.direction === "request" ? request : answer).headers[assert.headerField.toLowerCase()] ?? "", value);
    if (assert.resource) return resource?.resourceType === assert.resource || resource?.resourceType;
    if (assert.validateProfileId) return valid(resource);
    if (assert.navigationLinks) return resource.link?.some(({ relation }) => relation === "self") || JSON.stringify(resource.link);
    if (assert.minimumId) return true;
    if (assert.compareToSourceId) {
      const other = this.evaluate(this.known.get(assert.compareToSourceId), assert.compareToSourcePath ?? assert.compareToSourceExpression)[0];
      return compare(operator, this.evaluate(resource, assert.path ?? assert.compareToSourceExpression)[0], other);
    }
    if (assert.expression && value === undefined) return this.evaluate(resource, assert.expression)[0] === true;
    if (assert.path) {
      const source = this.known.get(assert.sourceId) ?? resource;
      // What it takes from its fixture is taken from what stands for it.
      const wanted = this.known.has(assert.sourceId) ? this.evaluate(this.patient, assert.path)[0] : value;
      return compare(operator, this.evaluate(source, assert.path)[0], wanted);
    }
    return undefined;
  }

  /** FHIRPath, or an XPath of the simple kind: `fhir:Patient/fhir:name/@value`. */
  evaluate(resource, path) {
    const expression = path.replaceAll("fhir:", "").replace(/\/@value$/, "").replaceAll("/", ".");
    return fhirpath.evaluate(resource, expression, undefined, model);
  }
}

function read(answer) {
  if (answer.json) return answer.json;
  return /xml/.test(answer.headers["content-type"] ?? "") ? JSON.parse(fhir.xmlToJson(answer.text)) : undefined;
}

function compare(operator, found, wanted) {
  const holds = { equals: found === wanted, contains: String(found).includes(wanted), notEmpty: found !== undefined && found !== "", in: String(wanted).split(",").includes(String(found)) };
  return holds[operator] === undefined ? undefined : holds[operator] || `${found}`;
}

/** Another implementation's reading of the definitions. */
function valid(resource) {
  const { messages } = fhir.validate(resource, { errorOnUnexpected: true });
  const errors = messages.filter(({ severity }) => severity === "error" || severity === "fatal");
  return errors.length === 0 || JSON.stringify(errors.slice(0, 2));
}

for (const resource of scripts()) {
  script(`HL7 ${resource.id}`, async (t) => {
    const patient = await fixture("Patient", "name.first().family.exists() and name.first().given.exists()");
    const run = new Run(resource, client, patient, (what, holds, found) => t.check(what, holds, found));
    await run.all();
    if (run.left) console.log(`   ${resource.id}: ${run.left} steps write, and are left out`);
  });
}

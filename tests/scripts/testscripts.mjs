// Runs FHIR TestScripts that create what they then look for, on a server that only reads: https://hl7.org/fhir/R4/testscript.html
//
// What a script creates is a resource that is here instead (ignixa.mjs says which). Left out are the steps that write, with the asserts
// on their answers, and those that name a fixture for which nothing is here. Every other assert is judged, those too which the
// script itself holds for mere warnings.

import { ask, path, replaced, statement } from "./hospital.mjs";
import { Record } from "./record.mjs";

const WRITES = ["create", "update", "delete", "patch"];
const STATUS = { okay: [200], created: [201], bad: [400], notFound: [404], notAcceptable: [406] };
const WHERE = "http://ignixa.io/testscript/";

/** The statement, with what R4 gives it no place for. */
const CLAIMED = structuredClone(statement);
CLAIMED.rest[0].searchParam.push(...["_has", "_include", "_revinclude", "_sort", "_summary", "_total", "_count", "_elements"].map((name) => ({ name })));

/** `script` as parsed, `stand` what stands for its fixtures, `skip` its tests that are left out and why. */
export async function run(source, name, script, { fixtures = {}, values = {}, own = [], skip = {}, amend = {} }) {
  await new Run(new Record(source, name), script, { fixtures, values, own, skip, amend }).all();
}

class Run {
  constructor(record, script, { fixtures, values, own, skip, amend }) {
    Object.assign(this, { record, script, fixtures, skip, amend });
    this.answers = new Map();
    this.values = new Map(Object.entries(values).filter(([, value]) => value !== undefined));
    this.missing = new Set();
    for (const [text, here] of this.values) record.say(text, here);
    for (const { id, resource } of script.fixture ?? []) {
      const stand = fixtures[id];
      if (stand) record.say(id, `${stand.resourceType}/${stand.id}`);
      if (stand && resource.id) this.values.set(resource.id, stand.id);
      if (!stand && resource.id) this.missing.add(resource.id);
    }
    for (const { name, sourceId, path: place, defaultValue } of script.variable ?? []) {
      const created = this.writes().find(({ responseId }) => responseId === sourceId);
      const stand = created && fixtures[created.sourceId];
      if (stand) this.values.set(`\${${name}}`, path(stand, place)[0]);
      else if (created) this.missing.add(`\${${name}}`);
      else if (defaultValue) this.values.set(`\${${name}}`, defaultValue);
    }
    // Its own resources: it marks them by an identifier of its own system.
    this.own = own;
  }

  writes() {
    const parts = [this.script.setup, ...(this.script.test ?? [])].filter(Boolean);
    return parts.flatMap(({ action }) => action.map(({ operation }) => operation).filter((operation) => operation && WRITES.includes(operation.type.code)));
  }

  async all() {
    const written = this.writes().length;
    if (written) this.record.leave(`${written} steps that write`, "their resources are looked up instead");
    for (const test of this.script.test ?? []) {
      const why = this.skip[test.name] ?? this.unfit(test);
      if (why) this.record.leave(test.name, why);
      else await this.test(test);
    }
  }

  /** Why a test is none for this release or this server, by its own words. */
  unfit(test) {
    const told = (key) => test.extension?.find(({ url }) => url === WHERE + key)?.valueString;
    const versions = told("fhirVersions");
    if (versions && !versions.split(",").includes("4.0")) return "not for R4";
    if (test.action.some(({ operation }) => operation && WRITES.includes(operation.type.code))) return "it writes between what it asks";
    const wanted = told("requiresCapability");
    if (wanted && path(CLAIMED, this.here(wanted))[0] !== true) return `it wants ${wanted}`;
    return undefined;
  }

  async test(test) {
    this.last = undefined;
    for (const { operation, assert } of test.action) {
      const alone = operation && this.own.some((system) => operation.params?.includes(`identifier=${system}|`)) && !this.stands(operation.resource).length;
      if (alone) return this.record.leave(test.name, "nothing here can stand for what it creates");
      const lost = this.lost(operation ? `${operation.url} ${operation.params}` : `${assert.expression} ${assert.value}`);
      if (operation && lost) return this.record.leave(test.name, `it asks for ${lost}, for which nothing here can stand`);
      if (operation) await this.operate(operation);
      else if (lost) this.record.leave(`${test.name}: ${assert.description}`, `nothing here can stand for ${lost}`);
      else this.judge(test.name, assert);
    }
    return undefined;
  }

  lost(text) {
    return [...this.missing].find((id) => text.includes(id));
  }

  /** The stand-ins of what the script creates of a type. */
  stands(type) {
    const created = (this.script.fixture ?? []).filter(({ id, resource }) => this.fixtures[id] && resource.resourceType === type);
    return [...new Set(created.map(({ id }) => this.fixtures[id].id))];
  }

  /** A text of the script in the words of what is here. */
  here(text, write) {
    return replaced(text, this.values, write);
  }

  async operate({ type, resource, params = "", url, method, sourceId, responseId, accept = "json", requestHeader = [] }) {
    const source = sourceId && this.script.fixture.find(({ id }) => id === sourceId).resource;
    const name = type.code.startsWith("$") ? `${resource}/${type.code}` : resource;
    let place = this.here(`${url ?? name}${this.ours(resource, params)}`, escaped);
    let how = { headers: { accept: `application/fhir+${accept}` } };
    for (const { field, value } of requestHeader) how.headers[field.toLowerCase()] = value;
    if (source) how = { method: "POST", body: this.here(JSON.stringify(source), (value) => JSON.stringify(value).slice(1, -1)), headers: { ...how.headers, "content-type": "application/fhir+json" } };
    else if (method === "POST") {
      const [path, query] = place.split("?");
      how = { method, body: query, headers: { ...how.headers, "content-type": "application/x-www-form-urlencoded" } };
      place = `${path}/_search`;
    }
    place = place.replace(/[|[\]{}"<>\\^` ]/g, encodeURIComponent);
    const answer = await ask(place, how);
    const request = `${how.method ?? "GET"} /${place}${how.body && !source ? `?${how.body}` : ""}`;
    this.last = { answer, request, resource: answer.resource };
    if (responseId) this.answers.set(responseId, this.last);
  }

  /** `identifier=own system|` asks for the script's own resources: they are named one by one. */
  ours(type, params) {
    let text = params;
    for (const system of this.own) {
      const before = text;
      text = text.replace(new RegExp(`identifier=${system.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\|(?=&|$)`), `_id=${this.stands(type).join(",")}`);
      if (text !== before) this.record.say(`identifier=${system}|`, "_id= of what stands for its resources");
    }
    return text;
  }

  judge(test, assert) {
    const { answer, request, resource } = this.answers.get(assert.sourceId) ?? this.last;
    const amended = this.amend[`${test}: ${assert.description}`];
    if (amended) this.record.leave(`${test}: ${assert.description}`, amended);
    if (amended) return;
    const found = this.verdict(assert, answer, resource);
    if (found === undefined) throw new Error(`an assert that is not understood: ${JSON.stringify(assert)}`);
    this.record.check(`${test}: ${assert.description}`, found === true, found, [request]);
  }

  /** True, or what is found instead; `undefined` when this cannot tell. */
  verdict({ response, responseCode, resource: type, expression, operator = "equals", value, contentType, headerField }, answer, resource) {
    if (response) return (STATUS[response] ?? []).includes(answer.status) || `${answer.status} ${answer.text.slice(0, 200)}`;
    if (responseCode) return responseCode.split(",").includes(String(answer.status)) || answer.status;
    if (type) return resource?.resourceType === type || resource?.resourceType || false;
    if (contentType) return (answer.headers["content-type"] ?? "").includes(contentType) || answer.headers["content-type"];
    if (headerField) return compare(operator, answer.headers[headerField.toLowerCase()], value);
    if (!expression) return undefined;
    const [found] = path(resource, this.here(expression));
    if (value === undefined) return found === true || String(found);
    return compare(operator, found, this.here(value));
  }
}

/** A text in an address; what it may hold for FHIR stays. */
function escaped(text) {
  return encodeURIComponent(text).replace(/%(3A|2F|7C|24|2C|3D|26|3F|25)/g, decodeURIComponent);
}

function compare(operator, found, wanted) {
  const text = String(found);
  const holds = {
    equals: text === wanted,
    notEquals: text !== wanted,
    in: String(wanted).split(",").includes(text),
    contains: text.includes(wanted),
    notEmpty: found !== undefined && found !== "",
    greaterThan: Number(found) > Number(wanted),
    lessThan: Number(found) < Number(wanted),
  };
  return holds[operator] === undefined ? undefined : holds[operator] || text;
}

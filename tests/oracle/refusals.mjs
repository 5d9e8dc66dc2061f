// What the CapabilityStatement does not claim is answered 4xx, with an OperationOutcome that names it.

import fs from "node:fs";

import { parse } from "./arguments.mjs";
import { Client, claims, pool } from "./client.mjs";
import { parameters, resourceTypes } from "./definitions.mjs";

const options = parse({ show: [8, "answers of each sort that are printed"] });
const client = new Client(options);
const started = Date.now();
const log = (text) => console.log(`${String(Math.round((Date.now() - started) / 1000)).padStart(4)} s  ${text}`);
const statement = await client.ok("metadata");
const claimed = claims(statement);
const rest = statement.rest[0];
const system = new Set((rest.interaction ?? []).map(({ code }) => code));
/** The operations that R4 defines. */
const operations = JSON.parse(fs.readFileSync(`${process.env.ORACLE_DEFINITIONS}/profiles-resources.json`, "utf8"))
  .entry.map((entry) => entry.resource)
  .filter((one) => one.resourceType === "OperationDefinition");
const wrong = [];
const counts = new Map();
const faults = new Map();

const MODIFIERS = ["missing", "exact", "contains", "text", "not", "in", "not-in", "above", "below", "of-type", "identifier", "iterate", "nonsense", "Missing"];

/** The modifiers that R4 gives a type of parameter; whatever a server makes of them, no other may be answered. */
const ALLOWED = {
  string: ["missing", "exact", "contains", "text"],
  token: ["missing", "text", "not", "in", "not-in", "above", "below", "of-type"],
  reference: ["missing", "identifier", "above", "below", "text"],
  uri: ["missing", "above", "below"],
  date: ["missing"],
  number: ["missing"],
  quantity: ["missing"],
  composite: ["missing"],
  special: ["missing"],
};

const tasks = [];
/** A request that must be refused; `name` must stand in the outcome. */
const refuse = (sort, name, place, options) => tasks.push({ sort, name, place, options });

for (const type of resourceTypes) if (!claimed.has(type)) unclaimed(type);
for (const [type, claim] of claimed) {
  interactions(type, claim);
  if (claim.interactions.includes("search-type")) search(type, claim);
}
whole();

await pool(tasks, 4, check);
console.log("");
for (const [sort, number] of [...counts].sort()) console.log(`${String(number).padStart(6)}  ${sort}${faults.has(sort) ? `, ${faults.get(sort)} wrong` : ""}`);
log(`${claimed.size} types, ${client.requests} requests, ${wrong.length} wrong answers`);
process.exit(wrong.length ? 1 : 0);

async function check({ sort, name, place, options: how }) {
  counts.set(sort, (counts.get(sort) ?? 0) + 1);
  const answer = await client.send(place, how);
  const complaint = judge(answer, name, how?.method);
  if (!complaint) return;
  wrong.push(place);
  faults.set(sort, (faults.get(sort) ?? 0) + 1);
  if (faults.get(sort) <= options.show) console.log(`WRONG ${sort}: ${how?.method ?? "GET"} ${place}: ${complaint}`);
}

function judge(answer, name, method) {
  if (answer.status < 400 || answer.status > 499) return `${answer.status} ${answer.text.slice(0, 160)}`;
  if (answer.status === 403 || answer.status === 401) return `${answer.status}: ask as somebody who may read all`;
  if (method === "HEAD") return undefined;
  const issue = answer.json?.resourceType === "OperationOutcome" && answer.json.issue?.[0];
  if (!issue) return `${answer.status} without an outcome: ${answer.text.slice(0, 160)}`;
  const said = [issue.details?.text, issue.diagnostics, ...(issue.expression ?? []), ...(issue.location ?? []), answer.headers.allow].join(" ");
  return name && !said.includes(name) ? `the outcome does not name ${name}: ${said.slice(0, 200)}` : undefined;
}

function unclaimed(type) {
  refuse("type", undefined, type);
  refuse("type", undefined, `${type}?_id=1`);
  refuse("type", undefined, `${type}/1`);
  refuse("type", undefined, `${type}/_search`, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: "_id=1" });
  refuse("type in a compartment", undefined, `Patient/1/${type}`);
  refuse("type that points here", undefined, `Patient?_has:${type}:patient:_id=1`);
}

function interactions(type, claim) {
  const has = (code) => claim.interactions.includes(code);
  const body = { headers: { "content-type": "application/fhir+json" }, body: JSON.stringify({ resourceType: type, id: "1" }) };
  if (!has("create")) refuse("create", undefined, type, { method: "POST", ...body });
  if (!has("update")) refuse("update", undefined, `${type}/1`, { method: "PUT", ...body });
  if (!has("update")) refuse("conditional update", undefined, `${type}?_id=1`, { method: "PUT", ...body });
  if (!has("patch")) refuse("patch", undefined, `${type}/1`, { method: "PATCH", ...body });
  if (!has("delete")) refuse("delete", undefined, `${type}/1`, { method: "DELETE" });
  if (!has("delete")) refuse("conditional delete", undefined, `${type}?_id=1`, { method: "DELETE" });
  if (!has("history-type")) refuse("history of a type", undefined, `${type}/_history`);
  if (!has("history-instance")) refuse("history", undefined, `${type}/1/_history`);
  if (!has("search-type")) refuse("search", undefined, `${type}?_id=1`);
  for (const operation of operations) {
    const everywhere = (rest.operation ?? []).some(({ name }) => name === operation.code);
    if (claim.operations.includes(operation.code) || everywhere) continue;
    if (operation.resource && !operation.resource.includes(type) && !["Resource", "DomainResource"].some((base) => operation.resource.includes(base))) continue;
    if (operation.type) refuse("operation on a type", undefined, `${type}/$${operation.code}`);
    if (operation.instance) refuse("operation on a resource", undefined, `${type}/1/$${operation.code}`);
  }
  refuse("operation that nobody defines", undefined, `${type}/$nonsense`);
  refuse("below a resource", undefined, `${type}/1/nonsense/2`);
}

function search(type, claim) {
  const unknown = (name, value = "1") => refuse("parameter", name, `${type}?${name}=${value}`);
  for (const [name, definition] of parameters(type)) {
    if (claim.parameters.has(name) || rest.searchParam?.some((parameter) => parameter.name === name)) continue;
    unknown(name);
    refuse("order", "_sort", `${type}?_sort=${name}`);
    if (definition.type === "reference") {
      refuse("include", undefined, `${type}?_include=${type}:${name}`);
      refuse("chain", name, `${type}?${name}.name=a`);
    }
  }
  for (const name of ["nonsense", "_nonsense", "Name", "_ID", "id", "", " "]) refuse("parameter", undefined, `${type}?${encodeURIComponent(name)}=1`);
  for (const [name, kind] of claim.parameters) {
    const value = { date: "2020", number: "1", quantity: "1", composite: "1$1" }[kind] ?? "1";
    for (const modifier of MODIFIERS.filter((one) => !ALLOWED[kind].includes(one))) {
      refuse("modifier", undefined, `${type}?${name}:${modifier}=${value}`);
    }
    if (kind !== "reference") {
      refuse("chain", undefined, `${type}?${name}.name=a`);
      refuse("include", undefined, `${type}?_include=${type}:${name}`);
      refuse("modifier", undefined, `${type}?${name}:Patient=1`);
    } else {
      refuse("modifier", undefined, `${type}?${name}:Nonsense=1`);
      refuse("chain", undefined, `${type}?${name}.nonsense=1`);
      refuse("chain", undefined, `${type}?${name}:Nonsense.name=1`);
    }
    const garbage = { date: ["2020-13", "yesterday", "gt", "20200101"], number: ["x", "1,x", "--1"], quantity: ["x", "1|mg", "1|a|b|c"], reference: ["a b", "Patient/", "/1"], token: ["|"] }[kind] ?? [];
    for (const text of name === "_id" ? [] : garbage) refuse("value", name, `${type}?${name}=${encodeURIComponent(text)}`);
    if (kind !== "composite" && !name.startsWith("_")) refuse("value", name, `${type}?${name}:missing=maybe`);
  }
  for (const include of ["nonsense", `${type}:nonsense`, "Nonsense:subject", `${type}:`, ":", ""]) {
    refuse("include", undefined, `${type}?_include=${include}`);
    refuse("include", undefined, `${type}?_revinclude=${include}`);
  }
  for (const has of [`_has`, `_has:`, `_has:Observation`, `_has:Observation:patient`, `_has:Observation:nonsense:_id`, `_has:Nonsense:patient:_id`, `_has:Observation:patient:nonsense`]) {
    refuse("_has", undefined, `${type}?${has}=1`);
  }
  const controls = { _sort: ["nonsense", "", "-", "--_id", "_id,"], _count: ["-1", "x", "1.5", "99999999999999999999", ""], _total: ["maybe"], _summary: ["maybe"], _elements: ["nonsense", ""], _contained: ["true"], _containedType: ["container"], _query: ["nonsense"], _page: ["x"], _format: ["text/turtle", "nonsense"], _score: ["1"] };
  for (const [name, values] of Object.entries(controls)) {
    for (const value of values) refuse("control", name === "_format" ? undefined : name, `${type}?${name}=${value}`);
  }
}

function whole() {
  const form = { "content-type": "application/x-www-form-urlencoded" };
  if (!system.has("search-system")) {
    refuse("search over all types", undefined, "?_type=Patient");
    refuse("search over all types", undefined, "_search", { method: "POST", headers: form, body: "_type=Patient" });
  }
  refuse("search over all types", undefined, "?_type=Nonsense&_id=1");
  refuse("search over all types", undefined, "?nonsense=1");
  if (!system.has("history-system")) refuse("history", undefined, "_history");
  const bundle = (type) => ({ method: "POST", headers: { "content-type": "application/fhir+json" }, body: JSON.stringify({ resourceType: "Bundle", type, entry: [] }) });
  if (!system.has("batch")) refuse("batch", undefined, "", bundle("batch"));
  if (!system.has("transaction")) refuse("transaction", undefined, "", bundle("transaction"));
  for (const type of ["document", "message", "searchset", "history", "collection", "nonsense"]) refuse("batch", undefined, "", bundle(type));
  for (const { code, system: here } of operations) {
    if (here && !(rest.operation ?? []).some(({ name }) => name === code)) refuse("operation", undefined, `$${code}`);
  }
  for (const type of ["text/turtle", "application/pdf", "application/fhir+turtle", "application/fhir+json; fhirVersion=3.0", "application/fhir+json; fhirVersion=5.0"]) {
    refuse("format", undefined, "Patient", { headers: { accept: type } });
  }
  for (const method of ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "LOCK"]) refuse("method", undefined, "Patient", { method });
  for (const place of ["nonsense", "Patient//1", "patient", "PATIENT/1", "Patient/1/Nonsense", "Patient/$", "$", "_search/1", "metadata/1", "Patient/_nonsense", "Patient/1/_history/", "Patient/1/_history/1/2"]) refuse("place", undefined, place);
}


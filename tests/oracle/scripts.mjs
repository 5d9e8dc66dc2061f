// The base search behaviour that public R4 test scripts look at (HL7's examples of TestScript, Inferno's kits, Touchstone's basic
// suites), in our own words. Those create what they search for; this server only reads, so each script starts from rows that exist.

import { createRequire } from "node:module";

import { parse } from "./arguments.mjs";
import { Client, claims, entries, link, matches } from "./client.mjs";
import { resourceTypes } from "./definitions.mjs";

const require = createRequire(`${process.env.ORACLE_MODULES}/package.json`);
const fhirpath = require("fhirpath");
const model = require("fhirpath/fhir-context/r4");

const options = parse({ only: ["", "scripts whose name holds this"] });
const client = new Client(options);
const path = (resource, expression) => fhirpath.evaluate(resource, expression, undefined, model);

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

function script(name, work) {
  if (name.includes(options.only)) steps.push([name, work]);
}

/** A resource that has what a script needs. */
async function fixture(type, expression) {
  for await (const bundle of client.pages(`${type}?_count=200`)) {
    const found = matches(bundle).find((resource) => path(resource, expression)[0] === true);
    if (found) return found;
  }
  throw new Error(`the database has no ${type} with ${expression}`);
}

const statement = await client.ok("metadata");
const claimed = claims(statement);
const text = encodeURIComponent;

script("capability", async (t) => {
  const answer = await client.send("metadata");
  t.equal("status", answer.status, 200);
  t.equal("type", statement.resourceType, "CapabilityStatement");
  t.equal("version", statement.fhirVersion, "4.0.1");
  t.equal("kind", statement.kind, "instance");
  t.check("a format is JSON", statement.format.some((format) => format.includes("json")));
  t.check("types are types of R4", [...claimed.keys()].every((type) => resourceTypes.includes(type)));
  t.check("every type is read", [...claimed.values()].every((claim) => claim.interactions.includes("read")));
  t.check("it is for everybody", (await fetch(`${options.base}/metadata`)).status === 200);
  const unacceptable = await client.send("metadata", { headers: { accept: "application/nonsense" } });
  t.equal("another format", unacceptable.status, 406);
});

script("read", async (t) => {
  const patient = await fixture("Patient", "name.family.exists()");
  const answer = await client.send(`Patient/${patient.id}`);
  t.equal("status", answer.status, 200);
  t.check("ETag", /^W\/".+"$/.test(answer.headers.etag ?? ""), answer.headers.etag);
  t.check("Last-Modified", Boolean(answer.headers["last-modified"]));
  t.equal("id", answer.json.id, patient.id);
  t.equal("versionId is the ETag", `W/"${answer.json.meta.versionId}"`, answer.headers.etag);
  const again = await client.send(`Patient/${patient.id}`, { headers: { "if-none-match": answer.headers.etag } });
  t.equal("unchanged", again.status, 304);
  const version = await client.send(`Patient/${patient.id}/_history/${answer.json.meta.versionId}`);
  t.equal("the current version", [version.status, version.json?.id], [200, patient.id]);
  await t.refused("Patient/does-not-exist", 404);
  await t.refused(`Patient/${patient.id}/_history/none`, 404);
  await t.refused("Nonsense/1", 404);
});

script("search by id", async (t) => {
  const patient = await fixture("Patient", "id.exists()");
  const bundle = await t.search(`Patient?_id=${patient.id}&_total=accurate`);
  t.equal("matches", matches(bundle).map(({ id }) => id), [patient.id]);
  t.equal("total", bundle.total, 1);
  t.equal("mode", bundle.entry[0].search.mode, "match");
  t.check("fullUrl", bundle.entry[0].fullUrl.endsWith(`/Patient/${patient.id}`), bundle.entry[0].fullUrl);
  const none = await t.search("Patient?_id=does-not-exist&_total=accurate");
  t.equal("nobody", [none.total, none.entry], [0, undefined]);
});

script("search by gender", async (t) => {
  for (const gender of ["male", "female"]) {
    t.all(gender, await t.search(`Patient?gender=${gender}&_count=100`), `gender = '${gender}'`);
    const system = await t.search(`Patient?gender=${text(`http://hl7.org/fhir/administrative-gender|${gender}`)}&_count=100`);
    t.all(`${gender} with its system`, system, `gender = '${gender}'`);
  }
  const other = await t.search("Patient?gender:not=female&_count=200");
  t.all(":not", other, "gender.empty() or gender != 'female'");
  const both = await t.search("Patient?gender=male,female&_total=accurate&_count=0");
  const [men, women] = [await t.search("Patient?gender=male&_summary=count"), await t.search("Patient?gender=female&_summary=count")];
  t.equal("a comma is or", both.total, men.total + women.total);
});

script("search by birthdate", async (t) => {
  const patient = await fixture("Patient", "birthDate.length() = 10");
  const date = patient.birthDate;
  for (const [value, expression] of [
    [date, `birthDate = @${date}`],
    [`eq${date}`, `birthDate = @${date}`],
    [`ge${date}`, `birthDate >= @${date}`],
    [`le${date}`, `birthDate <= @${date}`],
    [date.slice(0, 7), `birthDate.toString().startsWith('${date.slice(0, 7)}')`],
    [date.slice(0, 4), `birthDate.toString().startsWith('${date.slice(0, 4)}')`],
  ]) {
    const bundle = await t.search(`Patient?birthdate=${value}&_count=500`);
    t.all(value, bundle, expression);
    t.has(value, bundle, patient.id);
  }
  for (const value of [`gt${date}`, `lt${date}`, `ne${date}`, `sa${date}`, `eb${date}`]) {
    const bundle = await t.search(`Patient?birthdate=${value}&_count=500`);
    t.check(`${value} leaves it out`, !matches(bundle).some(({ id }) => id === patient.id));
  }
  const year = Number(date.slice(0, 4));
  const range = await t.search(`Patient?birthdate=ge${year}&birthdate=lt${year + 1}&_count=500`);
  t.all("a range", range, `birthDate.toString().startsWith('${year}')`);
  await t.refused("Patient?birthdate=yesterday", 400);
});

script("search by name", async (t) => {
  const patient = await fixture("Patient", "name.family.first().matches('^[A-Z][a-z]{3}') and name.given.exists()");
  const family = path(patient, "name.family.first()")[0];
  const given = path(patient, "name.given.first()")[0];
  for (const place of [
    `family=${text(family)}`,
    `family=${text(family.slice(0, 3))}`,
    `family=${text(family.toUpperCase())}`,
    `family=${text(family.normalize("NFD").replace(/[\u0300-\u036f]/g, ""))}`,
    `name=${text(family)}`,
    `name=${text(given)}`,
    `given=${text(given)}`,
    `family:exact=${text(family)}`,
    `family:contains=${text(family.slice(1, 4))}`,
    `family=${text(family)}&given=${text(given)}`,
  ]) {
    t.has(place, await t.search(`Patient?${place}&_count=500`), patient.id);
  }
  t.all(":exact", await t.search(`Patient?family:exact=${text(family)}&_count=500`), `name.family contains '${family.replaceAll("'", "\\'")}'`);
  const other = await t.search(`Patient?family:exact=${text(family.toLowerCase() === family ? family.toUpperCase() : family.toLowerCase())}&_count=500`);
  t.check(":exact heeds the case", !matches(other).some(({ id }) => id === patient.id));
  const part = await t.search(`Patient?family=${text(family.slice(1))}&_count=500`);
  t.check("without :contains the start counts", !matches(part).some((one) => one.id === patient.id && !path(one, "name.family").some((name) => name.toLowerCase().startsWith(family.slice(1).toLowerCase()))));
});

script("search by identifier", async (t) => {
  const patient = await fixture("Patient", "identifier.where(system.exists() and value.exists()).exists()");
  const { system, value } = patient.identifier.find((one) => one.system && one.value);
  for (const token of [`${system}|${value}`, value]) {
    t.has(token, await t.search(`Patient?identifier=${text(token)}`), patient.id);
  }
  const none = await t.search(`Patient?identifier=${text(`http://nowhere.example|${value}`)}`);
  t.equal("another system", matches(none).length, 0);
});

script("search by code", async (t) => {
  const observation = await fixture("Observation", "code.coding.where(system.exists() and code.exists()).exists() and subject.exists()");
  const { system, code } = observation.code.coding.find((one) => one.system && one.code);
  const expression = `code.coding.where(system = '${system}' and code = '${code}').exists()`;
  t.all("system|code", await t.search(`Observation?code=${text(`${system}|${code}`)}&_count=50`), expression);
  t.all("code", await t.search(`Observation?code=${text(code)}&_count=50`), `code.coding.code contains '${code}'`);
  const subject = observation.subject.reference;
  for (const place of [`subject=${subject}`, `patient=${subject.split("/")[1]}`, `subject:Patient=${subject.split("/")[1]}`, `subject=${text(`${options.base}/${subject}`)}`]) {
    t.all(place, await t.search(`Observation?${place}&code=${text(code)}&_count=50`), `subject.reference = '${subject}'`);
  }
});

script("combo-code", async (t) => {
  const observation = await fixture("Observation", "component.code.coding.exists()");
  const { system, code } = path(observation, "component.code.coding.first()")[0];
  const value = text(`${system}|${code}`);
  const expression = (element) => `${element}.coding.where(system = '${system}' and code = '${code}').exists()`;
  t.all("component-code", await t.search(`Observation?component-code=${value}&_count=50`), expression("component.code"));
  const combo = await t.search(`Observation?combo-code=${value}&_total=accurate&_count=50`);
  t.all("combo-code", combo, `(${expression("code")}) or (${expression("component.code")})`);
  const [own, component] = [await t.search(`Observation?code=${value}&_summary=count`), await t.search(`Observation?component-code=${value}&_summary=count`)];
  t.check("combo-code is either", combo.total >= Math.max(own.total, component.total) && combo.total <= own.total + component.total, combo.total);
});

script("composite", async (t) => {
  const observation = await fixture("Observation", "(value is Quantity) and value.value.exists() and code.coding.code.exists()");
  const { code } = observation.code.coding[0];
  const { value } = observation.valueQuantity;
  t.has("code-value-quantity", await t.search(`Observation?code-value-quantity=${text(`${code}$${value}`)}&_count=1000`), observation.id);
  t.all("code-value-quantity", await t.search(`Observation?code-value-quantity=${text(`${code}$gt${value}`)}&_count=50`), `code.coding.code contains '${code}' and value.value > ${value}`);
  const blood = await fixture("Observation", "component.where(value is Quantity and value.value.exists()).exists()");
  const component = path(blood, "component.where(value is Quantity and value.value.exists()).first()")[0];
  const pair = `${component.code.coding[0].code}$${component.valueQuantity.value}`;
  t.has("component-code-value-quantity", await t.search(`Observation?component-code-value-quantity=${text(pair)}&subject=${blood.subject.reference}&_count=500`), blood.id);
});

script("unknown parameters", async (t) => {
  const refusal = await t.refused("Patient?nonsense=1&_count=1", 400);
  t.check("it is named", refusal.text.includes("nonsense"));
  await t.refused("Patient?nonsense=1&_count=1", 400, { headers: { prefer: "handling=strict" } });
  const lenient = await t.search("Patient?nonsense=1&_count=1", { headers: { prefer: "handling=lenient" } });
  t.check("it is ignored", matches(lenient).length === 1);
  t.check("the self link leaves it out", !link(lenient, "self").includes("nonsense"), link(lenient, "self"));
  t.check("an outcome says so", entries(lenient, "outcome").some(({ resource }) => JSON.stringify(resource).includes("nonsense")));
});

script("chains", async (t) => {
  const observation = await fixture("Observation", "subject.reference.startsWith('Patient/')");
  const id = observation.subject.reference.split("/")[1];
  const patient = await client.ok(`Patient/${id}`);
  const family = path(patient, "name.family.first()")[0];
  t.has("subject:Patient.family", await t.search(`Observation?subject:Patient.family=${text(family)}&_id=${observation.id}`), observation.id);
  t.has("patient.name", await t.search(`Observation?patient.name=${text(family)}&_id=${observation.id}`), observation.id);
  const none = await t.search("Observation?subject:Patient.family=zzqxj");
  t.equal("nobody's", matches(none).length, 0);
});

script("_has", async (t) => {
  const observation = await fixture("Observation", "code.coding.code.exists() and subject.reference.startsWith('Patient/')");
  const { code } = observation.code.coding[0];
  const id = observation.subject.reference.split("/")[1];
  const bundle = await t.search(`Patient?_has:Observation:patient:code=${text(code)}&_count=500`);
  t.has("_has", bundle, id);
  for (const patient of matches(bundle).slice(0, 3)) {
    const found = await t.search(`Observation?patient=${patient.id}&code=${text(code)}&_summary=count`);
    t.check(`${patient.id} has one`, found.total > 0);
  }
  const none = await t.search("Patient?_has:Observation:patient:code=zzqxj");
  t.equal("nobody", matches(none).length, 0);
});

script("_include", async (t) => {
  const bundle = await t.search("Observation?_include=Observation:subject&_count=20");
  const referred = new Set(matches(bundle).map(({ subject }) => subject?.reference).filter(Boolean));
  const brought = entries(bundle, "include").map(({ resource }) => `${resource.resourceType}/${resource.id}`);
  t.equal("what is included", [...brought].sort(), [...referred].sort());
  t.check("matches are counted, includes are not", matches(bundle).length === 20, matches(bundle).length);
  const typed = await t.search("Observation?_include=Observation:subject:Patient&_count=20");
  t.check("of one type", entries(typed, "include").length > 0 && entries(typed, "include").every(({ resource }) => resource.resourceType === "Patient"));
  await t.refused("Observation?_include=Observation:nonsense", 400);
});

script("_revinclude", async (t) => {
  const condition = await fixture("Condition", "subject.reference.startsWith('Patient/')");
  const id = condition.subject.reference.split("/")[1];
  const bundle = await t.search(`Patient?_id=${id}&_revinclude=Condition:patient`);
  const wanted = (await client.all(`Condition?patient=${id}&_count=500`)).map((one) => one.id);
  t.equal("matches", matches(bundle).map((one) => one.id), [id]);
  t.equal("what is included", entries(bundle, "include").map(({ resource }) => resource.id).sort(), wanted.sort());
});

script("_sort", async (t) => {
  for (const [key, sign] of [["birthdate", 1], ["-birthdate", -1]]) {
    const dates = matches(await t.search(`Patient?_sort=${key}&_count=100&birthdate:missing=false`)).map((one) => one.birthDate);
    t.check(key, dates.every((date, at) => at === 0 || Math.sign(date.localeCompare(dates[at - 1])) !== -sign), dates.slice(0, 5));
  }
  const both = matches(await t.search("Patient?_sort=gender,-birthdate&_count=100&birthdate:missing=false&gender:missing=false"));
  const right = both.every((one, at) => at === 0 || both[at - 1].gender < one.gender || (both[at - 1].gender === one.gender && both[at - 1].birthDate >= one.birthDate));
  t.check("two keys", right);
  const updated = matches(await t.search("Patient?_sort=-_lastUpdated&_count=50")).map((one) => Date.parse(one.meta.lastUpdated));
  t.check("-_lastUpdated", updated.every((time, at) => at === 0 || time <= updated[at - 1]));
  await t.refused("Patient?_sort=nonsense", 400);
});

script("_summary and _elements", async (t) => {
  const count = await t.search("Patient?_summary=count");
  t.check("count", count.total > 0 && count.entry === undefined, count);
  const whole = matches(await t.search("Patient?_count=1"))[0];
  const summary = matches(await t.search(`Patient?_id=${whole.id}&_summary=true`))[0];
  t.check("SUBSETTED", path(summary, "meta.tag.where(code = 'SUBSETTED').exists()")[0]);
  t.check("no communication in a summary", summary.communication === undefined && summary.text === undefined);
  const data = matches(await t.search(`Patient?_id=${whole.id}&_summary=data`))[0];
  t.check("data has no narrative", data.text === undefined);
  const narrative = matches(await t.search(`Patient?_id=${whole.id}&_summary=text`))[0];
  t.check("text has little else", narrative.name === undefined && narrative.birthDate === undefined);
  const some = matches(await t.search(`Patient?_id=${whole.id}&_elements=birthDate,gender`))[0];
  t.check("elements", some.name === undefined && some.birthDate === whole.birthDate && some.gender === whole.gender);
});

script("_total and _count", async (t) => {
  const all = await client.all("Patient?_count=500");
  const accurate = await t.search("Patient?_total=accurate&_count=3");
  t.equal("accurate", accurate.total, all.length);
  t.equal("_count", matches(accurate).length, 3);
  t.equal("none", (await t.search("Patient?_total=none&_count=3")).total, undefined);
  const zero = await t.search("Patient?_count=0");
  t.equal("_count=0", [zero.total, zero.entry], [all.length, undefined]);
  const ids = (await client.all("Patient?_count=37")).map(({ id }) => id);
  t.equal("pages", [ids.length, new Set(ids).size], [all.length, all.length]);
});

script("POST _search", async (t) => {
  const form = { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: "gender=female&_count=5&_sort=_id" };
  const posted = await t.search("Patient/_search", form);
  const got = await t.search("Patient?gender=female&_count=5&_sort=_id");
  t.equal("the same", matches(posted).map(({ id }) => id), matches(got).map(({ id }) => id));
  const mixed = await t.search("Patient/_search?gender=female", { ...form, body: "_count=5&_sort=_id" });
  t.equal("parameters in both places", matches(mixed).map(({ id }) => id), matches(got).map(({ id }) => id));
});

script(":missing", async (t) => {
  t.all("false", await t.search("Patient?birthdate:missing=false&_count=50"), "birthDate.exists()");
  const absent = matches(await t.search("Patient?birthdate:missing=true&_count=50"));
  t.check("true", absent.every((one) => one.birthDate === undefined));
});

script("compartment", async (t) => {
  const observation = await fixture("Observation", "subject.reference.startsWith('Patient/')");
  const bundle = await t.search(`${observation.subject.reference}/Observation?_count=100`);
  t.all("Patient/[id]/Observation", bundle, `subject.reference = '${observation.subject.reference}' or performer.reference contains '${observation.subject.reference}'`);
});

const offers = (type, interaction) => claimed.get(type)?.interactions.includes(interaction);

script("history of a resource", async (t) => {
  if (!offers("Patient", "history-instance")) return void (await t.refused("Patient/1/_history", [404, 405]));
  const [patient] = matches(await t.search("Patient?_count=1"));
  const answer = await client.send(`Patient/${patient.id}/_history`);
  t.equal("a history", [answer.status, answer.json?.type], [200, "history"]);
  t.check("with this resource", answer.json.entry.every(({ resource, request }) => request && (!resource || resource.id === patient.id)));
});

script("history of a type", async (t) => {
  if (!offers("Patient", "history-type")) return void (await t.refused("Patient/_history", [404, 405]));
  const answer = await client.send("Patient/_history?_count=5");
  t.equal("a history", [answer.status, answer.json?.type], [200, "history"]);
  t.check("newest first", answer.json.entry.every(({ resource }, at, all) => at === 0 || !resource || !all[at - 1].resource || resource.meta.lastUpdated <= all[at - 1].resource.meta.lastUpdated));
});

const operates = (type, name) => claimed.get(type)?.operations.includes(name);

script("$lookup", async (t) => {
  if (!operates("CodeSystem", "lookup")) return void (await t.refused("CodeSystem/$lookup?system=a&code=b", [400, 404, 405]));
  const condition = await fixture("Condition", "code.coding.where(system.exists() and code.exists()).exists()");
  const { system, code } = condition.code.coding.find((one) => one.system && one.code);
  const answer = await client.send(`CodeSystem/$lookup?system=${text(system)}&code=${text(code)}`);
  t.equal("Parameters", [answer.status, answer.json?.resourceType], [200, "Parameters"]);
  t.check("a display", answer.json?.parameter?.some(({ name, valueString }) => name === "display" && valueString));
  await t.refused(`CodeSystem/$lookup?system=${text(system)}&code=zzqxj`, [400, 404, 422]);
});

script("$expand", async (t) => {
  if (!operates("ValueSet", "expand")) return void (await t.refused("ValueSet/$expand?url=a", [400, 404, 405]));
  const sets = (await client.send("ValueSet?_count=5")).json;
  const url = sets ? matches(sets)[0]?.url : undefined;
  const answer = await client.send(`ValueSet/$expand?url=${text(url ?? "http://hl7.org/fhir/ValueSet/administrative-gender")}&count=10`);
  t.equal("a ValueSet", [answer.status, answer.json?.resourceType], [200, "ValueSet"]);
  t.check("with codes", answer.json?.expansion?.contains?.length > 0 && answer.json.expansion.contains.every((one) => one.code));
  await t.refused(`ValueSet/$expand?url=${text("http://nowhere.example/ValueSet/none")}`, [400, 404, 422]);
});

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
process.exit(failures ? 1 : 0);

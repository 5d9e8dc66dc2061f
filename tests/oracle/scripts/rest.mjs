// Capability, read, histories, and how a search is sent.

import { entries, link, matches } from "../client.mjs";
import { resourceTypes } from "../definitions.mjs";
import { claimed, client, fixture, options, script, statement } from "./script.mjs";

script("capability", async (t) => {
  const answer = await client.send("metadata");
  t.equal("status", answer.status, 200);
  t.equal("type", statement.resourceType, "CapabilityStatement");
  t.equal("version", statement.fhirVersion, "4.0.1");
  t.equal("kind", statement.kind, "instance");
  t.check("a format is JSON", statement.format.some((format) => format.includes("json")));
  t.check("types are types of R4", [...claimed.keys()].every((type) => resourceTypes.includes(type)));
  t.check("every type with interactions is read", [...claimed.values()].every(({ interactions }) => !interactions.length || interactions.includes("read")));
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

script("unknown parameters", async (t) => {
  const refusal = await t.refused("Patient?nonsense=1&_count=1", 400);
  t.check("it is named", refusal.text.includes("nonsense"));
  await t.refused("Patient?nonsense=1&_count=1", 400, { headers: { prefer: "handling=strict" } });
  const lenient = await t.search("Patient?nonsense=1&_count=1", { headers: { prefer: "handling=lenient" } });
  t.check("it is ignored", matches(lenient).length === 1);
  t.check("the self link leaves it out", !link(lenient, "self").includes("nonsense"), link(lenient, "self"));
  t.check("an outcome says so", entries(lenient, "outcome").some(({ resource }) => JSON.stringify(resource).includes("nonsense")));
});

script("POST _search", async (t) => {
  const form = { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: "gender=female&_count=5&_sort=_id" };
  const posted = await t.search("Patient/_search", form);
  const got = await t.search("Patient?gender=female&_count=5&_sort=_id");
  t.equal("the same", matches(posted).map(({ id }) => id), matches(got).map(({ id }) => id));
  const mixed = await t.search("Patient/_search?gender=female", { ...form, body: "_count=5&_sort=_id" });
  t.equal("parameters in both places", matches(mixed).map(({ id }) => id), matches(got).map(({ id }) => id));
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

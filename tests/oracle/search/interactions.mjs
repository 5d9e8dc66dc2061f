// Read, version read and histories give the resource that a search gives.

import { refusal } from "./matches.mjs";

export function tasks({ world, dice, options, types }) {
  const chosen = [];
  for (const type of types) {
    const { interactions } = world.claims.get(type);
    for (const { id } of dice.some(world.types.get(type).resources, options.reads)) {
      for (const sort of ["read", "vread", "history-instance"]) if (interactions.includes(sort)) chosen.push({ type, id, sort });
    }
    if (interactions.includes("history-type")) chosen.push({ type, sort: "history-type" });
  }
  return [...chosen, ...contents(world, dice, options)];
}

/** What is read only: it is referred to. */
function contents(world, dice, options) {
  const unsearched = [...world.claims].filter(([, claim]) => !claim.interactions.includes("search-type")).map(([type]) => type);
  if (!unsearched.length) return [];
  const wanted = new RegExp(`"(?:[^"]*/)?(${unsearched.join("|")})/([A-Za-z0-9.-]{1,64})"`, "g");
  const found = new Map();
  for (const { resources } of world.types.values()) {
    for (const resource of resources) {
      for (const [, type, id] of JSON.stringify(resource).matchAll(wanted)) found.set(`${type}/${id}`, { type, id, sort: "read what is referred to" });
    }
  }
  return dice.some([...found.values()], options.reads * 10);
}

export function place({ type, id, sort }) {
  return { "history-type": `${type}/_history?_count=1000`, "history-instance": `${type}/${id}/_history` }[sort] ?? `${type}/${id}`;
}

export async function ask({ world }, client, task) {
  const { type, id, sort } = task;
  const known = world.resource({ type, id });
  const version = sort === "vread" ? `/_history/${known.meta.versionId}` : "";
  const answer = await client.send(`${place(task)}${version}`);
  const refused = refusal(answer);
  if (refused) return refused;
  if (sort === "history-type") return newest(world, type, answer.json);
  if (sort === "read what is referred to") {
    if (answer.json.resourceType !== type || answer.json.id !== id) return "another resource";
    return answer.headers.etag === `W/"${answer.json.meta.versionId}"` ? undefined : `ETag ${answer.headers.etag}`;
  }
  const [found, etag] = sort === "history-instance" ? [answer.json.entry?.[0]?.resource, answer.json.entry?.[0]?.response?.etag] : [answer.json, answer.headers.etag];
  if (!same(found, known)) return "another resource than in the search";
  if (etag !== `W/"${known.meta.versionId}"`) return `ETag ${etag}`;
  return undefined;
}

const same = (found, known) => JSON.stringify(found) === JSON.stringify(known);

/** The newest first, each once, as the search has them; what was deleted is not there any more. */
function newest(world, type, bundle) {
  if (bundle.type !== "history") return `a Bundle of the type ${bundle.type}`;
  const { resources } = world.types.get(type);
  const gone = (bundle.entry ?? []).filter(({ request }) => request?.method === "DELETE");
  for (const { request } of gone) if (world.resource({ type, id: request.url.split("/")[1] })) return `${request.url} is deleted, but found`;
  const there = (bundle.entry ?? []).filter((entry) => entry.resource).map((entry) => entry.resource);
  const other = there.find((resource) => !same(resource, world.resource({ type, id: resource.id })));
  if (other) return `${other.id} is another than in the search`;
  if (there.length < Math.min(resources.length, 100)) return `${there.length} of ${resources.length}`;
  const time = (resource) => Date.parse(resource.meta?.lastUpdated ?? "1970-01-01");
  const wanted = resources.map(time).sort((a, b) => b - a);
  const late = there.findIndex((resource, at) => time(resource) !== wanted[at]);
  return late < 0 ? undefined : `at ${late}: ${there[late].id} of ${there[late].meta?.lastUpdated}`;
}

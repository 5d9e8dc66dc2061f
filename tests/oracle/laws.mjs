// Laws that hold for any correct search, whatever the values mean.

import { createRequire } from "node:module";

import { dice as thrown, parse } from "./arguments.mjs";
import { Client, claims, entries, link, matches, pool } from "./client.mjs";
import { questions } from "./questions.mjs";
import { spans } from "./rules/date.mjs";
import { target } from "./rules/reference.mjs";
import { fold } from "./rules/text.mjs";
import { codes, texts } from "./rules/token.mjs";
import { served } from "./rules/value_set.mjs";
import { index } from "./values.mjs";

const options = parse({
  zone: ["America/Argentina/Buenos_Aires", "zone of the site, in which days are read"],
  resources: [60, "of each type, that the laws are tried on"],
  seed: [1, "of the dice"],
  types: ["", "only these, separated by commas"],
  show: [60, "violations that are printed"],
});
const dice = thrown(options.seed);
const client = new Client(options);
const started = Date.now();
const log = (text) => console.log(`${String(Math.round((Date.now() - started) / 1000)).padStart(4)} s  ${text}`);
const violations = [];
const counts = new Map();
log(`seed ${options.seed}, ${options.base}`);

const statement = await client.ok("metadata");
const claimed = claims(statement);
const only = options.types ? options.types.split(",") : [...claimed.keys()];
const types = [...claimed].filter(([type, claim]) => only.includes(type) && claim.interactions.includes("search-type")).map(([type]) => type);

/** A law: nothing, or what is against it. */
function judge(law, place, complaint) {
  counts.set(law, (counts.get(law) ?? 0) + 1);
  if (!complaint) return;
  violations.push(place);
  if (violations.length <= options.show) console.log(`VIOLATED ${law}: ${place}: ${complaint}`);
}

const same = (left, right) => left.size === right.size && [...left].every((one) => right.has(one));
const set = (list) => new Set(list);
const differ = (found, wanted) => {
  if (same(found, wanted)) return undefined;
  const more = [...found].filter((id) => !wanted.has(id));
  const less = [...wanted].filter((id) => !found.has(id));
  return `too many ${more.slice(0, 3)}; missing ${less.slice(0, 3)} of ${wanted.size}`;
};

function query(pairs) {
  return pairs.map(([key, value]) => `${encodeURIComponent(key).replaceAll("%3A", ":")}=${encodeURIComponent(value)}`).join("&");
}

/** What a search finds of the resources that are looked at, in order. */
async function ids(held, pairs, size = 1000) {
  const place = `${held.type}?${query([["_id", held.ids.join(",")], ...pairs, ["_count", size], ["_elements", "id"]])}`;
  return (await client.all(place)).map((resource) => resource.id);
}

async function attempt(law, place, work) {
  try {
    await work();
  } catch (error) {
    judge(law, place, error.message.slice(0, 300));
  }
}

const world = { claims: claimed, client, sets: served([], []), resource: ({ type, id }) => held.get(type)?.byId.get(id) };
const held = new Map();
await pool(types, 4, async (type) => {
  const answer = await client.send(`${type}?_count=${options.resources}`);
  if (answer.status === 403) return;
  const resources = matches(answer.json);
  const names = [...claimed.get(type).parameters.keys()];
  held.set(type, { type, ids: resources.map((one) => one.id), byId: new Map(resources.map((one) => [one.id, one])), values: index(type, resources, names) });
});
log(`${[...held.values()].reduce((sum, one) => sum + one.ids.length, 0)} resources of ${held.size} types`);

const tasks = [];
for (const one of held.values()) {
  if (!one.ids.length) continue;
  tasks.push(() => methods(one), () => formats(one), () => summary(one));
  for (const name of claimed.get(one.type).parameters.keys()) tasks.push(() => parameter(one, name));
  for (const include of claimed.get(one.type).includes) tasks.push(() => duality(one, include));
}
const clock = setInterval(() => log(`${[...counts.values()].reduce((sum, one) => sum + one, 0)} tried, ${violations.length} violations`), 30_000);
await pool(tasks, 4, (task) => task());
clearInterval(clock);
console.log("");
for (const [law, number] of [...counts].sort()) console.log(`${String(number).padStart(6)}  ${law}`);
log(`${held.size} types, ${[...counts.values()].reduce((sum, one) => sum + one, 0)} laws tried, ${client.requests} requests, ${violations.length} violations`);
process.exit(violations.length ? 1 : 0);

function sample(one, name) {
  const all = new Map();
  for (const list of one.values.get(name)?.values() ?? []) for (const value of list) all.set(JSON.stringify(value), value);
  return dice.some([...all.values()], 4);
}

async function parameter(one, name) {
  const { type } = one;
  const kind = claimed.get(type).parameters.get(name);
  const samples = sample(one, name);
  const asked = samples.length ? [...questions(world, dice, type, name, samples)].filter(({ sort }) => !/missing|converted/.test(sort)) : [];
  // Of commas only: a value that has one already says more than one thing.
  const plain = asked.filter(({ pairs: [[key, value]] }) => key === name && !value.includes(","));
  const everything = set(one.ids);
  if (plain.length) {
    const [[left], [right]] = [dice.one(plain).pairs, dice.one(plain).pairs];
    await attempt("A and B", `${type}?${query([left, right])}`, async () => {
      const [a, b, both, either] = [
        set(await ids(one, [left])),
        set(await ids(one, [right])),
        set(await ids(one, [left, right])),
        set(await ids(one, [[name, `${left[1]},${right[1]}`]])),
      ];
      judge("A and B", `${type}?${query([left, right])}`, differ(both, set([...a].filter((id) => b.has(id)))));
      judge("A or B", `${type}?${query([[name, `${left[1]},${right[1]}`]])}`, differ(either, set([...a, ...b])));
      if (kind === "token" && name !== "_id") {
        const denied = set(await ids(one, [[`${name}:not`, left[1]]]));
        judge(":not is the rest", `${type}?${query([[`${name}:not`, left[1]]])}`, differ(denied, set(one.ids.filter((id) => !a.has(id)))));
      }
    });
  }
  if (!name.startsWith("_") && kind !== "composite") {
    await attempt(":missing is one of two", `${type}?${name}:missing`, async () => {
      const [absent, present] = [await ids(one, [[`${name}:missing`, "true"]]), await ids(one, [[`${name}:missing`, "false"]])];
      judge(":missing is one of two", `${type}?${name}:missing`, differ(set([...absent, ...present]), everything) ?? (absent.length + present.length !== one.ids.length ? "both" : undefined));
    });
  }
  if (kind !== "composite" && (!name.startsWith("_") || ["_id", "_lastUpdated"].includes(name))) await attempt("order", `${type}?_sort=${name}`, () => order(one, name, kind));
}

async function order(one, name, kind) {
  const { type } = one;
  const [up, down] = [await ids(one, [["_sort", name]]), await ids(one, [["_sort", `-${name}`]])];
  const place = `${type}?_sort=${name}`;
  judge("order loses nothing", place, differ(set(up), set(one.ids)) ?? differ(set(down), set(one.ids)));
  const values = one.values.get(name);
  if (values) {
    const keys = new Map([...values].map(([id, list]) => [id, comparable(list, kind)]));
    const absent = (id) => keys.get(id).length === 0;
    const firstAbsent = (list) => list.findIndex(absent);
    for (const list of [up, down]) {
      const at = firstAbsent(list);
      const late = at >= 0 && list.slice(at).find((id) => !absent(id));
      judge("what has no value comes last", place, late ? `${late} after ${list[at]}` : undefined);
    }
    // Two that stand in the same order both ways are equal in something. Of several values each direction takes another.
    const single = (id) => values.get(id).length === 1 && (kind !== "token" || values.get(id).flatMap(codes).length < 2);
    const place2 = new Map(down.map((id, at) => [id, at]));
    const known = up.filter((id) => !absent(id) && single(id));
    const bad = known.slice(1).map((id, at) => [known[at], id]).find(([a, b]) => place2.get(a) < place2.get(b) && !keys.get(a).some((key) => keys.get(b).includes(key)));
    judge("backwards is the reverse", place, bad ? `${bad[0]} before ${bad[1]} both ways` : undefined);
  }
  const size = Math.max(2, Math.ceil(one.ids.length / 5));
  const forward = [];
  let next = `${type}?${query([["_id", one.ids.join(",")], ["_sort", name], ["_count", size], ["_elements", "id"]])}`;
  let last;
  while (next) {
    const page = await client.ok(next);
    forward.push(matches(page).map(({ id }) => id));
    last = link(page, "self");
    next = link(page, "next");
  }
  judge("pages are the whole", place, forward.flat().join() === up.join() ? undefined : "another order");
  const backward = [];
  next = last;
  while (next) {
    const page = await client.ok(next);
    backward.unshift(matches(page).map(({ id }) => id));
    next = link(page, "previous");
  }
  judge("the way back is the way forward", place, JSON.stringify(backward) === JSON.stringify(forward) ? undefined : "another order");
}

/** Texts by which values of one resource can be equal to those of another. */
function comparable(list, kind) {
  if (kind === "date") return list.flatMap((value) => spans(value, options.zone)).map(({ low, high }) => String(low < -(10n ** 20n) ? high : low));
  if (kind === "number") return list.filter(({ value }) => typeof value === "number").map(({ value }) => String(value));
  if (kind === "quantity") return list.filter(({ value }) => value.value !== undefined).map(({ value }) => String(value.value));
  if (kind === "token") return list.flatMap((value) => [...codes(value).map(({ code }) => fold(code)), ...texts(value).map(fold)]);
  const all = [];
  const gather = (value) => {
    if (typeof value === "object" && value !== null) Object.values(value).forEach(gather);
    else all.push(fold(String(value)));
  };
  list.forEach(({ value }) => gather(value));
  return all;
}

async function methods(one) {
  const { type } = one;
  const pairs = [["_id", one.ids.slice(0, 20).join(",")], ["_count", "7"], ["_sort", "-_lastUpdated"], ["_total", "accurate"]];
  await attempt("GET = POST", type, async () => {
    const got = await client.ok(`${type}?${query(pairs)}`);
    const form = { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: query(pairs) };
    const posted = await client.ok(`${type}/_search`, form);
    const plain = (bundle) => JSON.stringify([bundle.entry, bundle.total, link(bundle, "self")]);
    judge("GET = POST", type, plain(got) === plain(posted) ? undefined : "other answers");
    const again = await client.ok(link(posted, "self"));
    judge("the self link is the search", type, plain(again) === plain(posted) ? undefined : "another answer");
    const head = await client.send(`${type}?${query(pairs)}`, { method: "HEAD" });
    judge("HEAD = GET without body", type, head.status === 200 && head.text === "" ? undefined : `${head.status}`);
    const read = await client.ok(`${type}/${one.ids[0]}`);
    judge("read = search", type, JSON.stringify(read) === JSON.stringify(one.byId.get(one.ids[0])) ? undefined : one.ids[0]);
  });
}

async function summary(one) {
  const { type } = one;
  await attempt("count", type, async () => {
    const counted = await client.ok(`${type}?_summary=count`);
    const none = await client.ok(`${type}?_count=0`);
    const accurate = await client.ok(`${type}?_count=1&_total=accurate`);
    judge("three ways to count", type, new Set([counted.total, none.total, accurate.total]).size === 1 ? undefined : `${counted.total} ${none.total} ${accurate.total}`);
  });
}

async function formats(one) {
  if (!statement.format.some((format) => format.includes("xml"))) return;
  const require = createRequire(`${process.env.ORACLE_MODULES}/package.json`);
  const { Fhir } = require("fhir");
  const { type } = one;
  await attempt("XML = JSON", type, async () => {
    for (const id of one.ids.slice(0, 10)) {
      const answer = await client.send(`${type}/${id}`, { headers: { accept: "application/fhir+xml" } });
      const read = JSON.parse(new Fhir().xmlToJson(answer.text));
      judge("XML = JSON", `${type}/${id}`, canonical(read) === canonical(one.byId.get(id)) ? undefined : "another resource");
    }
  });
}

/** The same for the same resource, whatever the order of its elements. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.keys(value).sort().filter((key) => key !== "div").map((key) => `${key}:${canonical(value[key])}`)}}`;
  }
  return String(value);
}

/** What an include brings is what `_has` finds, and what a chain leads to. */
async function duality(one, include) {
  const [type, name, to] = include.split(":");
  if (!name || name === "*" || type !== one.type) return;
  await attempt("include = _has", include, async () => {
    const list = one.ids.slice(0, 20);
    const bundle = await client.ok(`${type}?_id=${list.join(",")}&_count=100&_include=${include}`);
    const brought = set(entries(bundle, "include").map(({ resource }) => `${resource.resourceType}/${resource.id}`));
    const there = new Set();
    for (const id of list) {
      for (const value of one.values.get(name)?.get(id) ?? []) {
        const at = target(value.value.reference, client.base);
        if (at && held.has(at.type) && (!to || to === at.type)) there.add(at.type);
      }
    }
    const had = new Set();
    for (const other of there) {
      const found = await client.all(`${other}?_has:${type}:${name}:_id=${list.join(",")}&_count=500&_elements=id`);
      found.forEach(({ id }) => had.add(`${other}/${id}`));
    }
    // What was found already is no include.
    for (const id of list) had.delete(`${type}/${id}`);
    judge("include = _has", include, differ(brought, had));
  });
}

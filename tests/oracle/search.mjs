// Every claimed type × parameter × modifier × prefix, against FHIRPath over all resources.

import { dice as thrown, parse } from "./arguments.mjs";
import { Client, entries, link, matches, pool } from "./client.mjs";
import { components, parameters } from "./definitions.mjs";
import { questions } from "./questions.mjs";
import { World } from "./world.mjs";

const options = parse({
  zone: ["America/Argentina/Buenos_Aires", "zone of the site, in which days are read"],
  samples: [3, "values of each parameter that questions are made of"],
  questions: [10, "questions about each parameter"],
  chains: [1, "questions through each reference, and back from it"],
  whole: [1500, "ids: of larger answers the number is compared, and 200 of the ids"],
  includes: [1, "pages with each include"],
  seed: [1, "of the dice"],
  types: ["", "only these, separated by commas"],
  show: [40, "differences that are printed"],
});
const dice = thrown(options.seed);
const client = new Client(options);
const world = new World(client, options.zone);
const started = Date.now();
const log = (text) => console.log(`${String(Math.round((Date.now() - started) / 1000)).padStart(4)} s  ${text}`);

const differences = [];
const differ = (text) => {
  differences.push(text);
  if (differences.length <= options.show) console.log(`DIFFERENT ${text}`);
};
const counts = new Map();
const count = (sort) => counts.set(sort, (counts.get(sort) ?? 0) + 1);
const covered = new Set();

log(`seed ${options.seed}, ${options.base}`);
const only = options.types ? options.types.split(",") : undefined;
await world.load(log, only);
// Composites name their parts by their types.
world.components = (type, name) => components(parameters(type).get(name)).map((component) => component.definition.type);
const types = [...world.types.keys()].filter((type) => !only || only.includes(type));

const tasks = [];
for (const type of types) {
  for (const name of world.claims.get(type).parameters.keys()) tasks.push(...aboutParameter(type, name));
  tasks.push(...together(type));
}
const direct = tasks.length;
for (const type of types) tasks.push(...chained(type), ...reversed(type));
log(`${tasks.length} questions, ${tasks.length - direct} of them through references`);
const clock = setInterval(() => log(`${[...counts.values()].reduce((sum, one) => sum + one, 0)} asked, ${differences.length} differences`), 30_000);
// An answer that cannot be had is a difference like any other.
const tried = (ask) => async (task) => {
  try {
    await ask(task);
  } catch (error) {
    differ(String(error.message).slice(0, 400));
  }
};
await pool(dice.some(tasks, tasks.length), 4, tried(compare));
const pages = includes();
log(`${pages.length} pages with includes`);
await pool(pages, 4, tried(compareIncludes));
clearInterval(clock);
finish();

/** Samples that differ, from resources anywhere. */
function sample(type, name, size) {
  const values = world.types.get(type).values?.get(name);
  if (!values) return [];
  const different = new Map();
  for (const list of values.values()) for (const value of list) different.set(JSON.stringify(value.value ?? value), value);
  return dice.some([...different.values()], size);
}

function aboutParameter(type, name) {
  const definition = parameters(type).get(name);
  // `_filter` and its like are languages of their own.
  if (world.claims.get(type).parameters.get(name) === "special") return [];
  if (!definition?.expression) {
    differ(`${type}?${name}: claimed, but R4 has no expression for it`);
    return [];
  }
  const bySort = new Map();
  for (const question of questions(world, dice, type, name, sample(type, name, options.samples))) {
    bySort.set(question.sort, [...(bySort.get(question.sort) ?? []), question]);
  }
  // One of each sort, then more of each.
  const chosen = [];
  const heaps = [...bySort.values()].map((heap) => dice.some(heap, heap.length));
  while (heaps.some((heap) => heap.length) && (chosen.length < options.questions || heaps.some((heap, at) => heap.length === [...bySort.values()][at].length))) {
    for (const heap of heaps) if (heap.length) chosen.push({ type, name, ...heap.pop() });
    if (chosen.length >= options.questions) break;
  }
  return chosen;
}

/** Several parameters of one resource, so that something is found. */
function together(type) {
  const { resources } = world.types.get(type);
  const chosen = [];
  for (const { id } of dice.some(resources, 3)) {
    const pairs = [];
    for (const name of dice.some([...world.claims.get(type).parameters.keys()], 4)) {
      const values = world.values(type, name, id);
      if (!values.length || world.claims.get(type).parameters.get(name) === "composite") continue;
      const question = dice.one([...questions(world, dice, type, name, [dice.one(values)])].filter(({ sort }) => !/nowhere|far|other|wrong/.test(sort)));
      if (question) pairs.push(...question.pairs);
    }
    if (pairs.length > 1) chosen.push({ type, sort: "together", pairs });
  }
  return chosen;
}

/** References of a parameter by the type that they lead to. */
function led(type, name) {
  const found = new Map();
  for (const { id } of world.types.get(type).resources) {
    for (const at of world.targets(type, name, id)) {
      if (world.types.has(at.type)) found.set(at.type, [...(found.get(at.type) ?? []).slice(-50), { from: id, to: at.id }]);
    }
  }
  return found;
}

function references(type) {
  return [...world.claims.get(type).parameters].filter(([, kind]) => kind === "reference").map(([name]) => name);
}

/** A question about a resource that it answers, or one of another. */
function question(type, id) {
  const names = [...world.claims.get(type).parameters].filter(([, kind]) => kind !== "composite").map(([name]) => name);
  for (const name of dice.some(names, names.length)) {
    const values = world.values(type, name, id);
    if (!values.length) continue;
    const all = [...questions(world, dice, type, name, [dice.one(values)])];
    return dice.one(all).pairs[0];
  }
  return ["_id", id];
}

function chained(type) {
  const chosen = [];
  for (const name of references(type)) {
    for (const [to, pairs] of led(type, name)) {
      for (let turn = 0; turn < options.chains; turn += 1) {
        const { to: id } = dice.one(pairs);
        let [key, value] = question(to, id);
        // Sometimes one link more.
        const onward = dice.chance(0.3) && references(to).filter((next) => world.targets(to, next, id).some((at) => world.resource(at)));
        if (onward?.length) {
          const next = dice.one(onward);
          const at = dice.one(world.targets(to, next, id).filter((one) => world.resource(one)));
          [key, value] = question(at.type, at.id);
          key = `${next}:${at.type}.${key}`;
        }
        const link = dice.chance(0.8) ? `${name}:${to}` : name;
        if (link === name && !every(type, name, key)) continue;
        chosen.push({ type, name, sort: onward?.length ? "chain of two" : "chain", pairs: [[`${link}.${key}`, value]] });
      }
    }
  }
  return chosen;
}

/** Without a type, the rest has to mean the same wherever the reference leads. */
function every(type, name, key) {
  const start = /^[^.:]+/.exec(key)[0];
  const kinds = new Set([...led(type, name).keys()].map((to) => world.claims.get(to).parameters.get(start)).filter(Boolean));
  return kinds.size === 1;
}

function reversed(type) {
  const chosen = [];
  for (const other of world.types.keys()) {
    for (const name of references(other)) {
      const pairs = led(other, name).get(type);
      if (!pairs) continue;
      for (let turn = 0; turn < Math.ceil(options.chains / 2); turn += 1) {
        const [key, value] = question(other, dice.one(pairs).from);
        chosen.push({ type, sort: "_has", pairs: [[`_has:${other}:${name}:${key}`, value]] });
      }
    }
  }
  return dice.some(chosen, 40);
}

function query(pairs) {
  return pairs.map(([key, value]) => `${encodeURIComponent(key).replaceAll("%3A", ":")}=${encodeURIComponent(value)}`).join("&");
}

async function compare({ type, name, sort, pairs }) {
  count(sort);
  const place = `${type}?${query(pairs)}`;
  let { found, doubtful } = world.search(type, pairs);
  const size = found.size;
  const large = size > options.whole;
  const first = await client.send(large ? `${place}&_summary=count` : `${place}&_count=1000&_elements=id&_total=accurate`);
  if (first.status !== 200) {
    differ(`${place} [${sort}]: ${first.status} ${first.json?.issue?.[0]?.diagnostics ?? first.text.slice(0, 200)}`);
    return;
  }
  if (name && size > 0) covered.add(`${type}.${name}`);
  const wrong = [];
  const { total } = first.json;
  let answered;
  if (large) {
    if (total < size || total > size + doubtful.size) wrong.push(`total ${total}`);
    const some = dice.some([...world.types.get(type).byId.keys()], 200);
    found = new Set(some.filter((id) => found.has(id)));
    answered = await client.all(`${place}&_id=${some.join(",")}&_count=1000&_elements=id`);
  } else {
    answered = matches(first.json);
    const next = link(first.json, "next");
    if (next) answered.push(...(await client.all(next)));
    if (total !== answered.length) wrong.push(`total ${total}, ${answered.length} on the pages`);
  }
  const set = new Set(answered.map((resource) => resource.id));
  const more = [...set].filter((id) => !found.has(id) && !doubtful.has(id));
  const less = [...found].filter((id) => !set.has(id));
  if (set.size !== answered.length) wrong.push("doubled");
  if (more.length) wrong.push(`${more.length} too many, as ${more.slice(0, 3).join(" ")}`);
  if (less.length) wrong.push(`${less.length} missing, as ${less.slice(0, 3).join(" ")}`);
  if (wrong.length) differ(`${place} [${sort}]: ${wrong.join("; ")} of ${size}`);
}

/** Pages of every claimed include, forward and back. */
function includes() {
  const chosen = [];
  for (const type of types) {
    const claim = world.claims.get(type);
    const { resources } = world.types.get(type);
    for (const [control, list] of [["_include", claim.includes], ["_revinclude", claim.revincludes]]) {
      for (const include of list) {
        for (let turn = 0; turn < options.includes; turn += 1) {
          const ids = dice.some(resources, 8).map((one) => one.id);
          chosen.push({ type, control, include, ids });
        }
      }
    }
  }
  return chosen;
}

function expected({ type, control, include, ids }) {
  const wanted = new Set();
  if (control === "_include") {
    const [, name, to] = include.split(":");
    const names = include === "*" || name === "*" ? references(type) : [name];
    for (const one of names) {
      for (const id of ids) {
        for (const at of world.targets(type, one, id)) {
          if (world.resource(at) && (!to || to === at.type)) wanted.add(`${at.type}/${at.id}`);
        }
      }
    }
  } else {
    const [other, name] = include.split(":");
    if (!world.types.has(other)) return wanted;
    const names = name === "*" ? references(other) : [name];
    for (const one of names) {
      for (const { id } of world.types.get(other).resources) {
        if (world.targets(other, one, id).some((at) => at.type === type && ids.includes(at.id))) wanted.add(`${other}/${id}`);
      }
    }
  }
  for (const id of ids) wanted.delete(`${type}/${id}`);
  return wanted;
}

async function compareIncludes(task) {
  const { type, control, include, ids } = task;
  count(`${control}`);
  const place = `${type}?_id=${ids.join(",")}&_count=1000&${control}=${include}`;
  const answer = await client.send(place);
  if (answer.status !== 200) {
    differ(`${place}: ${answer.status} ${answer.json?.issue?.[0]?.diagnostics ?? ""}`);
    return;
  }
  const found = entries(answer.json, "include").map(({ resource }) => `${resource.resourceType}/${resource.id}`);
  const wanted = expected(task);
  const set = new Set(found);
  const outcomes = entries(answer.json, "outcome").length;
  const more = found.filter((one) => !wanted.has(one));
  const less = [...wanted].filter((one) => !set.has(one));
  if (set.size !== found.length) differ(`${place}: doubled`);
  // What a limit cuts off is said on the page.
  if (more.length || (less.length && !outcomes)) differ(`${place}: too many ${more.slice(0, 3)}; missing ${less.slice(0, 3)} of ${wanted.size}`);
  if (matches(answer.json).length !== ids.length) differ(`${place}: ${matches(answer.json).length} matches of ${ids.length}`);
}

function finish() {
  const claimed = types.flatMap((type) => [...world.claims.get(type).parameters.keys()].map((name) => `${type}.${name}`));
  const empty = claimed.filter((one) => !covered.has(one));
  console.log("");
  for (const [sort, number] of [...counts].sort()) console.log(`${String(number).padStart(6)}  ${sort}`);
  console.log("");
  if (differences.length > options.show) console.log(`… and ${differences.length - options.show} more`);
  if (world.closed.length) console.log(`closed to this user: ${world.closed.join(", ")}`);
  if (empty.length) console.log(`without a value that is found: ${empty.join(", ")}`);
  for (const [time, place] of client.slowest.sort((a, b) => b[0] - a[0]).slice(0, 5)) console.log(`${time} ms ${place}`);
  const asked = [...counts.values()].reduce((sum, number) => sum + number, 0);
  log(`${types.length} types, ${claimed.length} parameters, ${asked} questions, ${client.requests} requests, ${differences.length} differences`);
  process.exit(differences.length ? 1 : 0);
}

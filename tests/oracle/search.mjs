// Everything that is claimed about finding resources, against FHIRPath over all of them.

import { dice as thrown, parse } from "./arguments.mjs";
import { Client, pool } from "./client.mjs";
import { Faulty, FOUND } from "./search/faults.mjs";
import * as filters from "./search/filters.mjs";
import * as includes from "./search/includes.mjs";
import * as interactions from "./search/interactions.mjs";
import * as order from "./search/order.mjs";
import * as parameters from "./search/parameters.mjs";
import * as references from "./search/references.mjs";
import * as several from "./search/several.mjs";
import { World } from "./world.mjs";

const FAMILIES = { parameters, references, includes, order, filters, several, interactions };

const options = parse({
  zone: ["America/Argentina/Buenos_Aires", "zone of the site, in which days are read"],
  samples: [3, "values of each parameter that questions are made of"],
  questions: [10, "questions about each parameter"],
  together: [3, "questions about several parameters of each type"],
  chains: [1, "questions through each reference, and back from it"],
  has: [40, "questions back from what refers to a type"],
  whole: [1500, "ids: of larger answers the number is compared, and 200 of the ids"],
  includes: [1, "pages with each include"],
  orders: [2, "directions of each order"],
  sorted: [2000, "resources in each order"],
  filters: [4, "filters of each type"],
  several: [20, "searches over several types, and over all"],
  compartments: [3, "resources of each type whose compartments are asked for"],
  reads: [3, "resources of each type that are read"],
  "self-test": ["", "plants faults into answers and wants each to be found: `true`"],
  families: [Object.keys(FAMILIES).join(), "only these, separated by commas"],
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
const counts = new Map();

log(`seed ${options.seed}, ${options.base}`);
await world.load(log);
const types = [...world.types.keys()].filter((type) => !options.types || options.types.split(",").includes(type));
const context = { world, dice, options, types, covered: new Set() };
const tasks = Object.entries(FAMILIES)
  .filter(([name]) => options.families.split(",").includes(name))
  .flatMap(([name, family]) => family.tasks(context).map((task) => ({ family: name, ...task })));
log(`${tasks.length} questions`);
const clock = setInterval(() => log(`${[...counts.values()].reduce((sum, one) => sum + one, 0)} asked, ${differences.length} differences`), 30_000);
await (options["self-test"] ? plant() : pool(dice.some(tasks, tasks.length), 4, ask));
clearInterval(clock);
finish();

/** What stands against the answer to a question. An answer that cannot be had is a difference like any other. */
async function complaint(task, client) {
  try {
    return await FAMILIES[task.family].ask(context, client, task);
  } catch (error) {
    return String(error.stack).slice(0, 400);
  }
}

function differ(text) {
  differences.push(text);
  if (differences.length <= options.show) console.log(`DIFFERENT ${text}`);
}

async function ask(task) {
  const { family, sort } = task;
  counts.set(sort, (counts.get(sort) ?? 0) + 1);
  const wrong = await complaint(task, client);
  if (wrong) differ(`${FAMILIES[family].place(task)} [${sort}]: ${wrong}`);
}

/** Each sort of fault in answers to questions of each family, until it could be planted three times. */
async function plant() {
  for (const [family, faults] of Object.entries(FOUND)) {
    const own = dice.some(tasks.filter((task) => task.family === family), 60);
    for (const fault of faults) {
      let planted = 0;
      for (const task of own) {
        if (planted === 3) break;
        const faulty = new Faulty(options, fault);
        const wrong = await complaint(task, faulty);
        if (!faulty.planted) continue;
        // An order that is the same from both ends is no fault.
        if (!wrong && fault === "another order") continue;
        planted += 1;
        counts.set(`${family}: ${fault}`, planted);
        if (!wrong) differ(`${FAMILIES[family].place(task)}: ${fault}, and it was not found`);
      }
      if (planted < 3) differ(`${family}: ${fault} was found ${planted} times only`);
    }
  }
}

function finish() {
  const asked = [...counts.values()].reduce((sum, number) => sum + number, 0);
  const claimed = types.flatMap((type) => [...world.claims.get(type).parameters].filter(([, kind]) => kind !== "special").map(([name]) => `${type}.${name}`));
  const about = new Set(tasks.filter((task) => task.name).map(({ type, name }) => `${type}.${name}`));
  console.log("");
  for (const [sort, number] of [...counts].sort()) console.log(`${String(number).padStart(6)}  ${sort}`);
  console.log("");
  if (!options["self-test"] && options.families.includes("parameters")) {
    const empty = claimed.filter((one) => !context.covered.has(one));
    if (empty.length) console.log(`asked, but nothing was to be found: ${empty.join(", ")}`);
    for (const one of claimed.filter((one) => !about.has(one))) differ(`${one}: claimed, and no question is about it`);
  }
  // What nobody asks cannot differ.
  for (const name of options.families.split(",")) if (!tasks.some(({ family }) => family === name)) differ(`${name}: no question`);
  if (!asked) differ("nothing was asked");
  if (differences.length > options.show) console.log(`… and ${differences.length - options.show} more`);
  if (world.closed.length) console.log(`closed to this user: ${world.closed.join(", ")}`);
  for (const [time, place] of client.slowest.sort((a, b) => b[0] - a[0]).slice(0, 5)) console.log(`${time} ms ${place}`);
  log(`${types.length} types, ${claimed.length} parameters, ${asked} questions, ${client.requests} requests, ${differences.length} differences`);
  process.exit(differences.length ? 1 : 0);
}

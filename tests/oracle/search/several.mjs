// Searches over several types, over all of them, and in compartments.

import { compartment, compartments } from "../definitions.mjs";
import { questions } from "../questions.mjs";
import { sample } from "./parameters.mjs";
import { compare, query } from "./matches.mjs";

export function tasks(context) {
  return [...ofTypes(context), ...ofAll(context), ...inCompartments(context)];
}

/** Two or three types by a parameter that all have, with values of one form. */
function ofTypes(context) {
  const { world, dice, options, types } = context;
  const chosen = [];
  for (const type of dice.some(types, options.several)) {
    const names = [...world.claims.get(type).parameters].filter(([name, kind]) => !["special", "composite"].includes(kind) && name !== "_profile");
    for (const [name, kind] of dice.some(names, names.length)) {
      const others = dice.some([...world.types.keys()].filter((other) => other !== type && world.kind(other, name) === kind), 2);
      const all = others.length ? [...questions(world, dice, type, name, sample(context, type, name, 1))] : [];
      if (!all.length) continue;
      chosen.push({ sort: "_type", types: [type, ...others], pairs: dice.one(all).pairs });
      break;
    }
  }
  return chosen;
}

/** All types, by what every resource has. */
function ofAll({ world, dice, options }) {
  const chosen = [];
  const types = [...world.types.keys()];
  const everything = types.flatMap((type) => world.types.get(type).resources);
  for (let turn = 0; turn < options.several; turn += 1) {
    const some = dice.some(everything, 5);
    chosen.push({ sort: "all types by _id", types, everywhere: true, pairs: [["_id", some.map(({ id }) => id).join(",")]] });
    const { lastUpdated } = dice.one(some).meta;
    if (lastUpdated) chosen.push({ sort: "all types by _lastUpdated", types, everywhere: true, pairs: [["_lastUpdated", lastUpdated.slice(0, 19) + "Z"]] });
  }
  return chosen;
}

function inCompartments({ world, dice, options, types }) {
  const chosen = [];
  for (const of of compartments.filter((one) => world.types.has(one))) {
    const members = [...world.types.keys()].filter((type) => joins(world, of, type));
    for (const { id } of dice.some(world.types.get(of).resources, options.compartments)) {
      const asked = dice.some(members.filter((type) => types.includes(type)), 4);
      for (const type of asked) chosen.push({ sort: `compartment of ${of}`, of, id, types: [type], pairs: [] });
      chosen.push({ sort: `compartment of ${of}, all types`, of, id, types: members, everywhere: true, pairs: [] });
    }
  }
  return chosen;
}

/** Whether a resource of a type can be in the compartment of one of another, as far as there are data. */
function joins(world, of, type) {
  return of === type || compartment(of, type).some((name) => [...world.sources(type, name).keys()].some((place) => place.startsWith(`${of}/`)));
}

export function place({ types, everywhere, of, id, pairs }) {
  if (of) return `${of}/${id}/${everywhere ? "*" : types[0]}?_sort=_lastUpdated`;
  return `?${query([...(everywhere ? [] : [["_type", types.join(",")]]), ...pairs])}`;
}

export async function ask({ world, dice, options }, client, task) {
  const found = new Set();
  const doubtful = new Set();
  for (const type of task.types) {
    const answers = task.pairs.map(([key, value]) => world.answers(type, key, value));
    if (task.of) answers.push(belongs(world, task, type));
    const one = world.select(type, answers);
    for (const id of one.found) found.add(`${type}/${id}`);
    for (const id of one.doubtful) doubtful.add(`${type}/${id}`);
  }
  const name = (resource) => `${resource.resourceType}/${resource.id}`;
  const some = dice.some([...found], 100).map((one) => one.split("/")[1]);
  return compare(client, place(task), { found, doubtful }, { whole: Math.min(options.whole, 500), some, name });
}

/** By the parameters of the definition, also those that are not offered. */
function belongs(world, { of, id }, type) {
  const members = new Set(compartment(of, type).flatMap((name) => world.sources(type, name).get(`${of}/${id}`) ?? []));
  return (one) => (type === of && one === id) || members.has(one);
}

// Every claimed parameter, by itself and with others.

import { parameters } from "../definitions.mjs";
import { questions } from "../questions.mjs";
import { compare, query } from "./matches.mjs";

/** Different values of a parameter, from resources anywhere. */
export function sample({ world, dice }, type, name, size) {
  const values = world.seen(type, name);
  const different = new Map();
  // The same list stands at all resources that have it.
  for (const list of new Set(values.values())) for (const value of list) different.set(JSON.stringify(value.value ?? value), value);
  return dice.some([...different.values()], size);
}

export function tasks(context) {
  const { world, types } = context;
  return types.flatMap((type) => [
    ...[...world.claims.get(type).parameters.keys()].flatMap((name) => about(context, type, name)),
    ...together(context, type),
  ]);
}

function about(context, type, name) {
  const { world, dice, options } = context;
  // `_filter` is a language of its own.
  if (world.kind(type, name) === "special") return [];
  if (!parameters(type).get(name)?.expression) return [{ type, name, sort: "claimed", fault: "claimed, but R4 has no expression for it" }];
  const heaps = new Map();
  for (const question of questions(world, dice, type, name, sample(context, type, name, options.samples))) {
    heaps.set(question.sort, [...(heaps.get(question.sort) ?? []), question]);
  }
  // Of as many sorts as may be, then more of each.
  const mixed = dice.some([...heaps.values()], heaps.size).map((heap) => dice.some(heap, heap.length));
  const chosen = [];
  for (let turn = 0; chosen.length < options.questions && mixed.some((heap) => heap.length > turn); turn += 1) {
    chosen.push(...mixed.filter((heap) => heap.length > turn).map((heap) => ({ type, name, ...heap[turn] })));
  }
  return chosen.slice(0, options.questions);
}

/** Several parameters of one resource, so that something is found. */
function together(context, type) {
  const { world, dice, options } = context;
  const chosen = [];
  for (const { id } of dice.some(world.types.get(type).resources, options.together)) {
    const pairs = [];
    for (const name of dice.some([...world.claims.get(type).parameters.keys()], 4)) {
      const values = world.values(type, name, id);
      if (!values.length || world.kind(type, name) === "composite") continue;
      const possible = [...questions(world, dice, type, name, [dice.one(values)])].filter(({ sort }) => !/nowhere|far|other|wrong/.test(sort));
      if (possible.length) pairs.push(...dice.one(possible).pairs);
    }
    if (pairs.length > 1) chosen.push({ type, sort: "together", pairs });
  }
  return chosen;
}

export const place = ({ type, name, pairs }) => (pairs ? `${type}?${query(pairs)}` : `${type}?${name}`);

export async function ask(context, client, task) {
  const { world, dice, options, covered } = context;
  if (task.fault) return task.fault;
  const { type, name, pairs } = task;
  const wanted = world.search(type, pairs);
  if (name && wanted.found.size > 0) covered.add(`${type}.${name}`);
  const some = dice.some([...world.types.get(type).byId.keys()], 200);
  return compare(client, place(task), wanted, { whole: options.whole, some });
}

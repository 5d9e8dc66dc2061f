// `_sort` by every claimed parameter, both ways.

import { link, matches } from "../client.mjs";
import { key, sortable } from "../rules/order.mjs";
import { refusal } from "./matches.mjs";

export function tasks({ world, dice, options, types }) {
  const chosen = [];
  for (const type of types) {
    for (const [name, kind] of world.claims.get(type).parameters) {
      if (name === "_id" || name === "_profile" || !(sortable(kind) || kind === "reference")) continue;
      for (const descending of dice.some([false, true], options.orders)) chosen.push({ type, name, kind, descending, sort: `_sort by ${kind}` });
    }
  }
  return chosen;
}

export const place = ({ type, name, descending }) => `${type}?_sort=${descending ? "-" : ""}${name}`;

export async function ask({ world, options }, client, task) {
  const { type, name, kind, descending } = task;
  const resources = world.types.get(type).resources;
  const keyed = new Map(resources.map(({ id }) => {
    const values = world.values(type, name, id);
    // How references are ordered is not said; what has none comes last all the same.
    return [id, sortable(kind) ? key(values, kind, descending, world.zone) : values.length ? 0 : undefined];
  }));
  const answered = [];
  let next = `${place(task)}&_count=1000&_elements=id`;
  while (next && answered.length < options.sorted) {
    const page = await client.send(next);
    const refused = refusal(page);
    if (refused) return refused;
    answered.push(...matches(page.json).map(({ id }) => id));
    next = link(page.json, "next");
  }
  if (!next && answered.length !== resources.length) return `${answered.length} on the pages of ${resources.length}`;
  if (new Set(answered).size !== answered.length) return "doubled";
  const wanted = [...keyed.values()].sort((a, b) => compare(a, b, descending));
  const at = answered.findIndex((id, index) => keyed.get(id) !== wanted[index]);
  return at < 0 ? undefined : `at ${at}: ${answered[at]} with ${show(keyed.get(answered[at]))}, not ${show(wanted[at])}`;
}

const show = (key) => (key === undefined ? "nothing" : `"${key}"`);

function compare(a, b, descending) {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a < b !== descending ? -1 : 1;
}

// Chains and `_has` through every claimed reference that leads somewhere.

import { questions } from "../questions.mjs";

export { ask, place } from "./parameters.mjs";

export function tasks(context) {
  return context.types.flatMap((type) => [...chained(context, type), ...reversed(context, type)]);
}

/** References of a parameter by the type that they lead to: `{ from, to }`, some of them. */
export function led({ world }, type, name) {
  const found = new Map();
  for (const { id } of world.types.get(type).resources) {
    for (const at of world.targets(type, name, id)) {
      if (!world.resource(at)) continue;
      if (!found.has(at.type)) found.set(at.type, []);
      if (found.get(at.type).length < 200) found.get(at.type).push({ from: id, to: at.id });
    }
  }
  return found;
}

/** A question about a resource that it answers, or one of another. */
function question({ world, dice }, type, id) {
  const names = [...world.claims.get(type).parameters].filter(([, kind]) => kind !== "composite").map(([name]) => name);
  for (const name of dice.some(names, names.length)) {
    const values = world.values(type, name, id);
    const all = values.length ? [...questions(world, dice, type, name, [dice.one(values)])] : [];
    if (all.length) return dice.one(all).pairs[0];
  }
  return ["_id", id];
}

function chained(context, type) {
  const { world, dice, options } = context;
  const chosen = [];
  for (const name of world.references(type)) {
    const all = led(context, type, name);
    for (const [to, pairs] of all) {
      for (let turn = 0; turn < options.chains; turn += 1) {
        const { to: id } = dice.one(pairs);
        let [key, value] = question(context, to, id);
        let sort = "chain";
        // Sometimes one link more.
        const onward = world.references(to).filter((next) => world.targets(to, next, id).some((at) => world.resource(at)));
        if (onward.length && dice.chance(0.3)) {
          const next = dice.one(onward);
          const at = dice.one(world.targets(to, next, id).filter((one) => world.resource(one)));
          [key, value] = question(context, at.type, at.id);
          key = `${next}:${at.type}.${key}`;
          sort = "chain of two";
        } else if (dice.chance(0.15)) {
          // Sometimes back from there.
          key = `_has:${type}:${name}:_id`;
          value = dice.one(pairs).from;
          sort = "_has in a chain";
        }
        // Without a type, the rest has to mean the same wherever the reference leads.
        const kinds = new Set([...all.keys()].map((other) => world.kind(other, /^[^.:]+/.exec(key)[0])).filter(Boolean));
        const link = sort === "chain" && kinds.size === 1 && dice.chance(0.2) ? name : `${name}:${to}`;
        chosen.push({ type, name, sort, pairs: [[`${link}.${key}`, value]] });
      }
    }
  }
  return chosen;
}

function reversed(context, type) {
  const { world, dice, options } = context;
  const chosen = [];
  for (const other of world.types.keys()) {
    for (const name of world.references(other)) {
      const pairs = led(context, other, name).get(type);
      if (!pairs) continue;
      for (let turn = 0; turn < options.chains; turn += 1) {
        const [key, value] = question(context, other, dice.one(pairs).from);
        chosen.push({ type, sort: key.includes(".") ? "_has with a chain" : "_has", pairs: [[`_has:${other}:${name}:${key}`, value]] });
      }
    }
  }
  return dice.some(chosen, options.has);
}

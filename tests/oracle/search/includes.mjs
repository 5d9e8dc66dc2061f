// Pages with every claimed include, forward and back, by type, by everything, and again from what was included.

import { entries, matches } from "../client.mjs";
import { refusal } from "./matches.mjs";
import { led } from "./references.mjs";

const LEVELS = 8;

export function tasks(context) {
  const { world, dice, options, types } = context;
  const chosen = [];
  for (const type of types) {
    const claim = world.claims.get(type);
    const page = (sort, ids, ...directives) => chosen.push({ type, sort, ids, directives });
    for (const include of claim.includes) {
      const [, name] = include.split(":");
      const forward = name && name !== "*" ? led(context, type, name) : new Map();
      const sources = [...forward.values()].flat().map(({ from }) => from);
      for (let turn = 0; turn < options.includes; turn += 1) page("_include", pick(context, type, sources), ["_include", include]);
      if (name === undefined && dice.chance(0.5)) page("_include=Type:*", pick(context, type, []), ["_include", `${type}:*`]);
      const to = [...forward.keys()];
      if (!to.length) continue;
      const one = dice.one(to);
      if (dice.chance(0.5)) page("_include of a type", pick(context, type, sources), ["_include", `${include}:${one}`]);
      const onward = world.references(one).filter((next) => led(context, one, next).size);
      if (onward.length && dice.chance(0.4)) page("_include:iterate", pick(context, type, sources), ["_include", include], ["_include:iterate", `${one}:${dice.one(onward)}`]);
    }
    for (const include of claim.revincludes) {
      const [other, name] = include.split(":");
      if (!world.types.has(other)) continue;
      const back = name && name !== "*" ? (led(context, other, name).get(type) ?? []) : [];
      for (let turn = 0; turn < options.includes; turn += 1) {
        page("_revinclude", pick(context, type, dice.some(back, 4).map(({ to }) => to)), ["_revinclude", include]);
      }
      if (!back.length || !dice.chance(0.4)) continue;
      const ids = pick(context, type, dice.some(back, 3).map(({ to }) => to));
      const further = world.references(other).filter((next) => next !== name && led(context, other, next).size);
      if (further.length) page("_revinclude, then _include:iterate", ids, ["_revinclude", include], ["_include:iterate", `${other}:${dice.one(further)}`]);
    }
    if (dice.chance(0.3)) page("_revinclude=*", pick(context, type, []).slice(0, 2), ["_revinclude", "*"]);
  }
  return chosen;
}

/** Resources that the include brings something for, and others. */
function pick({ world, dice }, type, wanted) {
  const { resources } = world.types.get(type);
  return [...new Set([...dice.some(wanted, 5), ...dice.some(resources, 3).map(({ id }) => id)])];
}

export function place({ type, ids, directives }) {
  return `${type}?_id=${ids.join(",")}&_count=1000${directives.map(([control, include]) => `&${control}=${include}`).join("")}`;
}

/** What is included for a page. */
function expected(world, { type, ids, directives }) {
  const matched = new Set(ids.map((id) => `${type}/${id}`));
  const all = new Set(matched);
  let last = [...all];
  for (let level = 0; level <= LEVELS && last.length; level += 1) {
    const found = new Set();
    for (const [control, include] of directives) {
      // Without :iterate only for the matches.
      if (level > 0 && !control.endsWith(":iterate")) continue;
      for (const one of last) for (const brought of follow(world, control.startsWith("_rev"), include, one)) found.add(brought);
    }
    last = [...found].filter((one) => !all.has(one));
    last.forEach((one) => all.add(one));
  }
  return new Set([...all].filter((one) => !matched.has(one)));
}

/** What one include brings for one resource. */
function follow(world, reverse, include, one) {
  const [type, id] = one.split("/");
  const [kind, parameter, to] = include.split(":");
  const every = parameter === undefined || parameter === "*";
  if (!reverse) {
    if (kind !== "*" && kind !== type) return [];
    const names = every ? world.references(type) : [parameter];
    const found = names.flatMap((name) => world.targets(type, name, id)).filter((at) => world.resource(at) && (!to || to === at.type));
    return found.map((at) => `${at.type}/${at.id}`);
  }
  if (to && to !== type) return [];
  const others = kind === "*" ? [...world.types.keys()] : [kind];
  return others.flatMap((other) => (every ? world.references(other) : [parameter]).flatMap((name) => (world.sources(other, name).get(one) ?? []).map((source) => `${other}/${source}`)));
}

export async function ask({ world }, client, task) {
  const answer = await client.send(place(task));
  const refused = refusal(answer);
  if (refused) return refused;
  const wanted = expected(world, task);
  const found = entries(answer.json, "include").map(({ resource }) => resource);
  const set = new Set(found.map((resource) => `${resource.resourceType}/${resource.id}`));
  const matched = matches(answer.json).length;
  if (matched !== task.ids.length) return `${matched} matches of ${task.ids.length}`;
  if (set.size !== found.length) return "doubled";
  const more = [...set].filter((one) => !wanted.has(one));
  const less = [...wanted].filter((one) => !set.has(one));
  // What a limit cuts off is said on the page.
  const cut = entries(answer.json, "outcome").length > 0;
  if (more.length || (less.length && !cut)) return `too many ${more.slice(0, 3)}; missing ${less.slice(0, 3)} of ${wanted.size}`;
  const other = found.find((resource) => JSON.stringify(resource) !== JSON.stringify(world.resource({ type: resource.resourceType, id: resource.id })));
  return other ? `${other.resourceType}/${other.id} is another than in the search` : undefined;
}

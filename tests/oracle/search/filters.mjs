// `_filter`: https://hl7.org/fhir/R4/search_filter.html
//
// An expression is made as a tree, which is written for the server and answered by the rules here.

import { ICD10 } from "../rules/hierarchy.mjs";
import { date, spans, range } from "../rules/date.mjs";
import { target } from "../rules/reference.mjs";
import { fold, strings } from "../rules/text.mjs";
import { codes } from "../rules/token.mjs";
import { all, any, not } from "../world.mjs";
import { compare, query } from "./matches.mjs";
import { led } from "./references.mjs";
import { sample } from "./parameters.mjs";

const ORDERED = ["eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb"];

export function tasks(context) {
  const { world, dice, options, types } = context;
  const chosen = [];
  for (const type of types) {
    const names = [...world.claims.get(type).parameters].filter(([name, kind]) => kind !== "special" && name !== "_profile").map(([name]) => name);
    for (const name of dice.some(names, options.filters)) {
      const tree = comparison(context, type, name);
      if (tree) chosen.push({ type, sort: `_filter ${tree.operator}`, tree });
    }
    for (let turn = 0; turn < options.filters / 2; turn += 1) {
      const tree = expression(context, type, 2);
      if (tree) chosen.push({ type, sort: "_filter with several", tree });
    }
  }
  return chosen;
}

/** A comparison of one parameter with a value that occurs. */
function comparison(context, type, name) {
  const { world, dice } = context;
  const kind = world.kind(type, name);
  const [found] = sample(context, type, name, 1);
  const own = { name };
  // What every resource has is not asked whether it is there.
  const pr = () => (name.startsWith("_") ? undefined : { ...own, operator: "pr", value: dice.one(["true", "false"]) });
  if (!found || dice.chance(0.1)) return pr();
  const make = { string: ofString, token: ofToken, date: ofDate, number: ofNumber, quantity: ofQuantity, reference: ofReference, uri: ofUri }[kind];
  const [operator, value] = name === "_id" ? ["eq", found.value] : (make?.(context, found, type, name) ?? []);
  if (value === undefined || value === "") return pr();
  return { ...own, operator, value };
}

function ofString({ dice }, found) {
  const text = dice.one(strings(found).filter((one) => one.trim()));
  if (!text) return [];
  const letters = [...text];
  const at = dice.below(letters.length);
  const part = { co: letters.slice(at, at + 4), sw: letters.slice(0, 3), ew: letters.slice(-3), eq: letters, ne: letters };
  const operator = dice.one(Object.keys(part));
  const value = part[operator].join("").trim();
  return [operator, dice.chance(0.5) ? value : value.toLowerCase()];
}

function ofToken({ world, dice }, found, type, name) {
  const code = dice.one(codes(found));
  if (!code) return [];
  const value = code.system && dice.chance(0.5) ? `${code.system}|${code.code}` : code.code;
  const possible = ["eq", "ne"];
  if (["CodeableConcept", "Coding"].includes(found.type)) possible.push(...sets(world, code).length ? ["in", "ni"] : []);
  if (code.system === ICD10) possible.push("ss", "sb");
  const operator = dice.one(possible);
  if (["in", "ni"].includes(operator)) return [operator, dice.one(sets(world, code))];
  if (["ss", "sb"].includes(operator)) return [operator, `${ICD10}|${operator === "ss" ? code.code.slice(0, 3) : code.code}`];
  return holds(type, name) ? ["eq", value] : [operator, value];
}

/** What CodeSystem.code looks for is in a catalogue, which is not compared by all operators. */
const holds = (type, name) => (type === "CodeSystem" && name === "code") || name === "deceased" || name === "active";

const sets = (world, { system }) => world.sets.of(system).filter((url) => world.sets.rule(url));

function ofDate({ dice }, { value }, type, name) {
  const text = dice.one((typeof value === "string" ? [value] : [value.start, value.end, ...(value.event ?? [])]).filter(Boolean));
  return text ? [dice.one(name === "_lastUpdated" ? ORDERED : [...ORDERED, "po"]), dice.one([text.slice(0, 4), text.slice(0, 7), text.slice(0, 10), text])] : [];
}

function ofNumber({ dice }, { value }) {
  return typeof value === "number" ? [dice.one(ORDERED), String(value)] : [];
}

function ofQuantity({ dice }, { type, value }) {
  if (value.value === undefined) return [];
  return [dice.one(ORDERED), type !== "Money" && value.code && dice.chance(0.4) ? `${value.value}|${value.system ?? ""}|${value.code}` : String(value.value)];
}

function ofReference({ world, dice }, { type, value }) {
  const at = type === "Reference" && target(value.reference, world.client.base);
  return at ? [dice.one(["eq", "ne", "re"]), dice.chance(0.5) ? `${at.type}/${at.id}` : at.id] : [];
}

function ofUri({ dice }, { value }) {
  return /^https?:/.test(value) ? [dice.one(["eq", "ne", "ss", "sb"]), value] : ["eq", value];
}

/** Comparisons with `and`, `or`, `not` and paths. */
function expression(context, type, depth) {
  const { world, dice } = context;
  const turn = dice.next();
  if (depth > 0 && turn < 0.6) {
    const [left, right] = [expression(context, type, depth - 1), expression(context, type, depth - 1)];
    return left && right && { word: dice.one(["and", "or"]), left, right };
  }
  if (depth > 0 && turn < 0.7) {
    const inner = expression(context, type, depth - 1);
    return inner && { word: "not", inner };
  }
  const names = world.references(type).filter((name) => led(context, type, name).size);
  if (depth > 0 && names.length && turn < 0.9) {
    const name = dice.one(names);
    const to = dice.one([...led(context, type, name).keys()]);
    const rest = comparison(context, to, dice.one(plain(world, to)));
    const inside = dice.chance(0.4) ? comparison(context, to, dice.one(plain(world, to))) : undefined;
    return rest && { path: name, to, rest, inside };
  }
  return comparison(context, type, dice.one(plain(world, type)));
}

const plain = (world, type) => [...world.claims.get(type).parameters].filter(([name, kind]) => !["special", "composite"].includes(kind) && name !== "_profile").map(([name]) => name);

/** As it is written: `and` and `or` are read from left to right, so what stands on the right needs parentheses. */
function written(tree) {
  if (tree.word === "not") return `not (${written(tree.inner)})`;
  if (tree.word) return `${written(tree.left)} ${tree.word} ${["and", "or"].includes(tree.right.word) ? `(${written(tree.right)})` : written(tree.right)}`;
  if (tree.path) return `${tree.path}:${tree.to}${tree.inside ? `[${written(tree.inside)}]` : ""}.${written(tree.rest)}`;
  return `${tree.name} ${tree.operator} ${/[\s()[\]"\\]/.test(tree.value) ? JSON.stringify(tree.value) : tree.value}`;
}

/** `id → yes, no, undefined` */
function answers(world, type, tree) {
  if (tree.word === "not") {
    const inner = answers(world, type, tree.inner);
    return (id) => not(inner(id));
  }
  if (tree.word) {
    const [left, right] = [answers(world, type, tree.left), answers(world, type, tree.right)];
    return (id) => (tree.word === "and" ? all : any)([left(id), right(id)]);
  }
  if (tree.path) {
    return world.led(type, tree.path, tree.to, (to) => {
      const both = [tree.rest, ...(tree.inside ? [tree.inside] : [])].map((one) => answers(world, to, one));
      return (id) => all(both.map((one) => one(id)));
    });
  }
  return world.judged(type, tree.name, (values) => compared(world, type, tree, values));
}

function compared(world, type, { name, operator, value }, values) {
  const kind = world.kind(type, name);
  // A text is a value, not a list of them, and has no escapes.
  const literal = kind === "quantity" || kind === "token" ? value.replaceAll("\\", "\\\\") : value.replaceAll("\\", "\\\\").replace(/[$]/g, "\\$&");
  const one = (item, modifier, text = literal) => world.one(type, name, kind, modifier, [item], text);
  if (operator === "pr") return (values.length > 0) === (value === "true");
  if (kind === "string") {
    const is = { eq: (a, b) => a === b, co: (a, b) => a.includes(b), sw: (a, b) => a.startsWith(b), ew: (a, b) => a.endsWith(b) };
    const has = (item, test) => strings(item).some((text) => test(fold(text), fold(value)));
    // A name or an address is one value, which any of its parts can be.
    return operator === "ne" ? values.some((item) => !has(item, is.eq)) : values.some((item) => has(item, is[operator]));
  }
  if (kind === "date") return operator === "po" ? overlaps(values, value, world.zone) : date(values, operator + value, world.zone);
  if (ORDERED.slice(2).includes(operator) || ["number", "quantity"].includes(kind)) return any(values.map((item) => one(item, undefined, operator + literal)));
  switch (operator) {
    case "ne":
      return any(values.map((item) => not(one(item))));
    case "ss":
      return any(values.map((item) => one(item, "below")));
    case "sb":
      return any(values.map((item) => one(item, "above")));
    case "in":
      return any(values.map((item) => one(item, "in")));
    case "ni":
      return not(any(values.map((item) => one(item, "in"))));
    default:
      return any(values.map((item) => one(item)));
  }
}

function overlaps(values, text, zone) {
  const wanted = range(text, zone);
  return values.flatMap((one) => spans(one, zone)).some(({ low, high, point }) => low < wanted.high && (point ? low >= wanted.low : high > wanted.low));
}

export const place = ({ type, tree }) => `${type}?${query([["_filter", written(tree)]])}`;

export async function ask({ world, dice, options }, client, task) {
  const wanted = world.select(task.type, [answers(world, task.type, task.tree)]);
  const some = dice.some([...world.types.get(task.type).byId.keys()], 200);
  return compare(client, place(task), wanted, { whole: options.whole, some });
}

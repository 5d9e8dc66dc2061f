// Everything that a user can see, and what a search over it finds by the rules of the specification.

import { claims } from "./client.mjs";
import { date } from "./rules/date.mjs";
import { numeric, quantity } from "./rules/quantity.mjs";
import { reference, target } from "./rules/reference.mjs";
import { split, string, unescape } from "./rules/text.mjs";
import { token } from "./rules/token.mjs";
import { index } from "./values.mjs";

/** Any of them: yes, no, or not said by the specification. */
export const any = (answers) => {
  let doubt = false;
  for (const answer of answers) {
    if (answer === true) return true;
    doubt ||= answer === undefined;
  }
  return doubt ? undefined : false;
};

const not = (answer) => (answer === undefined ? undefined : !answer);

export class World {
  constructor(client, zone) {
    this.client = client;
    this.zone = zone;
    this.types = new Map();
    this.memory = new Map();
  }

  async load(log, only) {
    this.statement = await this.client.ok("metadata");
    this.claims = claims(this.statement);
    const searched = [...this.claims].filter(([, claim]) => claim.interactions.includes("search-type"));
    this.closed = [];
    for (const [type] of searched) {
      const first = await this.client.send(`${type}?_summary=count`);
      if (first.status === 403) {
        this.closed.push(type);
        continue;
      }
      const resources = await this.client.all(`${type}?_count=1000`);
      if (resources.length !== first.json.total) {
        throw new Error(`${type}: ${resources.length} resources on the pages, ${first.json.total} counted`);
      }
      this.types.set(type, { resources, byId: new Map(resources.map((one) => [one.id, one])) });
    }
    log(`${[...this.types.values()].reduce((sum, { resources }) => sum + resources.length, 0)} resources of ${this.types.size} types`);
    let evaluated = 0;
    for (const [type, held] of this.types) {
      if (only && !only.includes(type)) continue;
      held.values = index(type, held.resources, this.claims.get(type).parameters.keys());
      evaluated += held.values.size * held.resources.length;
    }
    log(`${evaluated} expressions evaluated`);
  }

  resource({ type, id }) {
    return this.types.get(type)?.byId.get(id);
  }

  /** The values that a parameter sees in a resource. */
  values(type, name, id) {
    const held = this.types.get(type);
    if (!held.values) held.values = index(type, held.resources, this.claims.get(type).parameters.keys());
    return held.values.get(name)?.get(id) ?? [];
  }

  /** Whether a resource answers one `key=value` of a search; `undefined` where the specification does not say. */
  answer(type, id, key, value) {
    const memory = `${type} ${id} ${key} ${value}`;
    if (!this.memory.has(memory)) this.memory.set(memory, this.compute(type, id, key, value));
    return this.memory.get(memory);
  }

  compute(type, id, key, value) {
    const has = /^_has:([A-Za-z]+):([^:]+):(.+)$/.exec(key);
    if (has) return this.has(type, id, has[1], has[2], has[3], value);
    const dot = key.indexOf(".");
    if (dot > 0) return this.chain(type, id, key.slice(0, dot), key.slice(dot + 1), value);
    const [name, modifier] = key.split(":");
    const values = this.values(type, name, id);
    if (modifier === "missing") return (values.length === 0) === (value === "true");
    const kind = this.claims.get(type).parameters.get(name);
    const found = any(split(value, ",").map((one) => this.one(type, name, kind, modifier, values, one)));
    return modifier === "not" ? not(found) : found;
  }

  one(type, name, kind, modifier, values, value) {
    switch (kind) {
      case "string":
        return string(values, value, modifier);
      case "token":
        return token(values, value, modifier === "not" ? undefined : modifier);
      case "date":
        return date(values, value, this.zone);
      case "number":
        return numeric(values, value);
      case "quantity":
        return quantity(values, value, true);
      case "uri":
        return values.some((found) => found.value === unescape(value));
      case "reference":
        return reference(values, value, modifier, this.client.base, (at) => this.resource(at));
      case "composite":
        return this.composite(type, name, values, value);
      default:
        throw new Error(`${type}.${name} is of the type ${kind}`);
    }
  }

  composite(type, name, tuples, value) {
    const kinds = this.components(type, name);
    const parts = split(value, "$");
    return any(
      tuples.map((tuple) => {
        const answers = tuple.map((values, index) => this.one(type, name, kinds[index], undefined, values, parts[index]));
        return answers.includes(false) ? false : answers.includes(undefined) ? undefined : true;
      }),
    );
  }

  chain(type, id, link, rest, value) {
    const [name, wanted] = link.split(":");
    const answers = this.targets(type, name, id)
      .filter((at) => (!wanted || at.type === wanted) && this.resource(at) && this.understands(at.type, rest))
      .map((at) => this.answer(at.type, at.id, rest, value));
    return any(answers);
  }

  has(type, id, other, link, rest, value) {
    const memory = `${other} ${link}`;
    this.backwards ??= new Map();
    if (!this.backwards.has(memory)) {
      const sources = new Map();
      for (const resource of this.types.get(other).resources) {
        for (const at of this.targets(other, link, resource.id)) {
          const key = `${at.type}/${at.id}`;
          sources.set(key, [...(sources.get(key) ?? []), resource.id]);
        }
      }
      this.backwards.set(memory, sources);
    }
    const sources = this.backwards.get(memory).get(`${type}/${id}`) ?? [];
    return any(sources.map((source) => this.answer(other, source, rest, value)));
  }

  /** Where the references of a resource lead. */
  targets(type, name, id) {
    return this.values(type, name, id)
      .map(({ value }) => target(value.reference, this.client.base))
      .filter(Boolean);
  }

  /** Whether a type offers the parameter that the rest of a chain starts with. */
  understands(type, rest) {
    const name = rest.startsWith("_has:") ? "_id" : /^[^.:]+/.exec(rest)[0];
    return this.claims.get(type)?.parameters.has(name) ?? false;
  }

  /** Ids that a search finds, and those that it may find. */
  search(type, pairs) {
    const found = new Set();
    const doubtful = new Set();
    for (const { id } of this.types.get(type).resources) {
      let answer = true;
      for (const [key, value] of pairs) {
        const one = this.answer(type, id, key, value);
        if (one === false) {
          answer = false;
          break;
        }
        if (one === undefined) answer = undefined;
      }
      if (answer === true) found.add(id);
      if (answer === undefined) doubtful.add(id);
    }
    return { found, doubtful };
  }
}

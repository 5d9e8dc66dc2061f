// Everything that a user can see, and what a search over it finds by the rules of the specification.

import { claims } from "./client.mjs";
import { components, parameters } from "./definitions.mjs";
import { date } from "./rules/date.mjs";
import { numeric, quantity } from "./rules/quantity.mjs";
import { reference, target } from "./rules/reference.mjs";
import { split, string, unescape } from "./rules/text.mjs";
import { token } from "./rules/token.mjs";
import { uri } from "./rules/uri.mjs";
import { served } from "./rules/value_set.mjs";
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

/** All of them. */
export const all = (answers) => not(any(answers.map(not)));

export const not = (answer) => (answer === undefined ? undefined : !answer);

const NONE = [];

export class World {
  constructor(client, zone) {
    this.client = client;
    this.zone = zone;
    this.types = new Map();
    this.backwards = new Map();
  }

  async load(log) {
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
      this.types.set(type, { resources, byId: new Map(resources.map((one) => [one.id, one])), seen: new Map() });
    }
    log(`${[...this.types.values()].reduce((sum, { resources }) => sum + resources.length, 0)} resources of ${this.types.size} types`);
    const resources = (type) => this.types.get(type)?.resources ?? [];
    this.sets = served(resources("ValueSet"), resources("CodeSystem"));
  }

  resource({ type, id }) {
    return this.types.get(type)?.byId.get(id);
  }

  kind(type, name) {
    return this.claims.get(type)?.parameters.get(name);
  }

  /** What a parameter sees in the resources of a type: `id → values`, evaluated when it is first asked for. */
  seen(type, name) {
    const { resources, seen } = this.types.get(type);
    if (!seen.has(name)) seen.set(name, index(type, resources, [name]).get(name) ?? new Map());
    return seen.get(name);
  }

  /** The values that a parameter sees in a resource: the same list for resources of the same values. */
  values(type, name, id) {
    return this.seen(type, name).get(id) ?? NONE;
  }

  /** What answers one `key=value` of a search for a type: `id → yes, no, undefined where the specification does not say`. */
  answers(type, key, value) {
    const has = /^_has:([A-Za-z]+):([^:]+):(.+)$/.exec(key);
    if (has) return this.had(type, has[1], has[2], this.answers(has[1], has[3], value));
    const dot = key.indexOf(".");
    if (dot > 0) {
      const [name, wanted] = key.slice(0, dot).split(":");
      const rest = key.slice(dot + 1);
      return this.led(type, name, wanted, (to) => (this.understands(to, rest) ? this.answers(to, rest, value) : undefined));
    }
    const [name, modifier] = key.split(":");
    return this.judged(type, name, (values) => this.judge(type, name, modifier, values, value));
  }

  /** A rule over the values of a parameter. */
  judged(type, name, rule) {
    const seen = this.seen(type, name);
    const memory = new Map();
    return (id) => {
      const values = seen.get(id) ?? NONE;
      if (!memory.has(values)) memory.set(values, rule(values));
      return memory.get(values);
    };
  }

  judge(type, name, modifier, values, value) {
    if (modifier === "missing") return (values.length === 0) === (value === "true");
    const kind = this.kind(type, name);
    const positive = { not: undefined, "not-in": "in" };
    const inner = modifier in positive ? positive[modifier] : modifier;
    const found = any(split(value, ",").map((one) => this.one(type, name, kind, inner, values, one)));
    return modifier in positive ? not(found) : found;
  }

  one(type, name, kind, modifier, values, value) {
    switch (kind) {
      case "string":
        return string(values, value, modifier);
      case "token":
        return token(values, value, modifier, this.sets);
      case "date":
        return date(values, value, this.zone);
      case "number":
        return numeric(values, value);
      case "quantity":
        return quantity(values, value, true);
      case "uri":
        return uri(values, unescape(value), modifier);
      case "reference":
        return reference(values, value, modifier, this.client.base, (at) => this.resource(at));
      case "composite":
        return this.composite(type, name, values, value);
      default:
        throw new Error(`${type}.${name} is of the type ${kind}`);
    }
  }

  composite(type, name, tuples, value) {
    const kinds = components(parameters(type).get(name)).map((component) => component.definition.type);
    const parts = split(value, "$");
    return any(tuples.map((tuple) => all(tuple.map((values, at) => this.one(type, name, kinds[at], undefined, values, parts[at])))));
  }

  /** What refers by a parameter to a resource that answers; `follow` gives the answers for each type. */
  led(type, name, wanted, follow) {
    const inner = new Map();
    const answer = (at) => {
      if (!this.resource(at)) return false;
      if (!inner.has(at.type)) inner.set(at.type, follow(at.type));
      const rest = inner.get(at.type);
      return rest ? rest(at.id) : false;
    };
    return this.judged(type, name, (values) => {
      const targets = this.leads(values).filter((at) => !wanted || at.type === wanted);
      return any(targets.filter((at) => this.types.has(at.type)).map(answer));
    });
  }

  /** What resources refer to that answer. */
  had(type, other, link, rest) {
    const sources = this.sources(other, link);
    return (id) => any((sources.get(`${type}/${id}`) ?? []).map((source) => rest(source)));
  }

  /** Which resources of a type refer by a parameter: `Type/id → ids`. */
  sources(other, link) {
    const key = `${other} ${link}`;
    if (!this.backwards.has(key)) {
      const sources = new Map();
      for (const { id } of this.types.get(other)?.resources ?? []) {
        for (const place of new Set(this.targets(other, link, id).map((at) => `${at.type}/${at.id}`))) {
          if (!sources.has(place)) sources.set(place, []);
          sources.get(place).push(id);
        }
      }
      this.backwards.set(key, sources);
    }
    return this.backwards.get(key);
  }

  leads(values) {
    return values.map(({ value }) => target(value.reference, this.client.base)).filter(Boolean);
  }

  /** Where the references of a resource lead. */
  targets(type, name, id) {
    return this.leads(this.values(type, name, id));
  }

  /** Parameters of a type that refer. */
  references(type) {
    return [...this.claims.get(type).parameters].filter(([, kind]) => kind === "reference").map(([name]) => name);
  }

  /** Whether a type offers the parameter that the rest of a chain starts with. */
  understands(type, rest) {
    const name = rest.startsWith("_has:") ? "_id" : /^[^.:]+/.exec(rest)[0];
    return this.claims.get(type)?.parameters.has(name) ?? false;
  }

  /** Ids of a type for which all of some answers are yes, and those for which the specification does not say. */
  select(type, answers) {
    const found = new Set();
    const doubtful = new Set();
    for (const { id } of this.types.get(type).resources) {
      const answer = all(answers.map((one) => one(id)));
      if (answer === true) found.add(id);
      if (answer === undefined) doubtful.add(id);
    }
    return { found, doubtful };
  }

  /** Ids that a search finds, and those that it may find. */
  search(type, pairs) {
    return this.select(type, pairs.map(([key, value]) => this.answers(type, key, value)));
  }
}

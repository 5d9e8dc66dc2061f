// Searches worth asking, made of values that occur: `{ sort, pairs }`, where `sort` names the rule that is tried.

import { components, parameters } from "./definitions.mjs";
import { belongs, ICD10 } from "./rules/hierarchy.mjs";
import { factor, UCUM } from "./rules/quantity.mjs";
import { target } from "./rules/reference.mjs";
import { escape, strings } from "./rules/text.mjs";
import { codes, texts } from "./rules/token.mjs";

const PREFIXES = ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

/** All sorts of questions about one parameter; `values` are samples, `other` what it must not find. */
export function* questions(world, dice, type, name, samples) {
  const kind = world.claims.get(type).parameters.get(name);
  const ask = (sort, value, modifier) => ({ sort: `${kind} ${sort}`, pairs: [[modifier ? `${name}:${modifier}` : name, value]] });
  if (!name.startsWith("_") && kind !== "composite") {
    yield ask(":missing=true", "true", "missing");
    yield ask(":missing=false", "false", "missing");
  }
  const own = { string: ofString, token: ofToken, date: ofDate, number: ofNumber, quantity: ofQuantity, reference: ofReference, uri: ofUri }[kind];
  if (kind === "composite") yield* ofComposite(world, dice, type, name, samples, ask);
  else yield* own(samples, dice, ask, { world, type, name });
}

function* ofString(samples, dice, ask) {
  const all = samples.flatMap(strings).filter((text) => text.trim());
  for (const text of all) {
    const letters = [...text];
    const at = dice.below(letters.length);
    const start = letters.slice(0, Math.max(1, Math.ceil(letters.length / 2))).join("");
    const middle = letters.slice(at, at + 3).join("");
    yield ask("whole", escape(text));
    yield ask("start", escape(start));
    yield ask("other case", escape(swap(start)));
    yield ask("without accents", escape(start.normalize("NFD").replace(/[\u0300-\u036f]/g, "")));
    yield ask("decomposed", escape(start.normalize("NFD")));
    if (middle.trim()) {
      yield ask("middle", escape(middle));
      yield ask(":contains", escape(middle), "contains");
      yield ask(":contains other case", escape(swap(middle)), "contains");
    }
    yield ask(":exact", escape(text), "exact");
    yield ask(":exact other case", escape(swap(text)), "exact");
    yield ask(":exact start", escape(start), "exact");
    yield ask("wildcard", escape(`${letters[0]}%`));
    yield ask("wildcard", escape(`_${letters.slice(1).join("")}`));
    yield ask("alternatives", `${escape(start)},${escape(dice.one(all))}`);
  }
  yield ask("nowhere", "zzqxj");
  yield ask(":contains nowhere", "zzqxj", "contains");
}

const swap = (text) => [...text].map((letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase())).join("");

function* ofToken(samples, dice, ask, { world, type: asked, name }) {
  if (name === "_id") return yield* ofId(samples, dice, ask);
  const all = samples.flatMap((sample) => codes(sample).map((code) => ({ ...code, type: sample.type })));
  for (const { system, systems, code, type } of all) {
    if (["code", "CodeableConcept", "Coding"].includes(type) && `${asked}.${name}` !== "CodeSystem.code") yield* ofSets(world, systems?.[0] ?? system, dice, ask);
    if (system === ICD10) yield* ofHierarchy(code, dice, ask);
    for (const implied of systems ?? []) {
      yield ask("implied system|code", `${escape(implied)}|${escape(code)}`);
      yield ask("wrong system of a code", `http://nowhere.example|${escape(code)}`);
    }
    const text = escape(code);
    yield ask("code", text);
    yield ask("other case", escape(swap(code)));
    if ([...code].length > 1) yield ask("start", escape([...code].slice(0, -1).join("")));
    yield ask(":not", text, "not");
    yield ask("alternatives", `${text},${escape(dice.one(all).code)}`);
    yield ask(":not alternatives", `${text},${escape(dice.one(all).code)}`, "not");
    if (system !== null) {
      yield ask("|code", `|${text}`);
      if (type !== "ContactPoint") yield ask("wrong system", `http://nowhere.example|${text}`);
    }
    if (system) {
      yield ask("system|code", `${escape(system)}|${text}`);
      yield ask("system|", `${escape(system)}|`);
      yield ask(":not system|code", `${escape(system)}|${text}`, "not");
    }
  }
  for (const text of samples.flatMap(texts)) {
    const start = [...text].slice(0, 5).join("");
    yield ask(":text", escape(start), "text");
    yield ask(":text other case", escape(swap(start)), "text");
  }
  for (const { value } of samples.filter((sample) => sample.type === "Identifier")) {
    for (const coding of value.type?.coding ?? []) {
      if (coding.code && value.value) {
        yield ask(":of-type", [coding.system ?? "", coding.code, value.value].map(escape).join("|"), "of-type");
        yield ask(":of-type nowhere", [coding.system ?? "", coding.code, "zzqxj"].map(escape).join("|"), "of-type");
      }
    }
  }
  yield ask("nowhere", "zzqxj");
  yield ask(":not nowhere", "zzqxj", "not");
  yield ask("system| nowhere", "http://nowhere.example|");
}

/** Value sets that are served or of the release. */
function* ofSets(world, system, dice, ask) {
  const sets = world.sets.of(system).filter((url) => world.sets.rule(url));
  for (const url of [...sets.slice(0, 1), ...dice.some(sets, 2)]) {
    yield ask(":in", escape(url), "in");
    yield ask(":not-in", escape(url), "not-in");
  }
  yield ask(":in another", "http://hl7.org/fhir/ValueSet/administrative-gender", "in");
}

function* ofHierarchy(code, dice, ask) {
  const [category] = /^[A-Z]\d[0-9A-Z]/.exec(code) ?? [];
  if (!category || !belongs(code, category)) return;
  for (const wanted of [category, code, `${category[0]}00-${category}`]) yield ask(":below", `${ICD10}|${wanted}`, "below");
  yield ask(":above", `${ICD10}|${code}`, "above");
  yield ask(":above deeper", `${ICD10}|${category}.9999`, "above");
}

function* ofId(samples, dice, ask) {
  const ids = samples.map((sample) => sample.value);
  for (const id of ids) {
    yield ask("_id", id);
    yield ask("_id alternatives", `${id},${dice.one(ids)},nowhere`);
  }
  yield ask("_id nowhere", "zzqxj");
}

function* ofDate(samples, dice, ask) {
  const written = samples.flatMap(({ value }) => (typeof value === "string" ? [value] : [value.start, value.end, ...(value.event ?? [])])).filter(Boolean);
  for (const text of written) {
    for (const prefix of PREFIXES) {
      for (const form of dice.some(forms(text), 2)) yield ask(prefix, prefix + form);
    }
    yield ask("none", dice.one(forms(text)));
    yield ask("alternatives", `${text.slice(0, 10)},${dice.one(written).slice(0, 7)}`);
  }
  yield ask("nowhere", "1801-01-01");
  yield ask("far", "gt9998");
  yield ask("far", "lt9998");
}

/** A date in less and in other words. */
function forms(text) {
  const all = [text, text.slice(0, 4), text.slice(0, 7), text.slice(0, 10)];
  const time = /T(\d\d:\d\d):(\d\d)/.exec(text);
  if (time) {
    all.push(`${text.slice(0, 10)}T${time[1]}`, `${text.slice(0, 10)}T${time[1]}:${time[2]}`, `${text.slice(0, 16)}Z`, `${text.slice(0, 19)}Z`);
    all.push(new Date(Date.parse(text) + 2 * 3_600_000).toISOString().slice(0, 19) + "+02:00");
    all.push(new Date(Date.parse(text) - 86_400_000).toISOString().slice(0, 10));
  } else {
    all.push(`${text.padEnd(7, "-01").slice(0, 7)}-15T00:00:00`, `${text.padEnd(7, "-01").slice(0, 7)}-01T12:00:00Z`);
  }
  return [...new Set(all.filter((form) => form.length >= 4))];
}

const literal = (value) => String(value);

/** A number in fewer and in more digits. */
function numbers(value) {
  const text = literal(value);
  const all = [text, text.includes(".") || /e/i.test(text) ? `${text}` : `${text}.0`];
  const number = Number(value);
  if (Number.isFinite(number)) all.push(number.toFixed(0), number.toFixed(1), (number + 0.5).toFixed(1), number.toExponential(1).replace("e+", "e"));
  return [...new Set(all)];
}

function* ofNumber(samples, dice, ask) {
  for (const { value } of samples.filter((sample) => typeof sample.value === "number")) {
    for (const prefix of PREFIXES) yield ask(prefix, prefix + dice.one(numbers(value)));
    yield ask("none", dice.one(numbers(value)));
  }
  yield ask("nowhere", "-987654");
}

function* ofQuantity(samples, dice, ask) {
  for (const { type, value } of samples) {
    if (value.value === undefined) continue;
    const [system, code] = type === "Money" ? ["urn:iso:std:iso:4217", value.currency] : [value.system, value.code];
    for (const prefix of PREFIXES) yield ask(prefix, prefix + dice.one(numbers(value.value)));
    yield ask("none", dice.one(numbers(value.value)));
    const number = literal(value.value);
    if (code) {
      yield ask("||code", `${number}||${escape(code)}`);
      yield ask("ge ||code", `ge${number}||${escape(code)}`);
      yield ask("||wrong code", `${number}||zzq`);
      if (system) {
        yield ask("|system|code", `${number}|${escape(system)}|${escape(code)}`);
        yield ask("le |system|code", `le${number}|${escape(system)}|${escape(code)}`);
        yield ask("|wrong system|code", `${number}|http://nowhere.example|${escape(code)}`);
      }
      if (system === UCUM) yield* converted(number, code, dice, ask);
    }
    if (value.unit && value.unit !== code) yield ask("||unit", `${number}||${escape(value.unit)}`);
  }
  yield ask("nowhere", "-987654");
}

const UNITS = ["kg", "g", "mg", "m", "cm", "mm", "[in_i]", "L", "mL", "dL", "mg/dL", "g/L", "g/dL", "mmol/L", "s", "min", "h", "d", "a", "mo", "mm[Hg]", "kPa", "1", "%", "/min", "10*3/uL", "10*9/L"];

function* converted(number, code, dice, ask) {
  const others = UNITS.filter((unit) => unit !== code && factor(code, unit) !== undefined);
  for (const unit of dice.some(others, 2)) {
    const there = Number(number) * factor(code, unit);
    const text = Number(there.toPrecision(4)).toString().replace("e+", "e");
    for (const prefix of ["", "ge", "lt"]) yield ask(`${prefix} converted`.trim(), `${prefix}${text}|${UCUM}|${escape(unit)}`);
  }
}

function* ofReference(samples, dice, ask, { world, type, name }) {
  const definition = parameters(type).get(name);
  for (const { type: datatype, value } of samples) {
    if (datatype !== "Reference") {
      yield ask("canonical", escape(value));
      yield ask("canonical nowhere", escape(`${value}x`));
      continue;
    }
    if (value.identifier?.value) {
      yield ask(":identifier", escape(value.identifier.value), "identifier");
      if (value.identifier.system) yield ask(":identifier", `${escape(value.identifier.system)}|${escape(value.identifier.value)}`, "identifier");
    }
    const at = target(value.reference, world.client.base);
    if (!at) continue;
    yield ask("id", at.id);
    yield ask("type/id", `${at.type}/${at.id}`);
    yield ask("url", `${world.client.base}/${at.type}/${at.id}`);
    yield ask("other server", `http://nowhere.example/fhir/${at.type}/${at.id}`);
    yield ask("other type", `${dice.one(["Basic", "Device", "Flag"].filter((other) => other !== at.type))}/${at.id}`);
    yield ask(":type=id", at.id, at.type);
    if (definition.target?.length > 1) yield ask("alternatives", `${at.type}/${at.id},${dice.one(samples).value.reference ?? "nowhere"}`);
    const there = world.resource(at);
    const identifiers = there && world.claims.get(at.type).parameters.has("identifier") ? [there.identifier ?? []].flat() : [];
    for (const { system, value: text } of identifiers.filter((one) => one.value)) {
      yield ask(":identifier", escape(text), "identifier");
      if (system) yield ask(":identifier system|value", `${escape(system)}|${escape(text)}`, "identifier");
    }
  }
  yield ask("nowhere", "Patient/999999999");
  yield ask("nowhere id", "zzqxj");
}

function* ofUri(samples, dice, ask, { name }) {
  for (const { value } of samples) {
    if (/^https?:/.test(value) && !name.startsWith("_")) {
      const parent = value.slice(0, value.lastIndexOf("/"));
      for (const wanted of [value, parent, parent.slice(0, -1)]) yield ask(":below", escape(wanted), "below");
      for (const wanted of [value, `${value}/x/y`, `${value}x`]) yield ask(":above", escape(wanted), "above");
    }
    yield ask("uri", escape(value));
    yield ask("start", escape(value.slice(0, -1)));
    yield ask("other case", escape(swap(value)));
  }
  yield ask("nowhere", "http://nowhere.example/x");
}

function* ofComposite(world, dice, type, name, samples, ask) {
  const kinds = components(parameters(type).get(name)).map((component) => component.definition.type);
  const first = (kind, values, wide) => {
    const value = dice.one(values);
    if (kind === "token") {
      const code = dice.one(codes(value));
      return code && (code.system && !wide ? `${escape(code.system)}|${escape(code.code)}` : escape(code.code));
    }
    if (kind === "quantity") return value.value.value === undefined ? undefined : `${wide ? "ge" : ""}${value.value.value}`;
    if (kind === "string") return escape([...dice.one(strings(value))].slice(0, 6).join(""));
    if (kind === "date") return `${wide ? "ge" : ""}${(value.value.start ?? value.value).slice(0, 10)}`;
    if (kind === "reference") return value.value.reference;
    return String(value.value);
  };
  const nowhere = { quantity: "-987654", number: "-987654", date: "1801-01-01" };
  yield ask("nowhere", kinds.map((kind) => nowhere[kind] ?? "zzqxj").join("$"));
  for (const tuple of samples) {
    if (tuple.some((values) => values.length === 0)) continue;
    for (const wide of [false, true]) {
      const parts = tuple.map((values, index) => first(kinds[index], values, wide));
      if (parts.every((part) => part !== undefined)) yield ask(wide ? "parts, wide" : "parts", parts.join("$"));
    }
    const mixed = tuple.map((_, index) => {
      const other = dice.one(samples)[index];
      return other.length ? first(kinds[index], other, false) : undefined;
    });
    if (mixed.every((part) => part !== undefined)) yield ask("parts of others", mixed.join("$"));
  }
}

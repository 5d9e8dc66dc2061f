// What is in a value set: https://hl7.org/fhir/R4/valueset.html#compose

import { bindings, file } from "../release.mjs";

/** Codes: larger sets of the release are not carried (src/fhir/r4/codes.tsv). */
const LARGEST = 700;

const FILES = ["valuesets", "v3-codesystems", "v2-tables"];

/** Resources of the release by their URL. */
let release;
function found(kind, url) {
  if (!release) {
    release = new Map();
    for (const name of FILES) for (const one of file(name)) release.set(`${one.resourceType} ${one.url}`, one);
  }
  return release.get(`${kind} ${plain(url)}`);
}

const plain = (url) => url.split("|")[0];

/** The systems that a value set of the release includes. */
export function included(url) {
  const set = found("ValueSet", url);
  if (!set) return undefined;
  const parts = (set.compose?.include ?? []).map((include) => (include.system ? [include.system] : (include.valueSet ?? []).map(included).flat()));
  const all = parts.flat();
  return all.includes(undefined) ? undefined : [...new Set(all)];
}

/** Codes of a code system that is complete, with those that each belongs to. */
function concepts(system) {
  if (system?.content !== "complete") return undefined;
  const all = new Map();
  const walk = (list, above) => {
    for (const { code, concept = [], property = [] } of list) {
      const parents = property.filter((one) => ["subsumedBy", "parent"].includes(one.code)).map((one) => one.valueCode ?? one.valueString);
      all.set(code, [...above.slice(-1), ...parents]);
      walk(concept, [...above, code]);
    }
  };
  walk(system.concept ?? [], []);
  return all;
}

function belongs(all, code, to, seen = new Set()) {
  if (code === to) return true;
  if (seen.has(code)) return false;
  seen.add(code);
  return (all.get(code) ?? []).some((parent) => belongs(all, parent, to, seen));
}

/** What an include says of a code: `(system, code) → yes or no`; `undefined` when it cannot be told here. */
function part(include, find, codes, whole) {
  const inner = (include.valueSet ?? []).map((url) => rule(find(url), find, codes, whole));
  if (inner.includes(undefined)) return undefined;
  let own = () => true;
  if (include.system) {
    const all = codes(include.system);
    if (include.concept) {
      const listed = new Set(include.concept.map(({ code }) => code));
      own = (system, code) => system === include.system && listed.has(code);
    } else if (include.filter) {
      if (!all || include.filter.some(({ property, op }) => !["concept", "code"].includes(property) || op !== "is-a")) return undefined;
      own = (system, code) => system === include.system && all.has(code) && include.filter.every(({ value }) => belongs(all, code, value));
    } else {
      if (!all && !whole) return undefined;
      own = (system, code) => system === include.system && (!all || all.has(code));
    }
  }
  return (system, code) => own(system, code) && inner.every((one) => one(system, code));
}

function rule(set, find, codes, whole) {
  if (!set?.compose) return undefined;
  const [include, exclude] = [set.compose.include ?? [], set.compose.exclude ?? []].map((list) => list.map((one) => part(one, find, codes, whole)));
  if (include.includes(undefined) || exclude.includes(undefined)) return undefined;
  return (system, code) => include.some((one) => one(system, code)) && !exclude.some((one) => one(system, code));
}

/** How many codes a value set lists; none with a catalogue that is not free to pass on. */
function size(set, find, codes) {
  const sizes = (set?.compose?.include ?? []).map((include) => {
    if (include.system === "http://snomed.info/sct") return Infinity;
    const own = include.concept?.length ?? (include.system ? (codes(include.system)?.size ?? Infinity) : 0);
    return own + (include.valueSet ?? []).reduce((sum, url) => sum + size(find(url), find, codes), 0);
  });
  return sizes.reduce((sum, one) => sum + one, 0);
}

/** Value sets by URL: those that a server has, and those of the release. */
export function served(sets, systems) {
  const own = new Map(sets.map((set) => [set.url, set]));
  const known = new Map(systems.map((system) => [system.url, system]));
  const memory = new Map();
  const codes = (url) => {
    if (!memory.has(url)) memory.set(url, concepts(known.get(url) ?? found("CodeSystem", url)));
    return memory.get(url);
  };
  const find = (url) => own.get(plain(url)) ?? found("ValueSet", url);
  const rules = new Map();
  return {
    /** Whether a code is in it; `undefined` when this cannot tell. */
    rule(url) {
      // A server may include a system whose codes nobody lists; of the release only what can be listed is told.
      if (!rules.has(url)) rules.set(url, rule(find(url), find, codes, own.has(plain(url))));
      return rules.get(url);
    },
    /** Value sets that include a system, those of the server first. */
    of(system) {
      const takes = ({ compose }) => compose?.include?.some((include) => include.system === system);
      const mine = [...own].filter(([, set]) => takes(set)).map(([url]) => url);
      return [...mine, ...(bySystem().get(system) ?? []).filter((url) => bindings().has(url) && size(find(url), find, codes) <= LARGEST)];
    },
  };
}

/** Value sets of the release by the systems that they include. */
let including;
function bySystem() {
  if (!including) {
    including = new Map();
    found("ValueSet", "");
    for (const [key, set] of release) {
      if (!key.startsWith("ValueSet ")) continue;
      for (const system of new Set(included(set.url) ?? [])) including.set(system, [...(including.get(system) ?? []), set.url]);
    }
  }
  return including;
}

// https://hl7.org/fhir/R4/search.html#quantity

import { createRequire } from "node:module";

import { decimal, half, number, prefixed } from "./decimal.mjs";
import { split, unescape } from "./text.mjs";

const require = createRequire(`${process.env.ORACLE_MODULES}/package.json`);
const ucum = require("@lhncbc/ucum-lhc").UcumLhcUtils.getInstance();

export const UCUM = "http://unitsofmeasure.org";

/** How many of `to` one of `from` is; `undefined` when they measure something else. */
const factors = new Map();
export function factor(from, to) {
  if (from === to) return 1;
  const key = `${from} ${to}`;
  if (!factors.has(key)) {
    const at = (value) => {
      const result = ucum.convertUnitTo(from, value, to);
      return result.status === "succeeded" ? result.toVal : undefined;
    };
    // Degrees and the like are not proportional.
    const [none, one] = [at(0), at(1)];
    factors.set(key, none === 0 && one !== undefined ? one : undefined);
  }
  return factors.get(key);
}

const text = (value) => String(value);

/** `{ number, system, code, unit }` of Quantity and its like, and of Money. */
function measured({ type, value }) {
  if (value.value === undefined) return undefined;
  const found = decimal(text(value.value));
  if (type === "Money") return { number: found, system: "urn:iso:std:iso:4217", code: value.currency, unit: value.currency };
  return { number: found, system: value.system, code: value.code, unit: value.unit };
}

export function quantity(values, wanted, units) {
  const [literal, system = "", code = ""] = split(wanted, "|", 3).map(unescape);
  const [prefix, digits] = prefixed(literal);
  const value = decimal(digits);
  let doubt = false;
  for (const found of values.map(measured).filter(Boolean)) {
    const same = code === "" || (system === "" ? [found.code, found.unit].includes(code) : found.system === system && found.code === code);
    let answer = same && number(found.number, prefix, value);
    if (!same && units && system === UCUM && found.system === UCUM && found.code) {
      answer = converted(found, prefix, value, code);
    }
    if (answer === true) return true;
    doubt ||= answer === undefined;
  }
  return doubt ? undefined : false;
}

/** In another unit of the same dimension. Factors are floats: what lies within a billionth of an edge is not judged. */
function converted(found, prefix, wanted, code) {
  const times = factor(found.code, code);
  if (times === undefined) return false;
  const value = (Number(found.number.digits) / 10 ** found.number.scale) * times;
  const near = (bump) => number(decimal(fixed(value * (1 + bump))), prefix, wanted, half(wanted));
  const [below, above] = [near(-1e-9), near(1e-9)];
  return below === above ? below : undefined;
}

const fixed = (value) => value.toExponential(15);

export function numeric(values, wanted) {
  const [prefix, digits] = prefixed(wanted);
  // How a Range answers is not said.
  const answers = values.map(({ value }) => (typeof value === "object" ? undefined : number(decimal(text(value)), prefix, decimal(digits))));
  return answers.includes(true) ? true : answers.includes(undefined) ? undefined : false;
}

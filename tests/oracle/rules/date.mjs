// Half-open ranges of time, in microseconds: https://hl7.org/fhir/R4/search.html#date

import { prefixed } from "./decimal.mjs";

const FORM = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;
const SECOND = 1_000_000n;

/** Minutes that a zone is ahead of UTC at an instant (milliseconds). */
function offset(zone, at) {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", era: "short",
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  }).formatToParts(at);
  const of = (name) => Number(parts.find((part) => part.type === name).value);
  const local = utc(of("year"), of("month"), of("day"), of("hour"), of("minute"), of("second"));
  return local - Math.floor(at / 1000) * 1000;
}

function utc(year, month, day, hour = 0, minute = 0, second = 0) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return date.getTime();
}

/** Milliseconds of a local time. */
function local(zone, at) {
  const first = at - offset(zone, at);
  return at - offset(zone, first);
}

const cache = new Map();

/** `{ low, high, point }` of a date as written; a time is a point when `point` is asked for. */
export function range(text, zone) {
  const key = `${zone} ${text}`;
  if (!cache.has(key)) cache.set(key, compute(text, zone));
  return cache.get(key);
}

function compute(text, zone) {
  const match = FORM.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction, shift] = match;
  const number = (part, other) => (part === undefined ? other : Number(part));
  const start = [number(year), number(month, 1), number(day, 1)];
  if (hour === undefined) {
    const end = day ? [start[0], start[1], start[2] + 1] : month ? [start[0], start[1] + 1, 1] : [start[0] + 1, 1, 1];
    const at = (date) => BigInt(local(zone, utc(...date))) * 1000n;
    return { low: at(start), high: at(end), point: false };
  }
  const plain = utc(...start, number(hour), number(minute), number(second, 0));
  let instant = plain;
  if (shift === undefined) instant = local(zone, plain);
  else if (shift !== "Z") {
    const minutes = Number(shift.slice(1, 3)) * 60 + Number(shift.slice(4));
    instant = plain - (shift[0] === "-" ? -1 : 1) * minutes * 60_000;
  }
  const digits = (fraction ?? "").slice(0, 6);
  const low = BigInt(instant) * 1000n + BigInt(digits.padEnd(6, "0"));
  const width = fraction === undefined ? (second === undefined ? 60n * SECOND : SECOND) : 10n ** BigInt(6 - digits.length);
  return { low, high: low + width, point: true };
}

const PAST = -(10n ** 30n);
const FUTURE = 10n ** 30n;

/** The range of an element: a day is as wide as it is written, a time is a point, a Period is open where it has no end. */
export function spans({ type, value }, zone) {
  const one = (text) => {
    const found = range(text, zone);
    return found.point ? { low: found.low, high: found.low, point: true } : found;
  };
  if (typeof value === "string") return range(value, zone) ? [one(value)] : [];
  if (type === "Period") {
    if (!value.start && !value.end) return [];
    return [{ low: value.start ? one(value.start).low : PAST, high: value.end ? one(value.end).high : FUTURE, point: false }];
  }
  if (type === "Timing") {
    const events = (value.event ?? []).map(one);
    const bounds = value.repeat?.boundsPeriod;
    return bounds ? [...events, ...spans({ type: "Period", value: bounds }, zone)] : events;
  }
  return [];
}

/** Whether a span answers; `undefined` where the specification leaves it to the server. */
function answers({ low, high, point }, prefix, wanted, now) {
  // A point is inside what it starts; it is above what ends with it.
  const inside = point ? low >= wanted.low && low < wanted.high : low >= wanted.low && high <= wanted.high;
  const above = point ? low >= wanted.high : high > wanted.high;
  const below = low < wanted.low;
  switch (prefix) {
    case "eq":
      return inside;
    case "ne":
      return !inside;
    case "gt":
      return above;
    case "lt":
      return below;
    case "ge":
      return above || inside;
    case "le":
      return below || inside;
    case "sa":
      return low >= wanted.high;
    case "eb":
      return point ? low < wanted.low : high <= wanted.low;
    default: {
      const distance = now > wanted.low ? now - wanted.low : wanted.low - now;
      const meets = (part, slack) => {
        const widened = { low: wanted.low - (distance * part) / 100n - slack, high: wanted.high + (distance * part) / 100n + slack };
        return low < widened.high && (point ? low >= widened.low : high > widened.low);
      };
      return meets(9n, 0n) ? true : meets(11n, 86_400n * SECOND) ? undefined : false;
    }
  }
}

export function date(values, wanted, zone, now = BigInt(Date.now()) * 1000n) {
  const [prefix, text] = prefixed(wanted);
  const value = range(text, zone);
  const found = values.flatMap((one) => spans(one, zone)).map((span) => answers(span, prefix, value, now));
  return found.includes(true) ? true : found.includes(undefined) ? undefined : false;
}

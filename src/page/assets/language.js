// The language of the page: its words, and how dates and numbers are written in it.

import { english } from "./english.js";
import { spanish } from "./spanish.js";

const LANGUAGES = { en: english, es: spanish };
const KEPT = "gnuhealth-fhir.language";

const kept = () => {
  try { return localStorage.getItem(KEPT); } catch { return null; }
};

const wanted = () => [kept(), ...(navigator.languages ?? [navigator.language])].filter(Boolean);

const choose = () => wanted().map((tag) => tag.split("-")[0].toLowerCase()).find((tag) => tag in LANGUAGES) ?? "en";

let language = choose();

/** Its tag with the region that the browser names, for dates and numbers. */
const locale = () => (navigator.languages ?? []).find((tag) => tag.split("-")[0].toLowerCase() === language) ?? language;

export const current = () => language;
export const names = { en: "English", es: "Español" };

export function speak(tag) {
  language = tag in LANGUAGES ? tag : "en";
  try { localStorage.setItem(KEPT, language); } catch { /* it holds until the page is left */ }
}

/** The words of a key, with `{name}` replaced. */
export function t(key, values = {}) {
  const words = LANGUAGES[language][key] ?? english[key];
  if (words === undefined) return key;
  return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** The word of a code of FHIR, or the code itself. */
export function word(group, code) {
  const key = `${group}.${code}`;
  return LANGUAGES[language][key] ?? english[key] ?? code;
}

export const number = (value, digits = 3) => new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);

export const counted = (key, count) => {
  const form = new Intl.PluralRules(language).select(count);
  return t(`${key}.${form === "one" ? "one" : "other"}`, { count: number(count) });
};

/** The beginning of a day in UTC; `Date.UTC` would take the years up to 99 for those of 1900. */
function midnight(year, month, day = 1) {
  const at = new Date(0);
  at.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return at;
}

/** A date or time of FHIR, as exact as it is. */
export function date(text, { time = true } = {}) {
  if (!text) return "";
  const parts = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(T.*)?$/.exec(text);
  if (!parts) return text;
  const [, year, month, day, clock] = parts;
  if (clock) {
    const style = time ? { dateStyle: "medium", timeStyle: "short" } : { dateStyle: "medium" };
    return new Intl.DateTimeFormat(locale(), style).format(new Date(text));
  }
  if (!month) return year;
  const at = midnight(year, month, day);
  const style = day ? { dateStyle: "medium" } : { year: "numeric", month: "short" };
  return new Intl.DateTimeFormat(locale(), { ...style, timeZone: "UTC" }).format(at);
}

/** A day on an axis. */
export const tick = (at, style) => new Intl.DateTimeFormat(locale(), style).format(at);

/** Age in the unit that clinicians use for it. */
export function age(born, until = new Date()) {
  const { years, months, days } = lived(born, until);
  if (years >= 3) return counted("age.years", years);
  const whole = years * 12 + months;
  return whole >= 2 ? counted("age.months", whole) : counted("age.days", days);
}

/** Whole years, the months beyond them, and all days, from a date of FHIR on. */
export function lived(born, until = new Date()) {
  const [year, month = 1, day = 1] = born.split("T")[0].split("-").map(Number);
  let months = (until.getFullYear() - year) * 12 + until.getMonth() + 1 - month;
  if (until.getDate() < day) months -= 1;
  const days = Math.floor((midnight(until.getFullYear(), until.getMonth() + 1, until.getDate()) - midnight(year, month, day)) / 86400000);
  return { years: Math.floor(months / 12), months: ((months % 12) + 12) % 12, days };
}

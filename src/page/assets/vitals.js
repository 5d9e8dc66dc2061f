// Vital signs over time, and how a child grows.

import { h } from "./dom.js";
import { quantity, unit, when } from "./fhir.js";
import { date, lived, number, t } from "./language.js";
import { figure, plot } from "./plot.js";
import { rawButton } from "./raw.js";

/** LOINC codes with names of ours, in the order in which they are shown. */
const NAMED = ["85354-9", "8867-4", "9279-1", "8310-5", "2708-6", "59408-5", "29463-7", "8302-2", "39156-5", "9843-4", "2339-0", "9269-2"];
const [SYSTOLIC, DIASTOLIC] = ["8480-6", "8462-4"];
/** What grows with a child. */
const GROWTH = ["29463-7", "8302-2", "39156-5", "9843-4"];
/** Years up to which somebody is shown as a child: the WHO's references end there. */
const CHILD = 19;

const codeOf = (item) => item.code?.coding?.[0]?.code ?? item.code?.text ?? "";
const nameOf = (code, observation) => (NAMED.includes(code) ? t(`loinc.${code}`) : observation.code?.text ?? observation.code?.coding?.[0]?.display ?? code);

/** Observations by code, those with a name of ours first. */
function grouped(observations) {
  const groups = new Map();
  for (const observation of observations) {
    const code = codeOf(observation);
    if (!groups.has(code)) groups.set(code, []);
    groups.get(code).push(observation);
  }
  const place = (code) => { const at = NAMED.indexOf(code); return at < 0 ? NAMED.length : at; };
  return [...groups].sort(([one], [other]) => place(one) - place(other));
}

const component = (observation, code) => observation.component?.find((part) => codeOf(part) === code)?.valueQuantity;

/** The numbers of an Observation, in the order of the series. */
function numbers(observation) {
  if (codeOf(observation) === "85354-9") return [component(observation, SYSTOLIC), component(observation, DIASTOLIC)];
  return [observation.valueQuantity];
}

function shown(observation) {
  const parts = numbers(observation);
  if (parts.length === 1) return quantity(parts[0]);
  const text = parts.map((part) => (part?.value === undefined ? "–" : number(part.value))).join("/");
  return `${text}\u00a0${unit(parts.find(Boolean))}`;
}

const isKnown = (observation) => when(observation) && numbers(observation).some((part) => part?.value !== undefined);

function drawn(code, observations, { at, axis, label }) {
  const known = observations.filter(isKnown).sort((one, other) => when(one).localeCompare(when(other)));
  if (known.length === 0) return null;
  const heading = nameOf(code, known[0]);
  const latest = known.at(-1);
  const series = numbers(latest).map((_, index) => ({
    points: known.filter((observation) => numbers(observation)[index]?.value !== undefined)
      .map((observation) => ({ x: at(observation), y: numbers(observation)[index].value, text: `${shown(observation)}, ${date(when(observation))}` })),
  })).filter((one) => one.points.length > 0);
  const title = t("plot.title", { heading, count: number(known.length), value: shown(latest), when: date(when(latest)) });
  return figure({
    heading,
    latest: { value: shown(latest), when: date(when(latest), { time: false }) },
    names: series.length > 1 ? [t("systolic"), t("diastolic")] : null,
    picture: plot({ title, series, across: axis }),
    columns: [t("date"), ...(label ? [t("patient.age")] : []), t("value"), "FHIR"],
    rows: known.slice().reverse().map((observation) => h("tr", {},
      h("td", {}, date(when(observation))), label && h("td", {}, label(observation)), h("td", {}, shown(observation)), h("td", {}, rawButton(observation, heading)))),
  });
}

/** The vital signs as pictures. */
export function vitals(observations) {
  const pictures = grouped(observations).map(([code, group]) => drawn(code, group, { at: (item) => new Date(when(item)).getTime() }));
  const figures = pictures.filter(Boolean);
  return figures.length ? h("div", { class: "figures" }, figures) : null;
}

export const isChild = (patient) => Boolean(patient.birthDate) && lived(patient.birthDate).years < CHILD;

/** Weight, height and the like over the age of a child. */
export function growth(patient, observations) {
  const born = new Date(patient.birthDate).getTime();
  const year = 365.25 * 86400000;
  const at = (item) => (new Date(when(item)).getTime() - born) / year;
  const relevant = observations.filter((item) => GROWTH.includes(codeOf(item)) && isKnown(item) && at(item) >= -0.01 && at(item) < CHILD + 1);
  if (relevant.length === 0) return null;
  const oldest = Math.max(...relevant.map(at));
  const inMonths = oldest < 2;
  const end = inMonths ? Math.max(3, Math.ceil((oldest * 12) / 3) * 3) / 12 : Math.ceil(oldest + 0.01);
  const step = inMonths ? (end > 1 ? 6 : 3) / 12 : Math.max(1, Math.ceil(end / 6));
  const ticks = [];
  for (let place = 0; place <= end + 1e-9; place += step) {
    ticks.push([place, t(inMonths ? "axis.months" : "axis.years", { count: number(inMonths ? Math.round(place * 12) : place) })]);
  }
  const label = (item) => {
    const { years, months } = lived(patient.birthDate, new Date(when(item)));
    return t("age.exact", { years: number(years), months: number(months) });
  };
  const figures = GROWTH.map((code) => [code, relevant.filter((item) => codeOf(item) === code)])
    .map(([code, group]) => drawn(code, group, { at, axis: { range: [0, end], ticks }, label })).filter(Boolean);
  return [h("p", { class: "aside" }, t("growth.note")), h("div", { class: "figures" }, figures)];
}


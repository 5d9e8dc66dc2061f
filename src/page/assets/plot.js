// Values over time or age, drawn as SVG. The same values stand in a table, for who does not see the picture.

import { h, s, unique } from "./dom.js";
import { number, t, tick } from "./language.js";

const [WIDTH, HEIGHT] = [360, 170];
const EDGE = { left: 40, right: 12, top: 10, bottom: 24 };

/** Round values that divide a span into about `count` parts. */
function steps(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough - power * 1e-9);
  const first = Math.floor(low / step + 1e-9) * step;
  const values = [];
  for (let value = first; value < high + step * (1 - 1e-9); value += step) values.push(Number(value.toPrecision(12)));
  return values;
}

const DAY = 86400000;

/** Days on the time axis, and how they are written. */
function days(low, high) {
  const span = (high - low) / DAY;
  const style = span > 1500 ? { year: "numeric" } : span > 60 ? { year: "numeric", month: "short" } : span > 1 ? { day: "numeric", month: "short" } : { hour: "numeric", minute: "2-digit" };
  const count = Math.min(3, Math.max(1, Math.floor(span > 1500 ? span / 366 : 3)));
  const seen = new Set();
  const values = [];
  for (let place = 0; place <= count; place++) {
    let at = low + ((high - low) * place) / count;
    if (span > 1500) at = Math.min(Math.max(new Date(new Date(at).getFullYear(), 0, 1).getTime(), low), high);
    const text = tick(new Date(at), style);
    if (!seen.has(text)) { seen.add(text); values.push([at, text]); }
  }
  return values;
}

/** How far apart labels below the axis must be. */
const APART = 66;

/**
 * A picture of one or two series `{ name, points: [{ x, y, text }] }`. `x` is a time in milliseconds, or a number with
 * `across` giving its axis `{ range, ticks: [[value, text]] }`.
 */
export function plot({ title, series, across }) {
  const all = series.flatMap((one) => one.points);
  let [left, right] = [Math.min(...all.map((point) => point.x)), Math.max(...all.map((point) => point.x))];
  if (left === right) { const room = across ? 0.5 : DAY * 15; left -= room; right += room; }
  if (across) [left, right] = across.range;
  const values = all.map((point) => point.y);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (low === high) { const room = Math.abs(low) * 0.1 || 1; low -= room; high += room; }
  const lines = steps(low, high, 4);
  [low, high] = [lines[0], lines.at(-1)];
  const x = (value) => EDGE.left + ((value - left) / (right - left)) * (WIDTH - EDGE.left - EDGE.right);
  const y = (value) => HEIGHT - EDGE.bottom - ((value - low) / (high - low)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const marks = across ? across.ticks : days(left, right);
  let last = -Infinity;
  const shown = marks.filter(([at]) => { const place = x(at); if (place - last < APART) return false; last = place; return true; });
  const id = unique("plot");
  return s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-labelledby": id, class: "plot" },
    s("title", { id }, title),
    lines.map((value) => [
      s("line", { class: "grid", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(value), y2: y(value) }),
      s("text", { class: "label", x: EDGE.left - 6, y: y(value) + 3.5, "text-anchor": "end" }, number(value)),
    ]),
    shown.map(([at, text]) => {
      const place = x(at);
      const anchor = place > WIDTH - 36 ? "end" : place < EDGE.left + 14 ? "start" : "middle";
      return s("text", { class: "label", x: place, y: HEIGHT - 7, "text-anchor": anchor }, text);
    }),
    series.map((one, index) => {
      const points = [...one.points].sort((a, b) => a.x - b.x);
      return s("g", { class: `series-${index + 1}` },
        points.length > 1 && s("polyline", { class: "line", points: points.map((point) => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`).join(" ") }),
        points.map((point) => s("circle", { class: "dot", cx: x(point.x).toFixed(1), cy: y(point.y).toFixed(1), r: 3.2 }, s("title", {}, point.text))));
    }));
}

/** A picture with its heading, its newest value, and its values as a table that can be opened. */
export function figure({ heading, latest, picture, names, columns, rows }) {
  return h("figure", { class: "figure" },
    h("figcaption", {}, h("span", { class: "what" }, heading), latest && h("span", { class: "latest" }, h("strong", {}, latest.value), " ", h("span", { class: "soft" }, latest.when))),
    names && h("p", { class: "legend" }, names.map((name, index) => h("span", { class: `key-${index + 1}` }, name))),
    picture,
    h("details", {}, h("summary", {}, t("plot.values"), h("span", { class: "unseen" }, ` – ${heading}`)),
      h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": heading },
        h("table", {}, h("thead", {}, h("tr", {}, columns.map((text) => h("th", { scope: "col" }, text)))),
          h("tbody", {}, rows)))));
}

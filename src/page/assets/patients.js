// The patients, and searching among them while typing.

import { announce, debounced, h } from "./dom.js";
import { identifier, isRedacted, matches, patientName } from "./fhir.js";
import { age, counted, date, t, word } from "./language.js";
import { problem } from "./problem.js";
import { rawButton } from "./raw.js";
import { follow, link, search } from "./server.js";

const COUNT = "25";
/** Long enough for the next letter, short enough not to be noticed. */
const PAUSE = 200;

/** What is typed, as a search: words are names, dates the birth date, what has other digits an identifier. */
function asked(text) {
  const parameters = [["_count", COUNT], ["_sort", "family,given"]];
  for (const part of text.trim().split(/\s+/).filter(Boolean)) {
    if (/^\d{4}(-\d\d(-\d\d)?)?$/.test(part)) parameters.push(["birthdate", part]);
    else if (/\d/.test(part)) parameters.push(["identifier", part.toUpperCase()]);
    else parameters.push(["name", part.replace(/[\\,$|]/g, "\\$&")]);
  }
  return parameters;
}

function row(patient) {
  const name = patientName(patient);
  const cell = (label, ...content) => h("td", { "data-label": label }, ...content);
  return h("tr", {},
    h("th", { scope: "row" },
      h("a", { dir: "auto", href: `#/patient/${encodeURIComponent(patient.id)}` }, name),
      (patient.deceasedBoolean || patient.deceasedDateTime) && [" ", h("span", { class: "tag" }, t("patient.deceased"))],
      patient.active === false && [" ", h("span", { class: "tag" }, t("patient.inactive"))],
      isRedacted(patient) && [" ", h("span", { class: "tag shut" }, t("redacted"))]),
    cell(t("patient.gender"), word("gender", patient.gender ?? "")),
    cell(t("patient.birthDate"), date(patient.birthDate)),
    cell(t("patient.age"), patient.birthDate && !patient.deceasedDateTime ? age(patient.birthDate) : ""),
    cell(t("patient.identifier"), identifier(patient)),
    h("td", { class: "end" }, rawButton(patient, name)));
}

/** What was typed and found last, for whoever comes back from a chart; gone with the page. */
export function patientsView({ signal }) {
  let running = new AbortController();
  signal.addEventListener("abort", () => running.abort());
  const box = h("input", { id: "search", type: "search", autocomplete: "off", spellcheck: "false", "aria-describedby": "search-hint", autofocus: true });
  const results = h("div", { class: "results", "aria-busy": "true" });
  const pages = h("nav", { class: "pages", "aria-label": t("pages") });

  async function find(ask, { move = false } = {}) {
    running.abort();
    running = new AbortController();
    const mine = running.signal;
    results.setAttribute("aria-busy", "true");
    try {
      show(await ask(mine));
      if (move) { results.focus(); scrollTo(0, 0); }
    } catch (error) {
      if (error.name === "AbortError") return;
      results.replaceChildren(problem(error, () => find(ask)));
      pages.replaceChildren();
    } finally {
      if (!mine.aborted) results.removeAttribute("aria-busy");
    }
  }

  function show(bundle) {
    const found = matches(bundle);
    const more = link(bundle, "next");
    if (found.length === 0) {
      results.replaceChildren(h("p", { class: "soft none" }, t("patients.none")));
    } else {
      const heads = ["patient.name", "patient.gender", "patient.birthDate", "patient.age", "patient.identifier"];
      results.replaceChildren(h("table", { class: "list" },
        h("caption", { class: "unseen" }, t("place.patients")),
        h("thead", {}, h("tr", {}, heads.map((key) => h("th", { scope: "col" }, t(key))), h("th", { scope: "col" }, h("span", { class: "unseen" }, "FHIR")))),
        h("tbody", {}, found.map(row))));
    }
    const step = (relation, key) => {
      const to = link(bundle, relation);
      return h("button", { type: "button", class: "quiet", disabled: !to, on: { click: () => find((mine) => follow("Patient", to, mine), { move: true }) } }, t(key));
    };
    pages.replaceChildren(...(more || link(bundle, "previous") ? [step("previous", "pages.previous"), step("next", "pages.next")] : []));
    announce(`${counted("patients.found", found.length)}${more ? ` ${t("pages.more")}` : ""}`);
  }

  const start = () => find((mine) => search("Patient", asked(box.value), mine));
  const typed = debounced(PAUSE, () => { if (!signal.aborted) start(); });
  box.addEventListener("input", typed);
  results.tabIndex = -1;
  start();
  return h("section", { "aria-labelledby": "heading" },
    h("h1", { id: "heading" }, t("place.patients")),
    h("form", { role: "search", class: "search", on: { submit: (event) => { event.preventDefault(); start(); } } },
      h("label", { for: "search" }, t("patients.search")), box,
      h("p", { id: "search-hint", class: "soft" }, t("patients.hint"))),
    results, pages);
}

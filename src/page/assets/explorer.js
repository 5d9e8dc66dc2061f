// Asking FHIR: types, parameters and what they take are what the server says of itself.

import { announce, h, unique } from "./dom.js";
import * as fhir from "./fhir.js";
import { counted, date, t, word } from "./language.js";
import { capabilities } from "./known.js";
import { problem } from "./problem.js";
import { rawButton, showRaw } from "./raw.js";
import { address, follow, link, search } from "./server.js";

/** Parameters of the result that every type has. */
const RESULT = [
  { name: "_sort", type: "sort" },
  { name: "_count", type: "number" },
  { name: "_total", type: "total" },
  { name: "_include", type: "include" },
  { name: "_revinclude", type: "include" },
  { name: "_summary", type: "summary" },
  { name: "_elements", type: "elements" },
];

const EXAMPLES = {
  date: "ge2024-01-01", token: "http://loinc.org|8867-4", string: "ana", reference: "Patient/1", quantity: "gt5.4|http://unitsofmeasure.org|mg/dL",
  number: "20", uri: "urn:oid:1.2.3", composite: "a$b", special: "…", sort: "-date", total: "accurate", include: "Observation:subject", summary: "count", elements: "id,code",
};

/** A few words about a resource, for its line. */
function gist(resource) {
  const words = [
    resource.resourceType === "Patient" || resource.resourceType === "Person" || resource.resourceType === "Practitioner" ? fhir.human(resource.name?.[0]) : typeof resource.name === "string" ? resource.name : "",
    fhir.concept(resource.code ?? resource.vaccineCode ?? resource.medicationCodeableConcept ?? resource.type?.[0]),
    fhir.value(resource),
    typeof resource.status === "string" ? resource.status : "",
    date(fhir.when(resource) ?? resource.period?.start ?? resource.date ?? resource.recordedDate ?? resource.birthDate ?? resource.authoredOn),
    resource.issue?.[0]?.diagnostics,
  ];
  return words.filter((text) => typeof text === "string" && text).join(" · ");
}

export function explorerView({ signal }) {
  const view = h("section", { "aria-labelledby": "heading" }, h("h1", { id: "heading" }, t("place.explore")), h("p", { class: "lead" }, t("explore.lead")), h("p", { class: "soft" }, t("loading")));
  capabilities().then((found) => { if (!signal.aborted) view.lastChild.replaceWith(form(found, signal)); })
    .catch((error) => view.lastChild.replaceWith(problem(error)));
  return view;
}

function form(statement, signal) {
  const types = statement.rest[0].resource.filter((item) => item.interaction?.some(({ code }) => code === "search-type"));
  const kind = h("select", { id: "kind" }, types.map(({ type }) => h("option", { value: type }, type)));
  kind.value = types.some(({ type }) => type === "Patient") ? "Patient" : types[0].type;
  const rows = h("div", { class: "parameters" });
  const shownAddress = h("output", { class: "address", id: "address", for: "kind" });
  const results = h("div", { class: "results", tabindex: "-1" });
  let running = new AbortController();
  signal.addEventListener("abort", () => running.abort());

  const definition = () => types.find(({ type }) => type === kind.value);
  const offered = () => [...(definition().searchParam ?? []), ...RESULT];
  const pairs = () => [...rows.children].map((row) => [row.querySelector("select").value, row.querySelector("input").value.trim()]).filter(([name, value]) => name && value);
  const write = () => { shownAddress.textContent = `GET ${decodeURIComponent(address(kind.value, pairs()))}`; };

  function choices(name) {
    const { searchInclude = [], searchRevInclude = [], searchParam = [] } = definition();
    if (name === "_include") return searchInclude;
    if (name === "_revinclude") return searchRevInclude;
    if (name === "_sort") return searchParam.filter(({ type }) => type !== "composite" && type !== "special").flatMap((item) => [item.name, `-${item.name}`]);
    if (name === "_total") return ["none", "accurate"];
    if (name === "_summary") return ["true", "text", "data", "count"];
    return [];
  }

  function add(name = "", value = "") {
    const [select, input] = [h("select", { "aria-label": t("explore.parameter") }), h("input", { type: "text", value, autocomplete: "off", spellcheck: "false", "aria-label": t("explore.value") })];
    const [list, hint] = [h("datalist", { id: unique("choices") }), h("span", { class: "soft hint", id: unique("hint") })];
    input.setAttribute("list", list.id);
    input.setAttribute("aria-describedby", hint.id);
    select.append(h("option", { value: "" }, t("explore.choose")), ...offered().map((item) => h("option", { value: item.name }, item.name)));
    select.value = name;
    const look = () => {
      const item = offered().find((one) => one.name === select.value);
      hint.textContent = item ? `${word("parameter", item.type)} · ${t("explore.example", { example: EXAMPLES[item.type] ?? "…" })}` : "";
      list.replaceChildren(...choices(select.value).map((choice) => h("option", { value: choice })));
      write();
    };
    select.addEventListener("change", look);
    input.addEventListener("input", write);
    const row = h("div", { class: "parameter", role: "group", "aria-label": t("explore.parameter") }, select, input, list,
      h("button", { type: "button", class: "quiet", "aria-label": t("explore.remove"), on: { click: () => { row.remove(); write(); adder.focus(); } } }, "×"), hint);
    rows.append(row);
    look();
    return select;
  }

  const adder = h("button", { type: "button", class: "quiet", on: { click: () => add().focus() } }, t("explore.add"));

  async function send(ask) {
    running.abort();
    running = new AbortController();
    const mine = running.signal;
    results.setAttribute("aria-busy", "true");
    const started = performance.now();
    try {
      show(await ask(mine), performance.now() - started);
    } catch (error) {
      if (error.name === "AbortError") return;
      // Who asks by hand is told what the server says, not only what it means.
      results.replaceChildren(problem(error), h("p", { class: "soft" }, `${error.status || ""} ${error.code}: ${error.message}`, " ", error.outcome && rawButton(error.outcome, "OperationOutcome")));
      results.focus();
    } finally {
      if (!mine.aborted) results.removeAttribute("aria-busy");
    }
  }

  function show(bundle, milliseconds) {
    const entries = bundle.entry ?? [];
    const step = (relation, key) => {
      const to = link(bundle, relation);
      return h("button", { type: "button", class: "quiet", disabled: !to, on: { click: () => send((mine) => follow(kind.value, to, mine)) } }, t(key));
    };
    const total = bundle.total === undefined ? "" : ` · ${t("explore.total", { total: bundle.total })}`;
    const told = `${counted("entries", entries.length)}${total}`;
    results.replaceChildren(
      h("p", { class: "told" }, `${told} · ${t("explore.time", { time: Math.round(milliseconds) })} `,
        h("button", { type: "button", class: "raw", "aria-label": t("explore.bundle"), title: t("explore.bundle"), on: { click: () => showRaw(bundle) } }, "{ }")),
      entries.length ? h("table", { class: "list" },
        h("caption", { class: "unseen" }, t("explore.results")),
        h("thead", {}, h("tr", {}, [t("explore.resource"), t("explore.mode"), t("explore.gist"), "FHIR"].map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, entries.map(({ resource, search: found }) => {
          const name = resource.id ? `${resource.resourceType}/${resource.id}` : resource.resourceType;
          return h("tr", {},
            h("th", { scope: "row" }, resource.resourceType === "Patient" ? h("a", { href: `#/patient/${encodeURIComponent(resource.id)}` }, name) : name),
            h("td", { "data-label": t("explore.mode") }, found?.mode ?? ""), h("td", { "data-label": t("explore.gist") }, gist(resource)),
            h("td", { class: "end" }, rawButton(resource, name)));
        }))) : h("p", { class: "soft" }, t("chart.none")),
      link(bundle, "next") || link(bundle, "previous") ? h("nav", { class: "pages", "aria-label": t("pages") }, step("previous", "pages.previous"), step("next", "pages.next")) : "");
    announce(told);
  }

  kind.addEventListener("change", () => { rows.replaceChildren(); add(); });
  add();
  return h("div", {},
    h("form", { class: "explore", on: { submit: (event) => { event.preventDefault(); send((mine) => search(kind.value, pairs(), mine)); } } },
      h("div", { class: "field" }, h("label", { for: "kind" }, t("explore.type")), kind),
      h("fieldset", {}, h("legend", {}, t("explore.parameters")), rows, adder),
      shownAddress,
      h("button", { type: "submit", class: "strong" }, t("explore.send"))),
    results);
}

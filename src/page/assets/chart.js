// The chart of a patient: sections that fill as their searches are answered, each by itself.

import { announce, h } from "./dom.js";
import * as fhir from "./fhir.js";
import { age, counted, date, t, word } from "./language.js";
import { capabilities, closedSources } from "./known.js";
import { closed, problem } from "./problem.js";
import { rawButton } from "./raw.js";
import { SECTIONS } from "./sections.js";
import { follow, link, read, search } from "./server.js";

/** A search, sorted if the user may sort by that; else as it comes. */
async function sorted(type, parameters, sort, signal) {
  if (!sort) return search(type, parameters, signal);
  try {
    return await search(type, [...parameters, ["_sort", sort]], signal);
  } catch (error) {
    if (error.code !== "field-forbidden") throw error;
    return search(type, parameters, signal);
  }
}

/** All resources of a search, as far as `most` pages go, and the link to what is beyond. */
async function gather(type, parameters, sort, most, signal) {
  let bundle = await sorted(type, parameters, sort, signal);
  const found = fhir.matches(bundle);
  const remarks = fhir.remarks(bundle);
  for (let page = 1; page < most && link(bundle, "next"); page++) {
    bundle = await follow(type, link(bundle, "next"), signal);
    found.push(...fhir.matches(bundle));
    remarks.push(...fhir.remarks(bundle));
  }
  return { found, remarks, next: link(bundle, "next") };
}

/** What of the type the user cannot see: an empty list must not pass for a healthy patient. */
async function hidden(section) {
  const sources = await closedSources(section.type);
  const relevant = [...new Set(sources.filter(({ model }) => !section.besides?.includes(model)).flatMap(({ closed: names }) => names.split(", ")))];
  return relevant.length ? h("p", { class: "closed" }, h("span", { class: "tag some" }, t("closed.part")), " ", t("closed.partWhy", { models: relevant.join(", ") })) : null;
}

function fill(section, patient, signal) {
  const count = h("span", { class: "count" });
  const body = h("div", { class: "body", "aria-busy": "true" }, h("p", { class: "soft" }, t("loading")));
  const heading = `section-${section.key}`;
  const element = h("section", { class: `card ${section.wide ? "wide" : ""}`, id: section.key, "aria-labelledby": heading, tabindex: "-1" },
    h("h2", { id: heading }, t(`chart.${section.key}`), " ", count), body);

  async function load() {
    body.setAttribute("aria-busy", "true");
    try {
      const parameters = [...section.parameters(patient), ["_count", String(section.count ?? 50)]];
      const [result, note] = await Promise.all([gather(section.type, parameters, section.sort, section.pages ?? 1, signal), hidden(section)]);
      show(result, note);
    } catch (error) {
      if (error.name === "AbortError") return;
      // What the section searches by can be closed, too.
      body.replaceChildren(error.code === "field-forbidden" ? closed() : problem(error, load));
      count.textContent = "";
    } finally {
      if (!signal.aborted) body.removeAttribute("aria-busy");
    }
  }

  function show({ found, remarks, next }, note) {
    const shown = found.length ? section.render(found, patient) : null;
    const told = remarks.filter((issue) => issue.severity !== "information").map((issue) => h("p", { class: "notice", lang: "en" }, issue.diagnostics ?? issue.details?.text ?? ""));
    const more = next && h("button", { type: "button", class: "quiet", on: { click: async (event) => {
      event.target.disabled = true;
      try {
        const bundle = await follow(section.type, next, signal);
        const all = [...found, ...fhir.matches(bundle)];
        show({ found: all, remarks: [...remarks, ...fhir.remarks(bundle)], next: link(bundle, "next") }, note);
        announce(`${t(`chart.${section.key}`)}: ${counted("entries", all.length)}`);
        element.focus({ preventScroll: true });
      } catch (error) {
        if (error.name !== "AbortError") event.target.replaceWith(problem(error, load));
      }
    } } }, t("more"));
    count.textContent = found.length ? `${found.length}${next ? "+" : ""}` : "";
    body.replaceChildren(...[note, ...told, shown ?? h("p", { class: "soft" }, t(note ? "chart.noneOpen" : "chart.none")), more].flat().filter(Boolean));
  }

  load();
  return element;
}

function banner(patient) {
  const name = fhir.patientName(patient);
  const fact = (key, text) => text && h("div", {}, h("dt", {}, t(key)), h("dd", {}, text));
  const died = patient.deceasedDateTime ?? (patient.deceasedBoolean ? t("yes") : "");
  const phone = patient.telecom?.find((item) => item.system === "phone")?.value;
  const years = patient.birthDate && !died ? ` (${age(patient.birthDate)})` : "";
  return h("div", { class: "banner" },
    h("div", { class: "title" },
      h("h1", { id: "heading", dir: "auto" }, name),
      died && h("span", { class: "tag" }, t("patient.deceased")),
      fhir.isRedacted(patient) && h("span", { class: "tag shut" }, t("redacted")),
      rawButton(patient, name)),
    h("dl", { class: "facts" },
      fact("patient.gender", word("gender", patient.gender ?? "")),
      fact("patient.birthDate", patient.birthDate ? `${date(patient.birthDate)}${years}` : fhir.absent(patient._birthDate)),
      patient.deceasedDateTime && fact("patient.died", date(patient.deceasedDateTime)),
      fact("patient.identifier", fhir.identifier(patient)),
      fact("patient.phone", phone),
      fact("patient.doctor", (patient.generalPractitioner ?? []).map(fhir.reference).join(", "))));
}

export function chartView({ id, signal, title }) {
  const view = h("div", { class: "chart", "aria-busy": "true" }, h("p", { class: "soft" }, t("loading")));
  const load = async () => {
    try {
      const [patient, statement] = await Promise.all([read("Patient", id, signal), capabilities().catch(() => null)]);
      const served = statement?.rest[0].resource.map(({ type }) => type);
      title(fhir.patientName(patient));
      const sections = SECTIONS.filter(({ type, when }) => (!when || when(patient)) && (!served || served.includes(type)));
      const jump = (key) => (event) => {
        event.preventDefault();
        const target = document.getElementById(key);
        target.scrollIntoView({ block: "start" });
        target.focus({ preventScroll: true });
      };
      view.replaceChildren(
        h("p", { class: "back" }, h("a", { href: "#/" }, `← ${t("place.patients")}`)),
        banner(patient),
        h("nav", { class: "jump", "aria-label": t("chart.sections") },
          sections.map((section) => h("a", { href: `#/patient/${encodeURIComponent(id)}`, on: { click: jump(section.key) } }, t(`chart.${section.key}`)))),
        h("div", { class: "cards" }, sections.map((section) => fill(section, patient, signal))));
    } catch (error) {
      if (error.name === "AbortError") return;
      view.replaceChildren(h("h1", {}, t("place.patients")), error.code === "model-forbidden" ? closed() : problem(error, load));
    } finally {
      view.removeAttribute("aria-busy");
    }
  };
  load();
  return view;
}

// What the user may see, and what not.

import { h } from "./dom.js";
import { counted, t } from "./language.js";
import { ownRights } from "./known.js";
import { problem } from "./problem.js";

function state(sources) {
  const open = sources.filter((source) => !source.closed);
  if (open.length === 0) return "closed";
  const whole = open.length === sources.length && open.every((source) => source.withheld.length === 0 && source.keys.length === 0);
  return whole ? "open" : "part";
}

const LOOKS = { open: "good", part: "some", closed: "shut" };

function details(sources) {
  const lines = [];
  for (const source of sources) {
    if (source.closed === source.model) lines.push(t("rights.modelClosed", { model: source.model }));
    else if (source.closed) lines.push(t("rights.sourceClosed", { model: source.model, closed: source.closed }));
    for (const { key, closed } of source.keys) lines.push(t("rights.keyClosed", { model: source.model, key, closed }));
    for (const { element, closed } of source.withheld) lines.push(t("rights.withheld", { element, closed }));
    if (!source.closed && source.restricted) lines.push(t("rights.restricted", { model: source.model }));
  }
  if (lines.length === 0) return h("span", { class: "soft" }, "–");
  const list = h("ul", { class: "plain-list" }, lines.map((line) => h("li", {}, line)));
  return lines.length < 3 ? list : h("details", {}, h("summary", {}, counted("rights.lines", lines.length)), list);
}

export function rightsView({ account, signal }) {
  const body = h("div", { "aria-busy": "true" }, h("p", { class: "soft" }, t("loading")));
  const load = async () => {
    try {
      const { groups, types } = await ownRights();
      if (signal.aborted) return;
      body.replaceChildren(
        h("dl", { class: "facts" },
          h("div", {}, h("dt", {}, t("login")), h("dd", {}, account.login)),
          h("div", {}, h("dt", {}, t("rights.groups")), h("dd", {}, groups.length ? groups.join(", ") : t("none")))),
        h("table", { class: "list" },
          h("caption", { class: "unseen" }, t("place.rights")),
          h("thead", {}, h("tr", {}, ["rights.type", "rights.state", "rights.details"].map((key) => h("th", { scope: "col" }, t(key))))),
          h("tbody", {}, types.map(({ type, sources }) => {
            const found = state(sources);
            return h("tr", {},
              h("th", { scope: "row" }, type),
              h("td", { "data-label": t("rights.state") }, h("span", { class: `tag ${LOOKS[found]}` }, t(`rights.${found}`))),
              h("td", { "data-label": t("rights.details") }, details(sources)));
          }))));
    } catch (error) {
      body.replaceChildren(problem(error, load));
    } finally {
      body.removeAttribute("aria-busy");
    }
  };
  load();
  return h("section", { "aria-labelledby": "heading" },
    h("h1", { id: "heading" }, t("place.rights")), h("p", { class: "lead" }, t("rights.lead")), body);
}

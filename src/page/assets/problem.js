// What went wrong, in words.

import { h } from "./dom.js";
import { counted, t } from "./language.js";

const KNOWN = new Set(["credential-wrong", "credential-scheme", "sign-in-throttled", "session-ended", "model-forbidden", "field-forbidden",
  "overloaded", "database-timeout", "database-unavailable", "resource-unknown", "page-origin", "page-expired", "unreachable", "internal"]);

/** A sentence for an error. */
export function explain(error) {
  const wait = error.wait ? ` ${counted("wait", error.wait)}` : "";
  return KNOWN.has(error.code) ? `${t(`error.${error.code}`)}${wait}` : error.message;
}

/** What stands where something could not be shown. */
export function problem(error, again) {
  if (error.code === "model-forbidden") return closed();
  return h("div", { class: "problem", role: "alert" }, h("p", {}, explain(error)),
    again && h("button", { type: "button", class: "quiet", on: { click: again } }, t("again")));
}

/** What is not for this user is said to be so: it must not look as if there were nothing. */
export const closed = () => h("p", { class: "closed" }, h("span", { class: "tag shut" }, t("closed")), " ", t("closed.why"));

// Starts the page, and shows the place that the address names.

import { announce, h } from "./dom.js";
import { current, names, speak, t } from "./language.js";
import * as idle from "./idle.js";
import { closeRaw } from "./raw.js";
import { session, signOut, whenEnded } from "./server.js";
import { signInView } from "./sign-in.js";
import { forget } from "./known.js";

const main = document.getElementById("main");
const places = document.getElementById("places");
let account = null;
/** Ends what the shown place still waits for. */
let leaving = new AbortController();

const PLACES = [
  { path: "", key: "patients", load: () => import("./patients.js").then((module) => module.patientsView) },
  { path: "explore", key: "explore", load: () => import("./explorer.js").then((module) => module.explorerView) },
  { path: "rights", key: "rights", load: () => import("./rights.js").then((module) => module.rightsView) },
];
const CHART = { path: "patient", key: "patients", load: () => import("./chart.js").then((module) => module.chartView) };

function placeOf(hash) {
  const [path = "", id] = hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  if (path === CHART.path && id) return { ...CHART, id };
  return PLACES.find((place) => place.path === path) ?? PLACES[0];
}

function frame(place) {
  document.documentElement.lang = current();
  document.getElementById("skip").textContent = t("skip");
  places.hidden = !account;
  places.setAttribute("aria-label", t("places"));
  places.replaceChildren(...(account ? PLACES.map((item) =>
    h("a", { href: `#/${item.path}`, "aria-current": item.key === place?.key ? "page" : null }, t(`place.${item.key}`))) : []));
  const other = current() === "en" ? "es" : "en";
  const language = h("button", { type: "button", class: "plain", lang: other, id: "language", on: { click: () => { speak(other); show({ focus: "language" }); } } }, names[other]);
  const who = account ? [
    h("span", { class: "name" }, h("span", { class: "unseen" }, `${t("signedInAs")} `), account.name || account.login),
    h("button", { type: "button", class: "quiet", id: "sign-out", on: { click: leave } }, t("signOut")),
  ] : [];
  document.getElementById("who").replaceChildren(language, ...who);
  document.getElementById("foot").replaceChildren(h("p", {}, t("foot")));
}

async function show({ focus = "main", note = "" } = {}) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  closeRaw();
  const place = account ? placeOf(location.hash) : null;
  frame(place);
  if (!place) {
    document.title = `${t("signIn")} · GNU Health`;
    main.replaceChildren(signInView({ note, signedIn }));
    (main.querySelector("#login") ?? main).focus();
    if (note) announce(note);
    return;
  }
  document.title = `${t(`place.${place.key}`)} · GNU Health`;
  const view = await place.load();
  if (signal.aborted) return;
  main.replaceChildren(view({ account, id: place.id, signal, title: (text) => { document.title = `${text} · GNU Health`; } }));
  if (focus === "language") return document.getElementById("language").focus();
  (main.querySelector("[autofocus]") ?? main).focus({ preventScroll: true });
  scrollTo(0, 0);
}

function signedIn(found) {
  account = found;
  idle.start(found.idle, ended);
  show();
}

function out(note) {
  if (!account) return;
  account = null;
  idle.stop();
  forget();
  // What was seen must not be left to whoever sits down next.
  history.replaceState(null, "", "#/");
  show({ note });
}

async function leave() {
  await signOut().catch(() => {});
  idle.tell("out");
  out(t("signedOut"));
}

/** The session is over, by time or by the server's word. */
async function ended(reason) {
  if (reason === "idle") await signOut().catch(() => {});
  out(reason === "elsewhere" ? t("signedOut") : t("sessionEnded"));
}

whenEnded(() => ended("server"));
addEventListener("hashchange", () => { if (account) show(); });

frame(null);
try {
  const found = await session();
  if (found.signedIn) signedIn(found);
  else show();
} catch {
  show({ note: t("error.unreachable") });
}

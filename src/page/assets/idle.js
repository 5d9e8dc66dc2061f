// Signs out whom nobody sees using the page any more. The server ends the session by itself; this takes the records off the
// screen, in every window of this browser.

import { session } from "./server.js";

/** The server hears of use without requests this often, as a part of the idle time. */
const TOLD = 3;

let timer = 0;
let limit = 0;
let used = 0;
let told = 0;
let over = () => {};
const channel = "BroadcastChannel" in window ? new BroadcastChannel("gnuhealth-fhir") : null;

function look() {
  const now = Date.now();
  if (now - used >= limit) return over("idle");
  // Somebody reads without asking the server for anything.
  if (used > told && now - told >= limit / TOLD) {
    told = now;
    session().then((found) => { if (!found.signedIn) over("server"); }).catch(() => {});
  }
}

function use() {
  const now = Date.now();
  if (!timer || now - used < Math.min(1000, limit / 10)) return;
  // What comes after the end, when the machine slept, is no use.
  if (now - used >= limit) return over("idle");
  used = now;
  channel?.postMessage("used");
}

for (const event of ["pointerdown", "keydown", "wheel", "touchstart"]) addEventListener(event, use, { passive: true, capture: true });
document.addEventListener("visibilitychange", () => { if (timer && !document.hidden) look(); });
channel?.addEventListener("message", ({ data }) => {
  if (!timer) return;
  if (data === "used") used = Date.now();
  if (data === "out") over("elsewhere");
});

/** Begins to watch, for so many seconds without use. */
export function start(seconds, ended) {
  stop();
  limit = seconds * 1000;
  used = told = Date.now();
  over = ended;
  timer = setInterval(look, Math.max(250, Math.min(5000, limit / 20)));
}

export function stop() {
  clearInterval(timer);
  timer = 0;
}

/** Tells the other windows. */
export const tell = (what) => channel?.postMessage(what);

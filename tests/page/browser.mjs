// A browser that notices whatever a page must not do.

import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";

const require = createRequire(`${process.env.PAGE_MODULES}/`);
const puppeteer = (await import(require.resolve("puppeteer-core"))).default;
const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const USUAL = process.env.PAGE_USUAL;
export const BRIEF = process.env.PAGE_BRIEF;
const SHOTS = process.env.PAGE_SHOTS;

let failed = 0;
let passed = 0;

/** Says whether something holds. */
export function check(name, holds, found = "") {
  if (holds) passed += 1;
  else failed += 1;
  console.log(`${holds ? "ok    " : "FAILED"} ${name}${holds || found === "" ? "" : `: ${typeof found === "string" ? found : JSON.stringify(found)}`}`);
}

export function end() {
  console.log(`${passed} passed, ${failed} failed`);
  return failed ? 1 : 0;
}

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM,
  headless: true,
  args: [...(process.getuid() === 0 ? ["--no-sandbox"] : []), "--disable-gpu", "--font-render-hinting=none"],
});

export const close = () => browser.close();

/** What stands for a browser that nobody has used yet. */
export async function open(origin, { language = "en-US", scheme = "light", width = 1280, height = 900 } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const seen = { errors: [], violations: [], foreign: [], refused: [], asked: [] };
  await page.setViewport({ width, height, isMobile: width < 600, hasTouch: width < 600 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" }]);
  await page.emulateTimezone("America/Argentina/Buenos_Aires");
  await page.exposeFunction("noteViolation", (text) => seen.violations.push(text));
  await page.evaluateOnNewDocument((tag) => {
    Object.defineProperty(navigator, "language", { get: () => tag });
    Object.defineProperty(navigator, "languages", { get: () => [tag] });
    document.addEventListener("securitypolicyviolation", (event) => window.noteViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
  }, language);
  // A status that refuses is told of as an error too; those are looked at by themselves.
  page.on("console", (message) => { if (["error", "warning"].includes(message.type()) && !message.text().startsWith("Failed to load resource")) seen.errors.push(message.text()); });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("request", (request) => {
    seen.asked.push(request.url());
    if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith("about:")) seen.foreign.push(request.url());
  });
  page.on("response", (response) => { if (response.status() >= 400) seen.refused.push(`${response.status()} ${new URL(response.url()).pathname}`); });
  await page.goto(`${origin}/`, { waitUntil: "networkidle0" });
  return { page, seen, context, origin };
}

/** Nothing went wrong that was not meant to. */
export async function clean(name, { seen, context }, refused = []) {
  check(`${name}: no errors in the console`, seen.errors.length === 0, seen.errors);
  check(`${name}: no violation of the Content-Security-Policy`, seen.violations.length === 0, seen.violations);
  check(`${name}: no other host was asked`, seen.foreign.length === 0, seen.foreign);
  const wrong = seen.refused.filter((one) => !refused.some((known) => known.test(one)));
  check(`${name}: nothing unexpected was refused`, wrong.length === 0, wrong);
  await context.close();
}

export async function signIn({ page }, login, password = `${login}-demo`) {
  await page.type("#login", login);
  await page.type("#password", password);
  await page.click("button[type=submit]");
}

/** Waits until everything that is shown has been answered. */
export async function settled(page) {
  await page.waitForNetworkIdle({ idleTime: 250, timeout: 30000 });
  await page.waitForFunction(() => !document.querySelector("[aria-busy]"), { timeout: 30000 });
}

export const text = (page, selector = "main") => page.$eval(selector, (element) => element.innerText);
export const count = (page, selector) => page.$$eval(selector, (elements) => elements.length);

/** The button or link with these words. */
export async function press(page, words, selector = "button, a, summary") {
  const handle = await page.evaluateHandle((wanted, among) => [...document.querySelectorAll(among)].find((element) => (element.getAttribute("aria-label") ?? element.textContent).trim() === wanted), words, selector);
  if (!handle.asElement()) throw new Error(`there is no "${words}"`);
  await handle.asElement().click();
}

export async function shot(page, name) {
  await page.screenshot({ path: path.join(SHOTS, `${name}.png`), fullPage: true });
}

/** What axe-core finds that is serious or critical. */
export async function accessible(page, name) {
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.slice(0, 3).map((node) => `${node.html.slice(0, 140)} ${node.any[0]?.message ?? ""}`) }));
  });
  const grave = found.filter(({ impact }) => impact === "serious" || impact === "critical");
  check(`${name}: axe-core finds nothing serious`, grave.length === 0, grave);
  const other = found.filter((one) => !grave.includes(one));
  if (other.length) console.log(`note   ${name}: ${JSON.stringify(other)}`);
}

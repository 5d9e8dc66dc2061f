// What people do with the page, one after the other.

import http from "node:http";

import { BRIEF, USUAL, accessible, check, clean, close, count, end, open, press, settled, shot, signIn, text } from "./browser.mjs";

const SESSION = /^(401|429) \/page\/session$/;
const WORDS = {
  en: { problems: "Problems", values: "Values", closed: "Closed", place: "Patients", rights: "My rights", explore: "FHIR explorer", out: "Sign out", growth: "Growth" },
  es: { problems: "Problemas", values: "Valores", closed: "Cerrado", place: "Pacientes", rights: "Mis permisos", explore: "Explorador FHIR", out: "Cerrar sesión", growth: "Crecimiento" },
};

/** The patient with the most of what a search of FHIR finds; of the laboratory only what is too high or too low counts. */
async function patientOf(page, type, parameters) {
  return page.evaluate(async (kind, body) => {
    const response = await fetch(`fhir/${kind}/_search`, { method: "POST", body, headers: { "X-GNUHealth-Page": "1", "Content-Type": "application/x-www-form-urlencoded" } });
    const counts = {};
    for (const { resource } of (await response.json()).entry ?? []) {
      if (resource.category?.[0]?.coding?.[0]?.code === "laboratory" && !resource.interpretation?.some((one) => ["H", "L"].includes(one.coding?.[0]?.code))) continue;
      const id = resource.resourceType === "Patient" ? resource.id : (resource.subject ?? resource.patient)?.reference?.split("/")[1];
      if (id) counts[id] = (counts[id] ?? 0) + 1;
    }
    return Object.entries(counts).sort(([, one], [, other]) => other - one)[0]?.[0];
  }, type, parameters);
}

/** Milliseconds until something is painted, of five new browsers, the fastest first. */
async function paints(origin) {
  const times = [];
  for (let turn = 0; turn < 5; turn++) {
    const { page, context } = await open(origin);
    times.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Infinity));
    await context.close();
  }
  return times.sort((one, other) => one - other).map(Math.round);
}

/** The fastest of five counts: what else the machine does only adds to it. An empty page says how much that is. */
async function firstPaint() {
  const server = http.createServer((request, response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><title>empty</title><p>empty"));
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const [ours, empty] = [await paints(USUAL), await paints(`http://127.0.0.1:${server.address().port}`)];
  server.close();
  check(`first contentful paint under 200 ms (${ours.join(", ")} ms; of an empty page ${empty.join(", ")} ms)`, ours[0] < 200);
}

async function wrongPassword() {
  const opened = await open(USUAL);
  const { page } = opened;
  check("sign-in: the login has the focus", await page.evaluate(() => document.activeElement.id === "login"));
  await signIn(opened, "doctor", "not-the-password");
  await page.waitForSelector("#problem:not([hidden])", { timeout: 30000 });
  check("wrong password: it is said", (await text(page, "#problem")).includes("Login or password is wrong"));
  check("wrong password: the password is gone, the login is not", await page.evaluate(() => document.getElementById("password").value === "" && document.getElementById("login").value === "doctor"));
  check("wrong password: no place can be reached", (await count(page, "#places a")) === 0);
  await accessible(page, "wrong password");
  await page.evaluate(() => { location.hash = "#/patient/1"; });
  check("wrong password: nor by its address", (await count(page, "#login")) === 1);
  check("nothing of the session can be read by scripts", (await page.evaluate(() => document.cookie)) === "");
  await clean("wrong password", opened, [SESSION]);
}

/** A doctor at work, in one language and one scheme. */
async function doctor(language, scheme, width) {
  const name = `${language.slice(0, 2)} ${scheme} ${width}`;
  const words = WORDS[language.slice(0, 2)];
  const opened = await open(USUAL, { language, scheme, width, height: width < 600 ? 800 : 900 });
  const { page } = opened;
  const narrow = async (screen) => {
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(`${name} ${screen}: nothing is wider than the window`, over <= 0, over);
  };
  const look = async (screen) => { await narrow(screen); await accessible(page, `${name} ${screen}`); await shot(page, `${language.slice(0, 2)}-${scheme}-${width}-${screen}`); };
  await look("sign-in");
  await signIn(opened, "doctor");
  await page.waitForSelector("table tbody tr");
  await settled(page);
  check(`${name}: the language is the browser's`, await page.evaluate((tag) => document.documentElement.lang === tag, language.slice(0, 2)));
  check(`${name}: the list is there`, (await text(page, "h1")) === words.place && (await count(page, "tbody tr")) === 25);
  check(`${name}: typing can begin at once`, await page.evaluate(() => document.activeElement.id === "search"));
  await look("patients");

  const adult = await patientOf(page, "Observation", "category=laboratory&specimen:missing=false&_count=500&patient.birthdate=lt1990-01-01");
  const child = await patientOf(page, "Observation", "code=29463-7&_count=500&patient.birthdate=gt2012-01-01");
  await page.evaluate((id) => { location.hash = `#/patient/${id}`; }, adult);
  await page.waitForSelector("#labs table");
  await settled(page);
  check(`${name}: the chart has its sections`, (await count(page, ".card")) >= 7, await count(page, ".card"));
  check(`${name}: a value outside of its range is marked in words`, await page.$$eval("#labs .tag.bad", (tags) => tags.length > 0 && tags.every((tag) => /[▲▼●] \S+/.test(tag.textContent))));
  check(`${name}: vital signs are drawn`, (await count(page, "#vitals svg circle")) > 0);
  check(`${name}: growth is for children`, (await count(page, "#growth")) === 0);
  await look("adult");
  await page.evaluate((id) => { location.hash = `#/patient/${id}`; }, child);
  await page.waitForSelector("#growth svg");
  await settled(page);
  check(`${name}: growth is drawn`, (await count(page, "#growth svg circle")) > 0);
  check(`${name}: and says that there are no curves to compare with`, (await count(page, "#growth .aside")) === 1);
  await press(page, `${words.values} – ${await page.$eval("#growth .what", (element) => element.textContent)}`, "#growth summary").catch(() => page.click("#growth summary"));
  check(`${name}: the values of a curve are a table too`, (await page.$$eval("#growth details[open] tbody tr", (rows) => rows.length)) > 0);
  await look("child");

  await page.click("#growth details[open] button.raw");
  await page.waitForSelector("dialog[open] pre");
  const raw = JSON.parse(await text(page, "dialog pre"));
  check(`${name}: FHIR is shown as it is`, raw.resourceType === "Observation" && raw.subject.reference === `Patient/${child}`, raw.id);
  await accessible(page, `${name} raw`);
  await page.screenshot({ path: `${process.env.PAGE_SHOTS}/${language.slice(0, 2)}-${scheme}-${width}-raw.png` });
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog"));
  check(`${name}: the focus returns to where it was`, await page.evaluate(() => document.activeElement.matches("button.raw")));

  await press(page, words.explore);
  await page.waitForSelector("#kind");
  await settled(page);
  await page.select("#kind", "Observation");
  await page.select(".parameter select", "code");
  await page.type(".parameter input", "8867-4");
  check(`${name}: the address of the search is shown`, (await text(page, "#address")).endsWith("/fhir/Observation?code=8867-4"));
  await page.click("form.explore button[type=submit]");
  await page.waitForSelector(".results tbody tr");
  await settled(page);
  check(`${name}: the explorer finds`, (await page.$$eval(".results tbody th", (cells) => cells.length && cells.every((cell) => cell.textContent.startsWith("Observation/")))));
  await look("explorer");
  await press(page, words.rights);
  await page.waitForSelector("main tbody tr");
  await settled(page);
  await look("rights");
  await press(page, words.out);
  await page.waitForSelector("#login");
  check(`${name}: signed out, nothing is left on the screen`, (await count(page, "tbody tr")) === 0 && (await page.evaluate(() => location.hash)) === "#/");
  await page.goBack().catch(() => {});
  await page.waitForSelector("#login");
  check(`${name}: nor to go back to`, (await count(page, "tbody tr")) === 0);
  await page.reload({ waitUntil: "networkidle0" });
  check(`${name}: nor after loading it anew`, (await count(page, "#login")) === 1);
  await clean(name, opened);
}

async function searching() {
  const opened = await open(USUAL);
  const { page, seen } = opened;
  await signIn(opened, "doctor");
  await page.waitForSelector("table tbody tr");
  await settled(page);
  const names = () => page.$$eval("tbody th a", (links) => links.map((link) => link.textContent));
  const birth = () => page.$$eval("tbody tr", (rows) => rows.map((row) => row.cells[4]?.textContent ?? ""));
  const first = await names();
  await press(page, "Next");
  await page.waitForFunction((before) => document.querySelector("tbody th a")?.textContent !== before, {}, first[0]);
  await settled(page);
  const second = await names();
  check("paging: the next page has others", second.length > 0 && !second.some((one) => first.includes(one) && second.indexOf(one) === first.indexOf(one)));
  await press(page, "Previous");
  await settled(page);
  check("paging: and the first is found again", JSON.stringify(await names()) === JSON.stringify(first));

  const part = first.find((name) => /^[A-Za-z ,.'-]+$/.test(name)).match(/[A-Za-z]{4,}/)[0].toLowerCase();
  const before = seen.asked.length;
  await page.type("#search", part, { delay: 30 });
  await page.waitForFunction((word) => { const all = [...document.querySelectorAll("tbody th a")]; return all.length > 0 && all.every((link) => link.textContent.toLowerCase().includes(word)); }, { timeout: 10000 }, part).catch(() => {});
  await settled(page);
  const found = await names();
  check(`searching: "${part}" finds those of that name`, found.length > 0 && found.length < 25, found);
  const asked = seen.asked.slice(before).filter((address) => address.includes("/Patient/_search"));
  check("searching: not every letter is a search", asked.length <= 2, asked);
  check("searching: no name stands in an address", !seen.asked.some((address) => address.toLowerCase().includes(part)));
  check("searching: it is told to who does not see it", /^\d+ patients? shown/.test(await text(page, "#live")), await text(page, "#live"));
  await page.$eval("#search", (box) => { box.value = ""; });
  await page.type("#search", "zzzzqq");
  await page.waitForSelector("main .none");
  check("searching: nothing found is said", (await text(page, "main .none")).includes("No patient"));
  await page.$eval("#search", (box) => { box.value = ""; });
  const identifier = (await birth()).length ? "" : await page.evaluate(async () => {
    const response = await fetch("fhir/Patient/1", { headers: { "X-GNUHealth-Page": "1" } });
    return (await response.json()).identifier.find((one) => one.use === "usual").value;
  });
  await page.type("#search", identifier);
  await page.waitForSelector("tbody tr");
  await settled(page);
  check("searching: an identifier finds its patient", JSON.stringify(await birth()) === JSON.stringify([identifier]), await birth());
  // What a search of FHIR reads as its own is text here.
  for (const hostile of ["a,b|c$d\\", "<img src=x onerror=alert(1)>", "%' OR 1=1 --", "../../metadata"]) {
    await page.$eval("#search", (box) => { box.value = ""; });
    await page.type("#search", hostile);
    await new Promise((done) => setTimeout(done, 400));
    await settled(page);
    check(`searching: ${hostile} is taken as text`, (await count(page, "main .problem")) === 0, await text(page));
  }
  await clean("searching", opened);
}

async function keyboard() {
  const opened = await open(USUAL);
  const { page } = opened;
  await page.keyboard.type("doctor");
  await page.keyboard.press("Tab");
  await page.keyboard.type("doctor-demo");
  await page.keyboard.press("Enter");
  await page.waitForSelector("tbody tr");
  await settled(page);
  for (let turn = 0; turn < 3 && !(await page.evaluate(() => document.activeElement.matches("tbody a"))); turn++) await page.keyboard.press("Tab");
  check("keyboard: after the search come the patients", await page.evaluate(() => document.activeElement.matches("tbody a")));
  check("keyboard: the focus can be seen", await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== "none" && parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2));
  await page.keyboard.press("Enter");
  await page.waitForSelector(".banner");
  await settled(page);
  check("keyboard: the focus goes to the new place", await page.evaluate(() => document.activeElement.id === "main"));
  check("the title names the place", (await page.title()) === `${await text(page, "h1")} · GNU Health`, await page.title());
  await page.goBack();
  await page.waitForSelector("#search");
  await clean("keyboard", opened);
}

async function languages() {
  const opened = await open(USUAL);
  const { page } = opened;
  await signIn(opened, "doctor");
  await page.waitForSelector("tbody tr");
  const english = await page.$$eval("tbody td", (cells) => cells.map((cell) => cell.textContent).join("|"));
  await press(page, "Español");
  await page.waitForFunction(() => document.documentElement.lang === "es" && document.querySelector("tbody tr"));
  await settled(page);
  check("language: words, and dates with them, change", (await text(page, "h1")) === "Pacientes" && (await page.$$eval("tbody td", (cells) => cells.map((cell) => cell.textContent).join("|"))) !== english);
  check("language: the button keeps the focus", await page.evaluate(() => document.activeElement.id === "language"));
  await page.reload({ waitUntil: "networkidle0" });
  await settled(page);
  check("language: it is remembered, and the session too", (await text(page, "h1")) === "Pacientes");
  await clean("language", opened);
}

/** Who has few rights sees that there is something that is not for them. */
async function closedFor(login) {
  const opened = await open(USUAL);
  const { page } = opened;
  await signIn(opened, login);
  await page.waitForSelector("tbody tr");
  await settled(page);
  await page.evaluate(() => { location.hash = "#/patient/1"; });
  await page.waitForSelector("#allergies");
  await settled(page);
  const allergies = await text(page, "#allergies");
  check(`${login}: what is closed is said to be closed`, allergies.includes("Closed") && allergies.includes("Your rights in GNU Health do not include this") && !allergies.includes("No entries"), allergies);
  check(`${login}: what is open in part is said to be so`, (await text(page, "#problems")).includes("Closed in part"), await text(page, "#problems"));
  check(`${login}: and is never just empty`, (await page.$$eval(".card", (cards) => cards.filter((card) => card.innerText.includes("Closed in part") && card.innerText.includes("No entries.")).length)) === 0);
  await accessible(page, `${login} chart`);
  await shot(page, `${login}-chart`);
  await press(page, "My rights");
  await page.waitForSelector("main tbody tr");
  await settled(page);
  const row = await page.$$eval("main tbody tr", (rows) => rows.find((one) => one.cells[0].textContent === "AllergyIntolerance")?.innerText);
  check(`${login}: so do the rights`, row.includes("Closed") && row.includes("gnuhealth.patient.disease"), row);
  await accessible(page, `${login} rights`);
  await shot(page, `${login}-rights`);
  await press(page, "FHIR explorer");
  await page.waitForSelector("#kind");
  await page.select("#kind", "AllergyIntolerance");
  await page.click("form.explore button[type=submit]");
  await page.waitForSelector(".results .closed");
  check(`${login}: and the explorer`, (await text(page, ".results")).includes("model-forbidden"));
  await clean(login, opened, [/^403 \/fhir\/\w+\/_search$/]);
}

async function wrongQuestion() {
  const opened = await open(USUAL);
  const { page } = opened;
  await signIn(opened, "doctor");
  await page.waitForSelector("tbody tr");
  await page.evaluate(() => { location.hash = "#/explore"; });
  await page.waitForSelector("#kind");
  await page.select(".parameter select", "birthdate");
  await page.type(".parameter input", "yesterday");
  await page.click("form.explore button[type=submit]");
  await page.waitForSelector(".results .problem");
  check("explorer: what the server refuses is told as it says it", (await text(page, ".results")).includes("parameter-value"));
  await accessible(page, "explorer, refused");
  await page.evaluate(() => { location.hash = "#/patient/99999999"; });
  await page.waitForSelector(".chart .problem");
  check("chart: a patient who is not there", (await text(page)).includes("There is no such record"));
  await clean("wrong questions", opened, [/^400 \/fhir\/Patient\/_search$/, /^404 \/fhir\/Patient\/99999999$/]);
}

async function idle() {
  const opened = await open(BRIEF);
  const { page, context } = opened;
  await signIn(opened, "doctor");
  await page.waitForSelector("tbody tr");
  const other = await context.newPage();
  await other.goto(`${BRIEF}/#/rights`, { waitUntil: "networkidle0" });
  await other.waitForSelector("main tbody tr");
  await page.bringToFront();
  const started = Date.now();
  while (Date.now() - started < 6000) {
    await page.mouse.click(5, 300);
    await new Promise((done) => setTimeout(done, 500));
  }
  check("idle: who uses it stays, also without asking for anything", (await count(page, "tbody tr")) > 0);
  check("idle: and in the other window too", (await count(other, "tbody tr")) > 0);
  const left = Date.now();
  await page.waitForSelector("#login", { timeout: 12000 });
  const took = Date.now() - left;
  check(`idle: who left is signed out (after ${(took / 1000).toFixed(1)} s)`, took > 2500 && took < 7000);
  check("idle: the records leave the screen, and it is said why", (await count(page, "tbody tr")) === 0 && (await text(page)).includes("not used for a while"));
  await other.bringToFront();
  await other.waitForSelector("#login", { timeout: 6000 });
  check("idle: in every window", (await count(other, "tbody tr")) === 0);
  await page.bringToFront();
  await shot(page, "idle");
  const answer = await page.evaluate(async () => (await fetch("fhir/Patient/1", { headers: { "X-GNUHealth-Page": "1" } })).status);
  check("idle: the cookie is worth nothing", answer === 401, answer);
  await clean("idle", opened, [/^401 \/fhir\/Patient\/1$/]);
}

/** What another site can do with a browser that is signed in. */
async function otherSite() {
  const opened = await open(USUAL);
  const { page } = opened;
  await signIn(opened, "doctor");
  await page.waitForSelector("tbody tr");
  const cookies = await page.cookies();
  check("cookie: closed to scripts and to other sites", cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === "Strict" && cookies[0].session, cookies);
  // What the server answers to who has no password makes the browser ask for one; here nobody would answer.
  const nobody = { username: "nobody-of-that-name", password: "x" };
  await page.authenticate(nobody);
  const answers = await page.evaluate(async () => {
    const status = async (address, init) => (await fetch(address, init)).status;
    return [await status("fhir/Patient/1"), await status("page/rights"), await status("page/session", { method: "DELETE" }), await status("fhir/Patient/1", { headers: { "X-GNUHealth-Page": "2" } })];
  });
  check("cookie: without the header of the page it is worth nothing", JSON.stringify(answers) === "[401,403,403,403]", answers);
  const stays = await page.evaluate(async () => (await fetch("fhir/Patient/1", { headers: { "X-GNUHealth-Page": "1" } })).status);
  check("cookie: and nobody was signed out by that", stays === 200, stays);
  // Another port: the same site, to which the browser sends the same cookies, but another origin.
  const server = http.createServer((request, response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><title>other</title>"));
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stranger = await opened.context.newPage();
  await stranger.authenticate(nobody);
  await stranger.goto(`http://127.0.0.1:${server.address().port}/`);
  const foreign = await stranger.evaluate(async (origin) => {
    const tries = [{}, { credentials: "include" }, { credentials: "include", headers: { "X-GNUHealth-Page": "1" } }, { credentials: "include", mode: "no-cors" }];
    const results = [];
    for (const init of tries) results.push(await fetch(`${origin}/fhir/Patient/1`, init).then((response) => response.status || response.type, () => "refused"));
    return results;
  }, USUAL);
  check("cookie: another origin reads nothing", foreign.every((one) => one === "refused"), foreign);
  const forms = await stranger.evaluate((origin) => { document.body.innerHTML = `<form method="post" action="${origin}/fhir/Patient/_search"><input name="name" value="a"></form>`; document.forms[0].submit(); return true; }, USUAL);
  await stranger.waitForFunction((origin) => location.href.startsWith(origin), { timeout: 10000 }, USUAL).catch(() => {});
  check("cookie: nor does a form of it", forms && /credential-(missing|wrong)/.test(await text(stranger, "body")), await text(stranger, "body"));
  server.close();
  await opened.context.close();
}

const parts = [
  firstPaint, wrongPassword, searching, keyboard, languages, wrongQuestion, idle, otherSite,
  () => closedFor("nurse"), () => closedFor("frontdesk"),
  () => doctor("en-US", "light", 1280), () => doctor("es-AR", "dark", 1280), () => doctor("es-ES", "light", 390), () => doctor("en-GB", "dark", 390),
];
const only = process.env.PAGE_ONLY;
for (const part of parts.filter((one) => !only || String(one).includes(only))) {
  await part().catch((error) => check(part.toString().slice(0, 60), false, error.stack));
}
await close();
process.exitCode = end();

// npm fhir-kit-client: capability statement, search by GET and POST, pages in both directions, compartments.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// Not by its name: it is in the cache, and modules know no NODE_PATH.
const entry = join(process.env.CLIENTS, "node_modules", "fhir-kit-client", "dist", "client.js");
const { Client } = await import(pathToFileURL(entry));

const [base, login, password] = process.argv.slice(2);
const signIn = (secret) => ({ Authorization: `Basic ${Buffer.from(`${login}:${secret}`).toString("base64")}` });
const client = new Client({ baseUrl: base, customHeaders: signIn(password) });
let failures = 0;

async function check(what, expected, found) {
  let value;
  let right = false;
  try {
    value = await found();
    right = typeof expected === "function" ? Boolean(expected(value)) : value === expected;
  } catch (error) {
    value = `${error}`;
  }
  if (right) {
    console.log(`ok fhir-kit-client: ${what}`);
    return value;
  }
  failures += 1;
  const wanted = typeof expected === "function" ? `${expected}` : JSON.stringify(expected);
  console.log(`FAILED fhir-kit-client: ${what}: expected ${wanted}, found ${JSON.stringify(value)?.slice(0, 500)}`);
  return undefined;
}

const ids = (bundle) => (bundle.entry ?? []).map((entry) => entry.resource.id);
const status = async (work) => {
  try {
    await work();
    return 200;
  } catch (error) {
    return error.response?.status ?? `${error}`;
  }
};

const anyone = new Client({ baseUrl: base });
await check("the CapabilityStatement is public", "CapabilityStatement", async () =>
  (await anyone.capabilityStatement()).resourceType);
await check("no password is 401", 401, () => status(() => anyone.search({ resourceType: "Patient" })));

const search = (searchParams, options = {}) => client.search({ resourceType: "Patient", searchParams, options });
const bundle = await check("a search is a searchset", (b) => b.type === "searchset" && b.entry.length > 1, () =>
  search({ _count: "50" }));
if (bundle) {
  const patient = bundle.entry[0].resource;
  await check("entries have a fullUrl and a mode", true, async () =>
    bundle.entry.every((entry) =>
      entry.fullUrl === `${base.replace(/\/$/, "")}/Patient/${entry.resource.id}` && entry.search.mode === "match"));
  await check("a patient is read", patient.id, async () =>
    (await client.read({ resourceType: "Patient", id: patient.id })).id);
  await check("a patient that does not exist is 404", 404, () =>
    status(() => client.read({ resourceType: "Patient", id: "999999999" })));
  const reads = (version) => client.vread({ resourceType: "Patient", id: patient.id, version });
  await check("a version that never was is 404 or not offered", (code) => [404, 405, 400, 501].includes(code), () =>
    status(() => reads("no-such-version")));

  const first = await check("a page has a next one", (b) => b.link.some((l) => l.relation === "next"), () =>
    search({ _count: "1" }));
  if (first) {
    const second = await check("the next page has another patient", (b) => ids(b)[0] !== ids(first)[0], () =>
      client.nextPage({ bundle: first }));
    if (second) {
      await check("the previous page is the first", ids(first)[0], async () =>
        ids(await client.prevPage({ bundle: second }))[0]);
    }
  }
  await check("a search by POST finds the same", JSON.stringify(ids(bundle)), async () =>
    JSON.stringify(ids(await client.resourceSearch({
      resourceType: "Patient", searchParams: { _count: "50" }, options: { postSearch: true } }))));
  await check("the compartment of a patient is searched", "Bundle", async () =>
    (await client.compartmentSearch({
      resourceType: "Observation", compartment: { resourceType: "Patient", id: patient.id } })).resourceType);
  await check("an accurate total is given on demand", (n) => n >= bundle.entry.length, async () =>
    (await search({ _total: "accurate", _count: "1" })).total);
}
await check("an unknown parameter is 400", 400, () => status(() => search({ "no-such-parameter": "1" })));

process.exit(failures ? 1 : 0);

// Prints the blood pressures of a patient in the order of time. Uses fhir-kit-client.
//
//     npm install fhir-kit-client
//     node examples/blood-pressure.mjs http://127.0.0.1:8080/fhir doctor doctor-demo 207
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { Client } from "fhir-kit-client";

const [base, login, password, patient] = process.argv.slice(2);
if (!patient) {
  console.error("usage: blood-pressure.mjs BASE LOGIN PASSWORD PATIENT");
  process.exit(2);
}
const client = new Client({
  baseUrl: base,
  customHeaders: { Authorization: `Basic ${Buffer.from(`${login}:${password}`).toString("base64")}` },
});

// 429 and 503 are answers of a moment: what was asked can be asked again a little later.
async function patiently(request) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await request();
    } catch (error) {
      const { status, data } = error.response ?? {};
      if (attempt === 4 || (status !== 429 && status !== 503)) {
        const coding = data?.issue?.[0]?.details?.coding?.[0];
        throw new Error(coding ? `${coding.code}: ${coding.display}` : String(error), { cause: error });
      }
      await sleep(1000 * 2 ** attempt);
    }
  }
}

async function* resources(searchParams) {
  let bundle = await patiently(() => client.search({ resourceType: "Observation", searchParams }));
  while (bundle) {
    // What is no match is an OperationOutcome about the search.
    yield* (bundle.entry ?? []).filter((entry) => entry.search.mode === "match").map((entry) => entry.resource);
    const page = bundle;
    bundle = page.link.some((link) => link.relation === "next") ? await patiently(() => client.nextPage({ bundle: page })) : undefined;
  }
}

// The panel of LOINC has both pressures as components.
const pressure = (observation, code) =>
  observation.component?.find((component) => component.code.coding?.some((coding) => coding.code === code))?.valueQuantity?.value ?? "-";

try {
  for await (const observation of resources({ patient, code: "http://loinc.org|85354-9", _sort: "date,_id", _count: "3" })) {
    console.log([observation.effectiveDateTime, pressure(observation, "8480-6"), pressure(observation, "8462-4")].join("\t"));
  }
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

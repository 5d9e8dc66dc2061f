// The validators that are npm packages. Called by `validate`: NDJSON in, a JSON array for each finding out.
"use strict";

const fs = require("node:fs");

// @medplum/core looks for a WebSocket when it is loaded, which Node has from version 22.
globalThis.WebSocket ??= class {};
const { Fhir } = require("fhir");
const { indexStructureDefinitionBundle, validateResource } = require("@medplum/core");

const definitions = process.argv[2];
for (const name of ["profiles-types.json", "profiles-resources.json"]) {
  indexStructureDefinitionBundle(JSON.parse(fs.readFileSync(`${definitions}/${name}`, "utf8")));
}
const fhir = new Fhir();

function* byFhir(resource) {
  for (const message of fhir.validate(resource, { errorOnUnexpected: true }).messages) {
    if (message.severity === "error" || message.severity === "fatal") {
      yield [message.location ?? "-", message.message, "fhir"];
    }
  }
}

function* byMedplum(resource) {
  let issues;
  try {
    issues = validateResource(resource);
  } catch (error) {
    issues = error.outcome?.issue ?? [{ severity: "error", details: { text: String(error) } }];
  }
  for (const issue of issues) {
    const text = issue.details?.text ?? issue.diagnostics ?? "";
    // As it reads in R4, it fails where there is no fullUrl; R5 says `exists() implies`.
    if (text.startsWith("Constraint bdl-8 ")) continue;
    // It takes a wrong target of a reference for a warning.
    if (issue.severity === "error" || issue.severity === "fatal" || text.startsWith("Invalid reference")) {
      yield [issue.expression?.[0] ?? "-", text, "medplum"];
    }
  }
}

const output = [];
const lines = fs.readFileSync(0, "utf8").split("\n");
lines.forEach((line, index) => {
  let resource;
  try {
    resource = JSON.parse(line);
  } catch {
    return; // reported by those that read text
  }
  for (const check of [byFhir, byMedplum]) {
    for (const finding of check(resource)) {
      output.push(JSON.stringify([index, ...finding]));
    }
  }
});
process.stdout.write(output.map((line) => `${line}\n`).join(""));

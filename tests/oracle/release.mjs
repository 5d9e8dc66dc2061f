// HL7's own files of the release.

import fs from "node:fs";

/** The resources of one of them. */
export function file(name) {
  return JSON.parse(fs.readFileSync(`${process.env.ORACLE_DEFINITIONS}/${name}.json`, "utf8")).entry.map((entry) => entry.resource);
}

/** Value sets to which the release binds its elements, not only as an example, that are small and free to pass on. */
let bound;
export function bindings() {
  if (!bound) {
    bound = new Set();
    for (const { snapshot } of [...file("profiles-resources"), ...file("profiles-types")].filter((one) => one.snapshot)) {
      for (const { binding } of snapshot.element) if (binding?.valueSet && binding.strength !== "example") bound.add(binding.valueSet.split("|")[0]);
    }
  }
  return bound;
}

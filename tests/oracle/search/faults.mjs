// Faults that are planted into answers, to see that each is found.

import { Client, entries } from "../client.mjs";

/** What can be wrong with a page; each says whether it could be done. */
const FAULTS = {
  "a match is lost": (bundle) => lose(bundle, "match"),
  "a match is doubled": (bundle) => {
    const [first] = entries(bundle, "match");
    if (first) bundle.entry.push(first);
    return Boolean(first);
  },
  "a foreign match": (bundle) => {
    const [first] = entries(bundle, "match");
    if (first) bundle.entry.push({ ...first, resource: { ...first.resource, id: "planted" } });
    return Boolean(first);
  },
  "a wrong total": (bundle) => {
    if (bundle.total === undefined) return false;
    bundle.total += 1;
    return true;
  },
  "an include is lost": (bundle) => lose(bundle, "include"),
  "a changed resource": (body) => {
    const resource = body.resourceType === "Bundle" ? body.entry?.find((entry) => entry.resource)?.resource : body;
    if (!resource?.meta?.versionId) return false;
    resource.meta.versionId += "0";
    return true;
  },
  "another order": (bundle) => {
    if ((bundle.entry ?? []).length < 2) return false;
    bundle.entry.reverse();
    return true;
  },
  refused: (body, answer) => {
    answer.status = 400;
    answer.json = { resourceType: "OperationOutcome", issue: [{ severity: "error", code: "invalid" }] };
    return true;
  },
};

function lose(bundle, mode) {
  const at = (bundle.entry ?? []).findIndex((entry) => entry.search?.mode === mode);
  if (at >= 0) bundle.entry.splice(at, 1);
  return at >= 0;
}

/** Which faults a family of questions has to find. */
const ANY = ["a match is lost", "a match is doubled", "a foreign match", "a wrong total", "refused"];
export const FOUND = {
  parameters: ANY,
  references: ANY,
  several: ANY,
  filters: ANY,
  order: ["a match is lost", "a match is doubled", "another order", "refused"],
  includes: ["a match is lost", "a foreign match", "an include is lost", "refused"],
  interactions: ["a changed resource", "refused"],
};

/** A client whose first answer has a fault. */
export class Faulty extends Client {
  constructor(options, fault) {
    super(options, 1);
    this.fault = fault;
    this.planted = false;
  }

  async send(place, options) {
    const answer = await super.send(place, options);
    if (!this.planted && answer.json) this.planted = FAULTS[this.fault](answer.json, answer);
    return answer;
  }
}

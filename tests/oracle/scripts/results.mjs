// What comes with the matches, in which order, how much of it.

import { entries, matches } from "../client.mjs";
import { client, fixture, path, script, text } from "./script.mjs";

script("_include", async (t) => {
  const bundle = await t.search("Observation?_include=Observation:subject&_count=20");
  const referred = new Set(matches(bundle).map(({ subject }) => subject?.reference).filter(Boolean));
  const brought = entries(bundle, "include").map(({ resource }) => `${resource.resourceType}/${resource.id}`);
  t.equal("what is included", [...brought].sort(), [...referred].sort());
  t.check("matches are counted, includes are not", matches(bundle).length === 20, matches(bundle).length);
  const typed = await t.search("Observation?_include=Observation:subject:Patient&_count=20");
  t.check("of one type", entries(typed, "include").length > 0 && entries(typed, "include").every(({ resource }) => resource.resourceType === "Patient"));
  await t.refused("Observation?_include=Observation:nonsense", 400);
});

script("_revinclude", async (t) => {
  const condition = await fixture("Condition", "subject.reference.startsWith('Patient/')");
  const id = condition.subject.reference.split("/")[1];
  const bundle = await t.search(`Patient?_id=${id}&_revinclude=Condition:patient`);
  const wanted = (await client.all(`Condition?patient=${id}&_count=500`)).map((one) => one.id);
  t.equal("matches", matches(bundle).map((one) => one.id), [id]);
  t.equal("what is included", entries(bundle, "include").map(({ resource }) => resource.id).sort(), wanted.sort());
});

script("_sort", async (t) => {
  for (const [key, sign] of [["birthdate", 1], ["-birthdate", -1]]) {
    const dates = matches(await t.search(`Patient?_sort=${key}&_count=100&birthdate:missing=false`)).map((one) => one.birthDate);
    t.check(key, dates.every((date, at) => at === 0 || Math.sign(date.localeCompare(dates[at - 1])) !== -sign), dates.slice(0, 5));
  }
  const both = matches(await t.search("Patient?_sort=gender,-birthdate&_count=100&birthdate:missing=false&gender:missing=false"));
  const right = both.every((one, at) => at === 0 || both[at - 1].gender < one.gender || (both[at - 1].gender === one.gender && both[at - 1].birthDate >= one.birthDate));
  t.check("two keys", right);
  const updated = matches(await t.search("Patient?_sort=-_lastUpdated&_count=50")).map((one) => Date.parse(one.meta.lastUpdated));
  t.check("-_lastUpdated", updated.every((time, at) => at === 0 || time <= updated[at - 1]));
  await t.refused("Patient?_sort=nonsense", 400);
});

script("_summary and _elements", async (t) => {
  const count = await t.search("Patient?_summary=count");
  t.check("count", count.total > 0 && count.entry === undefined, count);
  const whole = matches(await t.search("Patient?_count=1"))[0];
  const summary = matches(await t.search(`Patient?_id=${whole.id}&_summary=true`))[0];
  t.check("SUBSETTED", path(summary, "meta.tag.where(code = 'SUBSETTED').exists()")[0]);
  t.check("no communication in a summary", summary.communication === undefined && summary.text === undefined);
  const data = matches(await t.search(`Patient?_id=${whole.id}&_summary=data`))[0];
  t.check("data has no narrative", data.text === undefined);
  const narrative = matches(await t.search(`Patient?_id=${whole.id}&_summary=text`))[0];
  t.check("text has little else", narrative.name === undefined && narrative.birthDate === undefined);
  const some = matches(await t.search(`Patient?_id=${whole.id}&_elements=birthDate,gender`))[0];
  t.check("elements", some.name === undefined && some.birthDate === whole.birthDate && some.gender === whole.gender);
});

script("_total and _count", async (t) => {
  const all = await client.all("Patient?_count=500");
  const accurate = await t.search("Patient?_total=accurate&_count=3");
  t.equal("accurate", accurate.total, all.length);
  t.equal("_count", matches(accurate).length, 3);
  t.equal("none", (await t.search("Patient?_total=none&_count=3")).total, undefined);
  const zero = await t.search("Patient?_count=0");
  t.equal("_count=0", [zero.total, zero.entry], [all.length, undefined]);
  const ids = (await client.all("Patient?_count=37")).map(({ id }) => id);
  t.equal("pages", [ids.length, new Set(ids).size], [all.length, all.length]);
});

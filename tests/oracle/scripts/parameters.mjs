// What is searched for.

import { matches } from "../client.mjs";
import { client, fixture, options, path, script, text } from "./script.mjs";

script("search by id", async (t) => {
  const patient = await fixture("Patient", "id.exists()");
  const bundle = await t.search(`Patient?_id=${patient.id}&_total=accurate`);
  t.equal("matches", matches(bundle).map(({ id }) => id), [patient.id]);
  t.equal("total", bundle.total, 1);
  t.equal("mode", bundle.entry[0].search.mode, "match");
  t.check("fullUrl", bundle.entry[0].fullUrl.endsWith(`/Patient/${patient.id}`), bundle.entry[0].fullUrl);
  const none = await t.search("Patient?_id=does-not-exist&_total=accurate");
  t.equal("nobody", [none.total, none.entry], [0, undefined]);
});

script("search by gender", async (t) => {
  for (const gender of ["male", "female"]) {
    t.all(gender, await t.search(`Patient?gender=${gender}&_count=100`), `gender = '${gender}'`);
    const system = await t.search(`Patient?gender=${text(`http://hl7.org/fhir/administrative-gender|${gender}`)}&_count=100`);
    t.all(`${gender} with its system`, system, `gender = '${gender}'`);
  }
  const other = await t.search("Patient?gender:not=female&_count=200");
  t.all(":not", other, "gender.empty() or gender != 'female'");
  const both = await t.search("Patient?gender=male,female&_total=accurate&_count=0");
  const [men, women] = [await t.search("Patient?gender=male&_summary=count"), await t.search("Patient?gender=female&_summary=count")];
  t.equal("a comma is or", both.total, men.total + women.total);
});

script("search by birthdate", async (t) => {
  const patient = await fixture("Patient", "birthDate.length() = 10");
  const date = patient.birthDate;
  for (const [value, expression] of [
    [date, `birthDate = @${date}`],
    [`eq${date}`, `birthDate = @${date}`],
    [`ge${date}`, `birthDate >= @${date}`],
    [`le${date}`, `birthDate <= @${date}`],
    [date.slice(0, 7), `birthDate.toString().startsWith('${date.slice(0, 7)}')`],
    [date.slice(0, 4), `birthDate.toString().startsWith('${date.slice(0, 4)}')`],
  ]) {
    const bundle = await t.search(`Patient?birthdate=${value}&_count=500`);
    t.all(value, bundle, expression);
    t.has(value, bundle, patient.id);
  }
  for (const value of [`gt${date}`, `lt${date}`, `ne${date}`, `sa${date}`, `eb${date}`]) {
    const bundle = await t.search(`Patient?birthdate=${value}&_count=500`);
    t.check(`${value} leaves it out`, !matches(bundle).some(({ id }) => id === patient.id));
  }
  const year = Number(date.slice(0, 4));
  const range = await t.search(`Patient?birthdate=ge${year}&birthdate=lt${year + 1}&_count=500`);
  t.all("a range", range, `birthDate.toString().startsWith('${year}')`);
  await t.refused("Patient?birthdate=yesterday", 400);
});

script("search by name", async (t) => {
  const patient = await fixture("Patient", "name.family.first().matches('^[A-Z][a-z]{3}') and name.given.exists()");
  const family = path(patient, "name.family.first()")[0];
  const given = path(patient, "name.given.first()")[0];
  for (const place of [
    `family=${text(family)}`,
    `family=${text(family.slice(0, 3))}`,
    `family=${text(family.toUpperCase())}`,
    `family=${text(family.normalize("NFD").replace(/[\u0300-\u036f]/g, ""))}`,
    `name=${text(family)}`,
    `name=${text(given)}`,
    `given=${text(given)}`,
    `family:exact=${text(family)}`,
    `family:contains=${text(family.slice(1, 4))}`,
    `family=${text(family)}&given=${text(given)}`,
  ]) {
    t.has(place, await t.search(`Patient?${place}&_count=500`), patient.id);
  }
  t.all(":exact", await t.search(`Patient?family:exact=${text(family)}&_count=500`), `name.family contains '${family.replaceAll("'", "\\'")}'`);
  const other = await t.search(`Patient?family:exact=${text(family.toLowerCase() === family ? family.toUpperCase() : family.toLowerCase())}&_count=500`);
  t.check(":exact heeds the case", !matches(other).some(({ id }) => id === patient.id));
  const part = await t.search(`Patient?family=${text(family.slice(1))}&_count=500`);
  t.check("without :contains the start counts", !matches(part).some((one) => one.id === patient.id && !path(one, "name.family").some((name) => name.toLowerCase().startsWith(family.slice(1).toLowerCase()))));
});

script("search by identifier", async (t) => {
  const patient = await fixture("Patient", "identifier.where(system.exists() and value.exists()).exists()");
  const { system, value } = patient.identifier.find((one) => one.system && one.value);
  for (const token of [`${system}|${value}`, value]) {
    t.has(token, await t.search(`Patient?identifier=${text(token)}`), patient.id);
  }
  const none = await t.search(`Patient?identifier=${text(`http://nowhere.example|${value}`)}`);
  t.equal("another system", matches(none).length, 0);
});

script("search by code", async (t) => {
  const observation = await fixture("Observation", "code.coding.where(system.exists() and code.exists()).exists() and subject.exists()");
  const { system, code } = observation.code.coding.find((one) => one.system && one.code);
  const expression = `code.coding.where(system = '${system}' and code = '${code}').exists()`;
  t.all("system|code", await t.search(`Observation?code=${text(`${system}|${code}`)}&_count=50`), expression);
  t.all("code", await t.search(`Observation?code=${text(code)}&_count=50`), `code.coding.code contains '${code}'`);
  const subject = observation.subject.reference;
  for (const place of [`subject=${subject}`, `patient=${subject.split("/")[1]}`, `subject:Patient=${subject.split("/")[1]}`, `subject=${text(`${options.base}/${subject}`)}`]) {
    t.all(place, await t.search(`Observation?${place}&code=${text(code)}&_count=50`), `subject.reference = '${subject}'`);
  }
});

script("combo-code", async (t) => {
  const observation = await fixture("Observation", "component.code.coding.exists()");
  const { system, code } = path(observation, "component.code.coding.first()")[0];
  const value = text(`${system}|${code}`);
  const expression = (element) => `${element}.coding.where(system = '${system}' and code = '${code}').exists()`;
  t.all("component-code", await t.search(`Observation?component-code=${value}&_count=50`), expression("component.code"));
  const combo = await t.search(`Observation?combo-code=${value}&_total=accurate&_count=50`);
  t.all("combo-code", combo, `(${expression("code")}) or (${expression("component.code")})`);
  const [own, component] = [await t.search(`Observation?code=${value}&_summary=count`), await t.search(`Observation?component-code=${value}&_summary=count`)];
  t.check("combo-code is either", combo.total >= Math.max(own.total, component.total) && combo.total <= own.total + component.total, combo.total);
});

script("composite", async (t) => {
  const observation = await fixture("Observation", "(value is Quantity) and value.value.exists() and code.coding.code.exists()");
  const { code } = observation.code.coding[0];
  const { value } = observation.valueQuantity;
  t.has("code-value-quantity", await t.search(`Observation?code-value-quantity=${text(`${code}$${value}`)}&_count=1000`), observation.id);
  t.all("code-value-quantity", await t.search(`Observation?code-value-quantity=${text(`${code}$gt${value}`)}&_count=50`), `code.coding.code contains '${code}' and value.value > ${value}`);
  const blood = await fixture("Observation", "component.where(value is Quantity and value.value.exists()).exists()");
  const component = path(blood, "component.where(value is Quantity and value.value.exists()).first()")[0];
  const pair = `${component.code.coding[0].code}$${component.valueQuantity.value}`;
  t.has("component-code-value-quantity", await t.search(`Observation?component-code-value-quantity=${text(pair)}&subject=${blood.subject.reference}&_count=500`), blood.id);
});

script("chains", async (t) => {
  const observation = await fixture("Observation", "subject.reference.startsWith('Patient/')");
  const id = observation.subject.reference.split("/")[1];
  const patient = await client.ok(`Patient/${id}`);
  const family = path(patient, "name.family.first()")[0];
  t.has("subject:Patient.family", await t.search(`Observation?subject:Patient.family=${text(family)}&_id=${observation.id}`), observation.id);
  t.has("patient.name", await t.search(`Observation?patient.name=${text(family)}&_id=${observation.id}`), observation.id);
  const none = await t.search("Observation?subject:Patient.family=zzqxj");
  t.equal("nobody's", matches(none).length, 0);
});

script("_has", async (t) => {
  const observation = await fixture("Observation", "code.coding.code.exists() and subject.reference.startsWith('Patient/')");
  const { code } = observation.code.coding[0];
  const id = observation.subject.reference.split("/")[1];
  const bundle = await t.search(`Patient?_has:Observation:patient:code=${text(code)}&_count=500`);
  t.has("_has", bundle, id);
  for (const patient of matches(bundle).slice(0, 3)) {
    const found = await t.search(`Observation?patient=${patient.id}&code=${text(code)}&_summary=count`);
    t.check(`${patient.id} has one`, found.total > 0);
  }
  const none = await t.search("Patient?_has:Observation:patient:code=zzqxj");
  t.equal("nobody", matches(none).length, 0);
});

script(":missing", async (t) => {
  t.all("false", await t.search("Patient?birthdate:missing=false&_count=50"), "birthDate.exists()");
  const absent = matches(await t.search("Patient?birthdate:missing=true&_count=50"));
  t.check("true", absent.every((one) => one.birthDate === undefined));
});

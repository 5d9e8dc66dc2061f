// What of the hospital stands for what the TestScripts of Ignixa Lab create, script by script.
//
// `fixtures` are resources that are here, by the name of the fixture; one that is not named is not to be had. `values` are texts of
// the script and what says the same of those resources. `own` are the systems by which a script marks all that it creates. `skip` are
// tests, `amend` asserts (`test: description`) that are left out, each with the reason.

import { all, first, path, statement } from "./hospital.mjs";

const OWN = "http://fhir262/test";
const SUITE = "http://ignixa.io/testscript/suite";
const family = (one) => one.name?.[0]?.family;
const reference = (one) => `${one.resourceType}/${one.id}`;
const claims = (type, parameter) => statement.rest[0].resource.find((one) => one.type === type)?.searchParam?.some(({ name }) => name === parameter);
const fixtures = (found) => Object.fromEntries(Object.entries(found).filter(([, one]) => one));
const token = ({ system, code, value }) => `${system}|${code ?? value}`;

export const SCRIPTS = {
  "Foundation/metadata": async () => ({
    skip: { "metadata with an invalid _elements value returns 400 Bad Request": "an empty list of elements; R4 does not say that it is refused" },
    amend: {
      "metadata returns a well-formed CapabilityStatement advertising patient-everything: CapabilityStatement should advertise the patient-everything operation with its canonical definition URI (warningOnly: server-specific extension)":
        "the name and address of Microsoft's server",
    },
  }),

  "Regression/capability-statement-version": async () => ({}),

  "Search/basic": async () => {
    const patients = (await all("Patient")).filter((one) => /^\p{Script=Latin}{4,}/u.test(family(one) ?? "") && one.birthDate?.length === 10 && one.identifier?.[0]?.system && one.identifier[0].value);
    for (const a of patients) {
      const start = family(a).slice(0, 3);
      const c = patients.find((one) => one !== a && family(one).startsWith(start) && one.birthDate > a.birthDate);
      const b = c && patients.find((one) => !family(one).startsWith(start) && one.birthDate > a.birthDate);
      if (!b) continue;
      const born = [b.birthDate, c.birthDate].sort()[0];
      return {
        own: [OWN],
        fixtures: { "patient-a": a, "patient-b": b, "patient-c": c },
        values: { [`${OWN}|MRN-001`]: token(a.identifier[0]), smi: start.toLowerCase(), "1985-01-01": born },
      };
    }
    return {};
  },

  "Search/id": async () => {
    const patients = await all("Patient");
    const a = patients.find((one) => one.generalPractitioner);
    const b = patients.find((one) => one.active === false);
    const c = patients.find((one) => one.active === true && one !== a);
    return { fixtures: fixtures({ loc: a, "hs-a": a, "hs-b": b, "hs-c": c }), values: { HealthcareService: "Patient", location: "general-practitioner" } };
  },

  "Search/pagination": async () => {
    const patients = (await all("Patient")).slice(0, 5);
    return {
      own: ["http://fhir262/pagination"],
      fixtures: Object.fromEntries(patients.map((one, at) => [`page-p${at + 1}`, one])),
      amend: { "_count limits page size: total should report at least 5 matches across all pages": "it was not asked for, and Bundle.total is optional" },
    };
  },

  "Search/sort": async () => {
    const patients = (await all("Patient")).filter((one) => one.birthDate?.length === 10);
    const five = Object.fromEntries(patients.slice(0, 5).map((one, at) => [`patient-p${at + 1}`, one]));
    // The second is the eldest, the third the youngest; the third was changed last, the first long ago.
    const updated = (one) => Date.parse(one.meta.lastUpdated);
    for (const s1 of patients) {
      for (const s2 of patients.filter((one) => one.birthDate < s1.birthDate && updated(one) > updated(s1))) {
        const s3 = patients.find((one) => one.birthDate > s1.birthDate && updated(one) > updated(s2));
        if (s3) return { fixtures: { ...five, "patient-s1": s1, "patient-s2": s2, "patient-s3": s3 } };
      }
    }
    const [s2, s1, s3] = [...new Map(patients.map((one) => [one.birthDate, one])).values()].sort((a, b) => (a.birthDate < b.birthDate ? -1 : 1));
    return {
      fixtures: { ...five, "patient-s1": s1, "patient-s2": s2, "patient-s3": s3 },
      skip: { "_sort=-_lastUpdated descending by system param": "no three patients here were changed in the order that it wants" },
    };
  },

  "Search/string-modifiers": async () => {
    const patients = await all("Patient");
    const given = (one) => (one.name?.flatMap((name) => name.given ?? []) ?? []);
    // One given name is the beginning of another: what `:exact` tells apart.
    const long = patients.find((one) => given(one).some((name) => patients.some((other) => given(other).some((text) => text.length > 2 && name.startsWith(`${text} `)))));
    const text = long && patients.flatMap(given).find((one) => one.length > 2 && given(long).some((name) => name.startsWith(`${one} `)));
    const exact = text && patients.find((one) => given(one).includes(text));
    // Three families that have some letters in common, in the middle and elsewhere.
    const part = contained(patients.map(family).filter(Boolean));
    const having = part ? [...new Map(patients.filter((one) => family(one)?.includes(part)).map((one) => [family(one), one])).values()] : [];
    const typed = patients.find((one) => one.identifier?.some(({ type, value }) => type?.coding?.[0]?.system && type.coding[0].code && value));
    const identifier = typed?.identifier.find(({ type, value }) => type?.coding?.[0]?.system && type.coding[0].code && value);
    return {
      own: [OWN],
      fixtures: fixtures({
        "patient-exact-smith": exact,
        "patient-exact-smithson": long,
        "patient-ct-anderson": having[0],
        "patient-ct-sonder": having[1],
        "patient-ct-samsonite": having[2],
        "patient-ct-brown": patients.find((one) => family(one) && !one.name.some((name) => name.family?.toLowerCase().includes(part?.toLowerCase()))),
        "patient-mi-full": patients.find((one) => one.gender && one.birthDate),
        "patient-mi-empty": patients.find((one) => !one.gender && !one.birthDate),
        "patient-nt-male": patients.find((one) => one.gender === "male"),
        "patient-nt-female": patients.find((one) => one.gender === "female"),
        "patient-nt-other": patients.find((one) => one.gender === "other"),
        "patient-nt-none": patients.find((one) => !one.gender),
        "patient-ot-mr": typed,
      }),
      values: {
        "family:exact=Smith": `given:exact=${text}`,
        "family:exact=smith": `given:exact=${text?.toLowerCase()}`,
        "family:contains=son": `family:contains=${part}`,
        "family:contains=SON": `family:contains=${part?.toUpperCase()}`,
        ...(identifier && { "http://terminology.hl7.org/CodeSystem/v2-0203|MR|12345": `${token(identifier.type.coding[0])}|${identifier.value}` }),
      },
      skip: { "contains: url:contains=acme matches ValueSet URL substring": "R4 has no :contains for a uri" },
    };
  },

  "Search/token": async () => {
    const codings = (await all("Observation")).flatMap((one) => (one.code?.coding ?? []).slice(0, 1).map((coding) => ({ one, ...coding }))).filter(({ system, code }) => system && code);
    const systems = group(codings, ({ system }) => system);
    // It asks for a hundred: a system that has fewer, and a code of it that two have.
    const [system, few] = [...systems].find(([, list]) => list.length < 100 && twice(list)) ?? [];
    if (!system) return {};
    const { code, one } = twice(few);
    const other = codings.find((coding) => coding.system !== system && coding.code !== code);
    const third = codings.find((coding) => coding.system !== system && ![code, other.code].includes(coding.code));
    const fourth = few.find((coding) => coding.code !== code);
    const patient = await first("Patient", "identifier.where(system.exists() and value.exists()).exists()");
    const identifier = patient?.identifier.find((each) => each.system && each.value);
    const here = `${SUITE}/token-sys`;
    return {
      own: [`${SUITE}/token`],
      fixtures: fixtures({ "obs-o1": one, "obs-o2": other?.one, "obs-o4": fourth?.one, "obs-o5": third?.one, "obs-o6": few.find((coding) => coding.code === code && coding.one !== one).one, "patient-idq": patient }),
      values: {
        [`${here}-b|code2`]: token(other), [`${here}-a`]: system, code1: code, code3: third?.code,
        [`${SUITE}/token-idq-sys`]: identifier?.system, "token-idq-code": identifier?.value,
      },
      skip: {
        "token: :text modifier matches 'free'": "the codes of observations here are all coded; no two share free text",
        "token: :text modifier matches 'aux'": "the codes of observations here are all coded; no two share free text",
        "token: code-only, explicit empty system (|code)": "no code here is without a system",
      },
    };
  },

  "Search/composite": async () => {
    const observations = await all("Observation");
    const pressure = observations.find((one) => one.component?.length > 1 && one.component.every(({ valueQuantity }) => valueQuantity) && one.component[0].valueQuantity.value !== one.component[1].valueQuantity.value);
    const measured = [...group(observations.filter((one) => one.valueQuantity?.code && one.code.coding?.[0]?.system), (one) => token(one.code.coding[0])).values()].map(([one]) => one);
    const [first, second] = measured;
    const [systolic, diastolic] = pressure?.component ?? [];
    const number = (one) => one.valueQuantity.value;
    const unit = (one) => `${one.valueQuantity.system}|${encodeURIComponent(one.valueQuantity.code)}`;
    const code = (one) => token(one.code.coding[0]);
    return {
      own: [`${SUITE}/composite`],
      fixtures: fixtures({ "obs-bloodpressure": pressure, "obs-apgar20": first, "obs-temperature": second }),
      values: {
        "http://loinc.org|8480-6$107|http://unitsofmeasure.org|mm%5BHg%5D": systolic && `${code(systolic)}$${number(systolic)}|${unit(systolic)}`,
        "http://loinc.org|8480-6$60": systolic && `${code(systolic)}$${number(diastolic)}`,
        "http://snomed.info/sct|443849008$eq10|http://unitsofmeasure.org|%7Bscore%7D": `${code(first)}$eq${number(first)}|${unit(first)}`,
        "http://snomed.info/sct|443849008$ne10|http://unitsofmeasure.org|%7Bscore%7D": `${code(first)}$ne${number(first)}|${unit(first)}`,
        "http://snomed.info/sct|443849008$10|http://unitsofmeasure.org|%7Bscore%7D": `${code(first)}$${number(first)}|${unit(first)}`,
        "unknownSystem|443849008$10": `unknownSystem|${first.code.coding[0].code}$${number(first)}`,
        "443849008$10": `${first.code.coding[0].code}$${number(first)}`,
        "http://loinc.org|8310-5$39|http://unitsofmeasure.org|Cel": `${code(second)}$${number(second)}|${unit(second)}`,
      },
      skip: {
        "code-value-quantity: mixed prefix OR": "it wants an Apgar score of 0",
        "combo-code-value-concept: matches when code and value come from the same component (20 minute Apgar color)": "no component here has a code for its value",
        "combo-code-value-concept: OR via comma matches both Apgar observations": "no component here has a code for its value",
      },
    };
  },

  "Search/chaining": async () => {
    const observations = await all("Observation");
    const coded = (code) => new Map(observations.filter((one) => path(one, `code.coding.where(code = '${code}').exists()`)[0]).map((one) => [one.subject?.reference, one]));
    const [rate, weight] = [coded("8867-4"), coded("29463-7")];
    const patients = await all("Patient");
    const doctors = new Map((await all("Practitioner")).map((one) => [reference(one), one]));
    const doctor = (one) => doctors.get(one.generalPractitioner?.[0].reference);
    const pa = patients.find((one) => family(one) && rate.has(reference(one)) && weight.has(reference(one)) && family(doctor(one) ?? {}));
    const pb = patients.find((one) => !rate.has(reference(one)) && !weight.has(reference(one)) && pa && doctor(one) !== doctor(pa));
    if (!pb) return {};
    // It expects no other data than its own: of what is here it wants all on one page.
    return {
      own: [OWN],
      fixtures: { "org-acme": doctor(pa), "patient-pa": pa, "patient-pb": pb, "obs-1": rate.get(reference(pa)), "obs-2": weight.get(reference(pa)) },
      values: {
        "organization.name=ACME%20Corp": `general-practitioner.family=${family(doctor(pa))}&_count=500`,
        "subject:Patient.family=Smith": `subject:Patient.family=${family(pa)}`,
        "code=8867-4": "code=8867-4&_count=500",
        "code=29463-7": "code=29463-7&_count=500",
        "Patient/fhir262-chain-pa/Observation": `${reference(pa)}/Observation?_count=500`,
      },
    };
  },

  "Search/includes": async () => {
    const patients = new Map((await all("Patient")).map((one) => [reference(one), one]));
    const doctors = new Map((await all("Practitioner")).map((one) => [reference(one), one]));
    const reports = await all("DiagnosticReport");
    const found = (await all("Observation")).map((observation) => {
      const patient = patients.get(observation.subject?.reference);
      const doctor = patient?.generalPractitioner?.map((one) => doctors.get(one.reference)).find((one) => one && observation.performer?.some((each) => each.reference === reference(one)));
      const report = reports.find((one) => !one.specimen && one.result?.some((each) => each.reference === reference(observation)));
      return { observation, patient, doctor, report };
    });
    // Who notes an observation is best the patient's own doctor, and the observation is best in a report.
    const rank = ({ doctor, report, patient }) => (doctor ? 2 : 0) + (report ? 1 : 0) + (patient ? 0 : -9);
    const { observation, patient, doctor, report } = found.sort((a, b) => rank(b) - rank(a))[0];
    return {
      // The reference that this hospital keeps of a patient.
      values: { "Patient:organization": "Patient:general-practitioner" },
      fixtures: fixtures({ org: doctor, prac1: doctor, pat1: patient, obs1: observation, dr1: report }),
      amend: {
        "_include with no target type resolves references of any type: Untyped _include=Observation:performer must also pull in the Organization performer": "observations here are performed by practitioners alone",
      },
      skip: {
        ...(!claims("DiagnosticReport", "specimen") && { "specimen:missing=true combined with _include still includes the referenced resource": "no report here has a specimen" }),
        "_include:iterate on a same-type chain performs a single iteration, not unbounded recursion": "R4 lets :iterate go on; and no three organizations here are parts of each other",
      },
    };
  },

  "CRUD/read": async () => ({ fixtures: { "observation-read-fixture": (await all("Observation"))[0] } }),

  "CRUD/vread": async () => ({ fixtures: { "observation-vread-fixture": (await all("Observation"))[0] } }),

  "CRUD/history": async () => ({
    skip: { "_summary=count on history returns totals without entries": "the statement claims no _summary of a history" },
  }),

  "Operations/expand-operation": async () => {
    const systems = new Map((await all("CodeSystem")).map((one) => [one.url, one]));
    const sets = (await all("ValueSet")).filter((one) => one.compose?.include?.some(({ system }) => systems.get(system)?.content === "complete"));
    const code = systems.get(sets[0]?.compose.include[0].system)?.concept?.[0]?.code;
    return {
      fixtures: fixtures({ "vs-fhir-version": sets[0], "vs-account-status": sets[1] }),
      values: { "http://ignixa.io/testscript/valueset/expand-fhir-version": sets[0]?.url, "http://ignixa.io/testscript/valueset/expand-account-status": sets[1]?.url, "4.0.1": code },
      skip: {
        "$expand instance-level: uses the ValueSet's own canonical url, ignoring an incoming url parameter": "R4 does not say that it is ignored; two different value sets in one request are refused here",
      },
    };
  },

  "Operations/validate-code-operation": async () => {
    const systems = new Map((await all("CodeSystem")).map((one) => [one.url, one]));
    const set = await first("ValueSet", (one) => systems.get(one.compose?.include?.[0]?.system)?.concept?.length);
    const system = systems.get(set?.compose.include[0].system);
    return {
      fixtures: fixtures({ "cs-validate-code-demo": system, "vs-validate-code-demo": set }),
      values: {
        "http://ignixa.io/testscript/codesystem/validate-code-demo": system?.url,
        "code=included": `code=${system?.concept[0].code}`,
        // What R4 calls it there.
        "CodeSystem/$validate-code?system=": "CodeSystem/$validate-code?url=",
      },
      skip: { "ValueSet/$validate-code: code valid in the code system but excluded from the ValueSet is invalid": "a value set here has all of its code system" },
    };
  },

  "Operations/subsumes-operation": async () => {
    const tree = await first("CodeSystem", (one) => one.concept?.length > 1 && one.concept.some(({ concept }) => concept?.length));
    const system = tree ?? (await first("CodeSystem", (one) => one.concept?.length > 1 && !one.hierarchyMeaning && !one.property));
    const parent = system?.concept.find(({ concept }) => concept?.length || !tree);
    return {
      fixtures: fixtures({ "cs-subsumes-demo": system }),
      values: {
        "http://ignixa.io/testscript/codesystem/subsumes-demo": system?.url,
        "root-condition": parent?.code,
        "specific-condition": parent?.concept?.[0].code,
        "unrelated-condition": system?.concept.find((one) => one !== parent).code,
      },
      skip: tree ? {} : Object.fromEntries(["parent code subsumes its child", "child code is subsumed-by its parent"].map((one) => [`$subsumes: ${one}`, "no code system here is a tree"])),
    };
  },

  "Operations/lookup-operation": async () => {
    const system = await first("CodeSystem", (one) => one.concept?.filter(({ display }) => display).length > 1);
    const [alpha, beta] = system?.concept.filter(({ display }) => display) ?? [];
    return {
      fixtures: fixtures({ "cs-lookup-demo": system }),
      values: { "http://ignixa.io/testscript/codesystem/lookup-demo": system?.url, alpha: alpha?.code, beta: beta?.code, "Alpha Code": alpha?.display, "Beta Code": beta?.display },
    };
  },
};

function group(list, key) {
  const groups = new Map();
  for (const one of list) groups.set(key(one), [...(groups.get(key(one)) ?? []), one]);
  return groups;
}

/** The first of those whose code another one has too. */
function twice(codings) {
  return codings.find(({ code, one }) => codings.some((other) => other.code === code && other.one !== one) && codings.some((other) => other.code !== code));
}

/** Three letters that three different texts have, not all of them at the start. */
function contained(texts) {
  const different = [...new Set(texts)];
  for (const text of different) {
    for (let at = 1; at + 3 <= text.length; at += 1) {
      const part = text.slice(at, at + 3);
      if (/^\p{Script=Latin}+$/u.test(part) && different.filter((one) => one.includes(part)).length >= 3) return part;
    }
  }
  for (const text of different) {
    for (let at = 1; at + 2 <= text.length; at += 1) {
      const part = text.slice(at, at + 2);
      if (/^\p{Script=Latin}+$/u.test(part) && different.filter((one) => one.includes(part)).length >= 3) return part;
    }
  }
  return undefined;
}

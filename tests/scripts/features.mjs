// Runs feature files (Gherkin) of gematik's ISiK test suite, which expects its data to be in the system that it tests and is told
// their ids: https://github.com/gematik/isik-testsuite
//
// Left out are the judgements by the German profiles of ISiK, of which a hospital elsewhere knows nothing. The steps are those of
// Tiger (https://github.com/gematik/app-Tiger) in our own words: an answer must be 200, of the type that was asked for.

import { ask, path, replaced, statement, valid } from "./hospital.mjs";
import { Record } from "./record.mjs";

/** What stands for `data` (ids that it is told) and for `values` (texts of its own data); `skip` are scenarios, `lines` parts of
 * expressions that are left out, each with the reason. */
export async function run(source, name, text, { data = {}, values = {}, skip = {}, lines = {} }) {
  await new Run(new Record(source, name), { data, values, skip, lines }).all(scenarios(text));
}

/** `{ name, steps }`, one for each row of examples. */
function scenarios(text) {
  const found = [];
  let rows;
  let quoted;
  for (const line of text.split("\n").map((one) => one.trim())) {
    const last = found.at(-1);
    const scenario = /^Scenario(?: Outline)?: (.*)$/.exec(line);
    if (line === '"""') quoted = quoted ? void last.steps.at(-1).lines.push(...quoted) : [];
    else if (quoted) quoted.push(...(line ? [line] : []));
    else if (line.startsWith("#") || line.startsWith("@")) continue;
    else if (scenario) {
      found.push({ name: scenario[1], steps: [], examples: [] });
      rows = undefined;
    } else if (line.startsWith("Examples:")) rows = [];
    else if (line.startsWith("|") && rows) {
      const cells = line.split("|").slice(1, -1).map((cell) => cell.trim());
      rows.push(cells);
      if (rows.length > 1) last.examples.push(Object.fromEntries(rows[0].map((key, at) => [key, cells[at]])));
    } else if (/^(Given|When|Then|And|But) /.test(line)) last.steps.push({ text: line.replace(/^\w+ /, ""), lines: [] });
  }
  return found.flatMap(({ name, steps, examples }) =>
    (examples.length ? examples : [{}]).map((row) => {
      const fill = (each) => each.replace(/<(\w+)>/g, (all, key) => row[key] ?? all);
      return { name, row: Object.values(row).join(" "), steps: steps.map(({ text, lines }) => ({ text: fill(text), lines: lines.map(fill) })) };
    }),
  );
}

class Run {
  constructor(record, { data, values, skip, lines }) {
    Object.assign(this, { record, data, skip, lines });
    this.values = new Map(Object.entries(values).filter(([, value]) => value !== undefined));
    for (const [text, here] of [...Object.entries(data), ...this.values]) record.say(text, here);
    this.lacking = Object.entries(values).filter(([, value]) => value === undefined).map(([name]) => name);
  }

  async all(scenarios) {
    for (const scenario of scenarios) {
      const named = [scenario.name, `${scenario.name} (${scenario.row})`];
      const why = named.map((name) => this.skip[name]).find(Boolean) ?? this.lost(scenario);
      if (/^(Vorbedingung|Precondition)$/.test(scenario.name)) continue;
      if (why) this.record.leave(named[scenario.row ? 1 : 0], why);
      else await this.scenario(scenario, named[scenario.row ? 1 : 0]);
    }
  }

  /** Why a scenario cannot be asked here: it is told something that is not here. */
  lost({ steps }) {
    const text = steps.map((step) => [step.text.split(" with error message ")[0], ...step.lines].join(" ")).join(" ");
    const told = [...text.matchAll(/\$\{data\.([\w-]+)\}/g)].map(([, name]) => name).find((name) => this.data[name] === undefined);
    const lacking = this.lacking.find((name) => text.includes(name) || text.includes(encodeURIComponent(name)));
    return told ? `nothing here can stand for ${told}` : lacking && `nothing here can stand for «${lacking}»`;
  }

  async scenario({ steps }, name) {
    for (const step of steps) {
      const sentence = step.text.replace(/ with error message .*$/, "");
      await this.step(name, sentence, step.lines.filter((line) => this.kept(name, line)));
    }
  }

  /** Whether a line of expressions is judged. */
  kept(name, line) {
    const part = Object.keys(this.lines).find((one) => line.includes(one));
    if (part) this.record.leave(`${name}: ${line}`, this.lines[part]);
    return !part;
  }

  /** A text of the script in the words of what is here. */
  here(text, write = (value) => value) {
    const told = text.replace(/\$\{data\.([\w-]+)\}/g, (_, name) => this.data[name]);
    return replaced(told, this.values, write);
  }

  async step(name, text, lines) {
    const check = (what, found) => this.record.check(`${name}: ${what}`, found === true, found, [this.request]);
    const [, address, type] = /^Get FHIR resource at "http:\/\/fhirserver\/(.*)" with content type "(\w+)"$/.exec(text) ?? [];
    if (address) {
      await this.get(address, type);
      check("is answered", this.answer.status === 200 || `${this.answer.status} ${this.answer.text.slice(0, 200)}`);
      return check(`is ${type}`, this.answer.headers["content-type"].startsWith(`application/fhir+${type}`) || this.answer.headers["content-type"]);
    }
    if (/^FHIR current response body evaluates the FHIRPaths:$/.test(text)) return lines.forEach((line) => check(line, this.holds(line)));
    const [, , expression] = /^FHIR current response body evaluates the FHIRPath (["'])(.*)\1$/.exec(text) ?? [];
    if (expression) return check(expression, this.holds(expression));
    const [, capability, of] = /^CapabilityStatement contains interaction "([\w-]+)" for resource "(\w+)"$/.exec(text) ?? [];
    if (capability) return check(text, this.claims(of, "interaction", (one) => one.code === capability));
    const [, parameter, kind, owner] = /^CapabilityStatement contains definition of search parameter "([\w-]+)" of type "(\w+)" for resource "(\w+)"$/.exec(text) ?? [];
    if (parameter) return check(text, this.claims(owner, "searchParam", (one) => one.name === parameter && one.type === kind));
    const [, wanted] = /^response bundle contains resource with ID "(.*)"$/.exec(text) ?? [];
    if (wanted) return check(text, this.ids().includes(this.here(wanted)) || this.ids().slice(0, 9));
    const [, unwanted] = /^bundle does not contain resource "\w+" with ID "(.*)"$/.exec(text) ?? [];
    if (unwanted) return check(text, !this.ids().includes(this.here(unwanted)));
    const [, element, target] = /^element "(\w+)" in all bundle resources references resource with ID "(.*?)\$?"$/.exec(text) ?? [];
    if (element) {
      const bad = this.resources().find((one) => ![one[element]].flat().some((each) => `/${each?.reference}`.endsWith(`/${this.here(target)}`)));
      return check(text, !bad || bad.id);
    }
    const [, profile] = /^FHIR current response body is a valid CORE resource and conforms to profile "(.*)"$/.exec(text) ?? [];
    if (profile) return check(text, valid(this.resource));
    const [, header] = /^TGR current response with attribute "\$\.header\.\[~'content-type'\]" matches "(.*)"$/.exec(text) ?? [];
    if (header) return check(text, new RegExp(header.replace(/\(\?i\)/g, ""), "i").test(this.answer.headers["content-type"]) || this.answer.headers["content-type"]);
    const [, code] = /^TGR current response with attribute "\$\.responseCode" matches "(.*)"$/.exec(text) ?? [];
    if (code) return check(text, new RegExp(`^${code}$`).test(this.answer.status) || this.answer.status);
    if (/is valid isik|is a valid isik|conforms to ISiK/.test(text)) return this.record.leave(`${name}: ${text}`, "a profile of German hospitals");
    if (/^TGR find the last request$/.test(text)) return undefined;
    throw new Error(`a step that is not understood: ${text}`);
  }

  async get(address, type) {
    const place = this.here(decodeURIComponent(address.replace(/%(26|2C|5C|24)/gi, "%25$1")), (value) => value)
      // The hospital's data in place of the script's, as an address has them.
      .replace(/[^\w\-.~:/?&=,|$%@!*'()+]/gu, encodeURIComponent);
    // What is to be ignored is asked for so: https://hl7.org/fhir/R4/search.html#errors
    const lenient = /[?&][\w-]+(=)?(&|$)/.test(place);
    const headers = { accept: `application/fhir+${type}`, ...(lenient && { prefer: "handling=lenient" }) };
    this.answer = await ask(place.replace("/?", "?").replace(/\|/g, "%7C"), { headers });
    this.request = `GET /${place}${lenient ? " Prefer: handling=lenient" : ""}`;
    this.resource = this.answer.resource;
    if (place.includes("/?")) this.record.say("[type]/?", "[type]?, as R4 writes it");
    if (lenient) this.record.say(place, "asked with Prefer: handling=lenient");
  }

  holds(expression) {
    try {
      // HAPI's FHIRPath, which the suite runs on, takes a text in double quotes too.
      const [found] = path(this.resource ?? statement, this.here(expression).replace(/"([^"']*)"/g, "'$1'"));
      return found === true || String(found);
    } catch (error) {
      return error.message;
    }
  }

  claims(type, key, condition) {
    const found = (this.resource?.resourceType === "CapabilityStatement" ? this.resource : statement).rest?.[0].resource.find((one) => one.type === type);
    return found?.[key]?.some(condition) || "not claimed";
  }

  resources() {
    return (this.resource?.entry ?? []).map(({ resource }) => resource).filter(({ resourceType }) => resourceType !== "OperationOutcome");
  }

  ids() {
    return this.resources().map(({ id }) => id);
  }
}

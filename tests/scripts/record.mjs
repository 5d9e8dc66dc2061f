// What the scripts found, by script and by what they look at.

/** What is looked at, by the requests that a check follows; of a shell script all its requests, since only it knows which. */
const SUBJECTS = {
  capability: /\/metadata/,
  "search by id": /[?&]_id=/,
  "search by gender": /[?&]gender=/,
  "search by birthdate": /[?&]birthdate=/,
  "search by code": /^[^$]*[?&](component-)?code=/,
  "silent ignore": /handling=lenient/,
  "combo-code": /[?&]combo-code/,
  _has: /[?&]_has:/,
  include: /[?&]_(rev)?include/,
  sort: /[?&]_sort=/,
  ":exact": /:exact=/,
  ":contains": /:contains=/,
  ":not": /:not=/,
  "_summary=count": /_summary=count/,
  "_total=accurate": /_total=accurate/,
  "type history": /\/[A-Z]\w+\/_history/,
  "$expand": /\$expand/,
  "$lookup": /\$lookup/,
};

let scripts = [];
let quiet = false;

/** Forgets what was found; from now on no failure is printed. */
export function forget() {
  scripts = [];
  quiet = true;
}

/** The subjects that were looked at, and of which something failed. */
export function subjects() {
  const every = (key) => new Set(scripts.flatMap((script) => [...script[key].keys()]));
  return { looked: every("subjects"), failed: every("failed") };
}

export class Record {
  constructor(source, name) {
    Object.assign(this, { name: `${source}: ${name}`, checks: 0, failures: 0, left: [], said: [], subjects: new Map(), failed: new Set() });
    scripts.push(this);
  }

  /** A verdict of the script on what `requests` (addresses, and headers that matter) brought; `number` counts for so many. */
  check(what, holds, found, requests = [], number = 1) {
    this.checks += number;
    for (const [subject, pattern] of Object.entries(SUBJECTS)) {
      if (requests.some((request) => pattern.test(request))) this.subjects.set(subject, (this.subjects.get(subject) ?? 0) + number);
    }
    if (holds) return;
    this.failures += 1;
    for (const [subject, pattern] of Object.entries(SUBJECTS)) if (requests.some((request) => pattern.test(request))) this.failed.add(subject);
    if (quiet) return;
    console.log(`FAILED ${this.name}: ${what}: ${requests.at(-1) ?? ""}: found ${JSON.stringify(found)?.slice(0, 300)}`);
  }

  /** What is said otherwise than in the script. */
  say(what, instead) {
    const line = `«${what}» is ${instead}`;
    if (!this.said.includes(line)) this.said.push(line);
  }

  /** What is not asked for, and why. */
  leave(what, why) {
    this.left.push(`${what}: ${why}`);
  }
}

/** Prints it all; whether nothing failed and, when `whole`, everything was looked at. */
export function report(whole) {
  for (const { name, checks, failures, left, said } of scripts) {
    console.log(`${failures ? "FAILED" : checks ? "ok" : "--"} ${name}: ${checks} checks, ${failures} failed, ${left.length} left out`);
    for (const line of said) console.log(`     ${line}`);
    for (const line of left) console.log(`     left out: ${line}`);
  }
  console.log("\nwhat is looked at       checks  scripts");
  let silent = 0;
  for (const subject of Object.keys(SUBJECTS)) {
    const having = scripts.filter(({ subjects }) => subjects.has(subject));
    const checks = having.reduce((sum, { subjects }) => sum + subjects.get(subject), 0);
    // A subject that no script reaches any more proves nothing.
    if (!checks) silent += 1;
    const names = new Set(having.map(({ name }) => name.split(" ").slice(0, 2).join(" ")));
    console.log(`${subject.padEnd(24)}${String(checks).padStart(6)}  ${[...names].join(", ") || "NONE"}`);
  }
  const total = (key) => scripts.reduce((sum, script) => sum + script[key], 0);
  console.log(`\n${scripts.length} scripts, ${total("checks")} checks, ${total("failures")} failures${silent ? `, ${silent} subjects that nothing looks at` : ""}`);
  return total("failures") === 0 && (silent === 0 || !whole);
}

// Public scripts, each source by its own runner.

import fs from "node:fs";

import * as blaze from "./blaze.mjs";
import * as features from "./features.mjs";
import { options } from "./hospital.mjs";
import { SCRIPTS } from "./ignixa.mjs";
import { FEATURES } from "./isik.mjs";
import { found } from "./faults.mjs";
import { Record, report } from "./record.mjs";
import * as shell from "./shell.mjs";
import * as testscripts from "./testscripts.mjs";

const sources = JSON.parse(process.env.SCRIPTS_SOURCES);
const text = (source, name) => fs.readFileSync(`${sources[source]}/${name}`, "utf8");
const chosen = (source, table) => Object.entries(table).filter(([name]) => `${source}: ${name}`.includes(options.only));

/** What stands for the data of a script. A hospital that lacks something for it is no hospital to test with. */
async function told(source, name, stand) {
  try {
    return await stand();
  } catch (error) {
    new Record(source, name).check("what the script needs is here", false, error.stack.split("\n").slice(0, 2).join(" "));
    return {};
  }
}

async function asked() {
  for (const [name, stand] of chosen("ignixa", SCRIPTS)) {
    await testscripts.run("ignixa", name, JSON.parse(text("ignixa", `${name}.json`)), await told("ignixa", name, stand));
  }
  for (const [name, stand] of chosen("isik", FEATURES)) {
    await features.run("isik", name, text("isik", `${name}.feature`), await told("isik", name, stand));
  }
}

if (options["self-test"]) process.exit((await found(asked)) ? 0 : 1);
await asked();
if ("blaze: ".includes(options.only) || options.only.startsWith("blaze")) {
  for (const [name, told] of await blaze.scripts()) {
    if (`blaze: ${name}`.includes(options.only)) await shell.run("blaze", name, sources.blaze, told);
  }
}
process.exit(report(!options.only) ? 0 : 1);

// Runs the shell scripts of Blaze (https://github.com/samply/blaze), which ask a server for what was loaded into it.
//
// They run as they are, by bash, with two commands of bin/ before the others: `curl`, which knows the address and who asks, and
// `blazectl`. What they expect to have been loaded comes as their arguments, or in place of `values` in their text; `skip` are lines
// that are left out, `until` is where the rest is,
// and `left` why a whole script is. Each line that a script begins with a tick is a check that held.

import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { options, replaced } from "./hospital.mjs";
import { Record } from "./record.mjs";

const bin = path.join(path.dirname(fileURLToPath(import.meta.url)), "bin");
const curl = process.env.PATH.split(":").map((folder) => path.join(folder, "curl")).find((file) => fs.existsSync(file));

/** A script of a folder, with arguments. */
export async function run(source, name, folder, { args = [], values = {}, skip = {}, until = [], left }) {
  const record = new Record(source, [name, ...args].join(" ").slice(0, 80));
  if (left) return void record.leave(name, left);
  for (const [text, here] of Object.entries(values)) record.say(text, here);
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scripts-"));
  try {
    fs.copyFileSync(`${folder}/util.sh`, `${scratch}/util.sh`);
    let past = false;
    const lines = fs.readFileSync(`${folder}/${name}`, "utf8").split("\n").filter((line) => {
      if (!past && until.length && line.includes(until[0])) {
        past = true;
        record.leave(`from «${line.trim()}» on`, until[1]);
      }
      if (past) return false;
      const part = Object.keys(skip).find((one) => line.includes(one));
      if (part) record.leave(line.trim(), skip[part]);
      return !part;
    });
    fs.writeFileSync(`${scratch}/${name}`, replaced(lines.join("\n"), new Map(Object.entries(values))));
    const { output, code, requests } = await bash(scratch, name, args);
    judge(record, output, code, requests);
  } finally {
    fs.rmSync(scratch, { recursive: true });
  }
}

function bash(scratch, name, args) {
  const log = `${scratch}/requests`;
  const env = {
    ...process.env, PATH: `${bin}:${process.env.PATH}`, LC_ALL: "C.UTF-8", SCRIPTS_CURL: curl,
    SCRIPTS_BASE: options.base, SCRIPTS_USER: `${options.login}:${options.password}`, SCRIPTS_LOG: log,
  };
  return new Promise((resolve, reject) => {
    const child = spawn("bash", [name, ...args.map(String)], { cwd: scratch, env, timeout: 300_000 });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ output, code, requests: fs.existsSync(log) ? fs.readFileSync(log, "utf8").trim().split("\n") : [] }));
  });
}

function judge(record, output, code, requests) {
  const lines = output.split("\n");
  const held = lines.filter((line) => line.startsWith("✅"));
  const failed = lines.filter((line) => line.startsWith("🆘") || line.startsWith("Fail"));
  if (held.length) record.check("", true, "", requests, held.length);
  for (const line of failed) record.check("", false, line, requests);
  if (code !== 0 && !failed.length) record.check("the script ends well", false, `exit code ${code}: ${output.slice(-300)}`, requests);
  // One that says nothing has looked at nothing.
  if (code === 0 && !held.length) record.check("the script looks at something", false, output.slice(-300), requests);
}

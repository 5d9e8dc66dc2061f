// Public R4 test scripts: HL7's own run as they are written (scripts/hl7.mjs). What Inferno's kits and Touchstone's basic suites look at
// beyond them is not to be had from a registry; that base search behaviour is asked for here in our own words. Those create what they
// search for; this server only reads, so each script starts from rows that exist. Scripts of other projects, word for word: tests/scripts.

import "./scripts/rest.mjs";
import "./scripts/parameters.mjs";
import "./scripts/results.mjs";
import "./scripts/terminology.mjs";
import "./scripts/hl7.mjs";
import { all } from "./scripts/script.mjs";

process.exit((await all()) ? 0 : 1);

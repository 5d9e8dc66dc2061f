// Whether the checks notice a server that answers wrongly.

import { plant } from "./hospital.mjs";
import { forget, subjects } from "./record.mjs";

const FAULTS = {
  "nothing is found": {
    answered(answer) {
      const { resource } = answer;
      for (const name of ["entry", "parameter", "expansion", "rest"]) delete resource?.[name];
      if (resource?.total) resource.total = 0;
      return answer;
    },
  },
  "all is found": { asked: (place) => (/^[A-Z]\w+\?/.test(place) ? place.replace(/\?.*/, "?_count=500") : place) },
  "all is refused": { answered: (answer) => ({ ...answer, status: 500 }) },
};

/** What a fault does not touch: no search is asked for, or whether the one is there, whatever else is. */
const EXEMPT = { "all is found": ["capability", "type history", "$expand", "$lookup", "silent ignore"] };

/** Plants each fault and asks again; whether each is noticed wherever something is looked at. */
export async function found(ask) {
  forget();
  await ask();
  const { looked, failed: before } = subjects();
  // Only what passes without the fault can show it.
  const passing = [...looked].filter((subject) => !before.has(subject));
  let missed = 0;
  for (const [name, fault] of Object.entries(FAULTS)) {
    forget();
    plant(fault);
    await ask();
    const { failed } = subjects();
    const blind = passing.filter((subject) => !failed.has(subject) && !EXEMPT[name]?.includes(subject));
    missed += blind.length;
    console.log(`${blind.length ? "FAILED" : "ok"} ${name}: noticed in ${passing.filter((subject) => failed.has(subject)).length} of ${passing.length} subjects${blind.length ? `, not in ${blind.join(", ")}` : ""}`);
  }
  plant({});
  return missed === 0 && passing.length > 0;
}

// What is asked once for as long as somebody is signed in.

import { metadata, rights } from "./server.js";

let kept = {};

/** Nothing of one user is left to the next. */
export function forget() {
  kept = {};
}

async function once(name, work) {
  kept[name] ??= work().catch((error) => { delete kept[name]; throw error; });
  return kept[name];
}

export const capabilities = () => once("capabilities", metadata);
export const ownRights = () => once("rights", rights);

/** The sources of a type that are closed to the user; none when the rights cannot be had. */
export async function closedSources(type) {
  const all = await ownRights().catch(() => null);
  const sources = all?.types.find((item) => item.type === type)?.sources ?? [];
  return sources.filter((source) => source.closed);
}

// Whether a search answers with the resources that it should.

import { link, matches } from "../client.mjs";

export function query(pairs) {
  return pairs.map(([key, value]) => `${encodeURIComponent(key).replaceAll("%3A", ":")}=${encodeURIComponent(value)}`).join("&");
}

/** What stands against an answer that has to be a Bundle. */
export function refusal(answer) {
  if (answer.status === 200) return undefined;
  const issue = answer.json?.issue?.[0];
  return `${answer.status} ${issue?.details?.text ?? ""} ${issue?.diagnostics ?? answer.text.slice(0, 200)}`;
}

/**
 * Compares all pages of a search with ids that must be there and that may be there. Of larger answers than `whole` the
 * number is compared, and some of the ids: `some`.
 */
export async function compare(client, place, { found, doubtful }, { whole, some, name = (resource) => resource.id }) {
  const size = found.size;
  const large = some !== undefined && size > whole;
  const first = await client.send(large ? `${place}&_summary=count` : `${place}&_count=1000&_elements=id&_total=accurate`);
  const refused = refusal(first);
  if (refused) return refused;
  const wrong = [];
  const { total } = first.json;
  let answered;
  let wanted = found;
  if (large) {
    if (total < size || total > size + doubtful.size) wrong.push(`total ${total}`);
    const asked = new Set(some);
    wanted = new Set([...found].filter((one) => asked.has(one.split("/").at(-1))));
    answered = await client.all(`${place}&_id=${some.join(",")}&_count=1000&_elements=id`);
  } else {
    answered = matches(first.json);
    const next = link(first.json, "next");
    if (next) answered.push(...(await client.all(next)));
    if (total !== answered.length) wrong.push(`total ${total}, ${answered.length} on the pages`);
  }
  const set = new Set(answered.map(name));
  const more = [...set].filter((id) => !wanted.has(id) && !doubtful.has(id));
  const less = [...wanted].filter((id) => !set.has(id));
  if (set.size !== answered.length) wrong.push("doubled");
  if (more.length) wrong.push(`${more.length} too many, as ${more.slice(0, 3).join(" ")}`);
  if (less.length) wrong.push(`${less.length} missing, as ${less.slice(0, 3).join(" ")}`);
  return wrong.length ? `${wrong.join("; ")} of ${size}` : undefined;
}

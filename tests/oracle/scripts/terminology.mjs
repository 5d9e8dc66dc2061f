// Codes and value sets.

import { matches } from "../client.mjs";
import { claimed, client, fixture, script, text } from "./script.mjs";

const operates = (type, name) => claimed.get(type)?.operations.includes(name);

script("$lookup", async (t) => {
  if (!operates("CodeSystem", "lookup")) return void (await t.refused("CodeSystem/$lookup?system=a&code=b", [400, 404, 405]));
  const condition = await fixture("Condition", "code.coding.where(system.exists() and code.exists()).exists()");
  const { system, code } = condition.code.coding.find((one) => one.system && one.code);
  const answer = await client.send(`CodeSystem/$lookup?system=${text(system)}&code=${text(code)}`);
  t.equal("Parameters", [answer.status, answer.json?.resourceType], [200, "Parameters"]);
  t.check("a display", answer.json?.parameter?.some(({ name, valueString }) => name === "display" && valueString));
  await t.refused(`CodeSystem/$lookup?system=${text(system)}&code=zzqxj`, [400, 404, 422]);
});

script("$expand", async (t) => {
  if (!operates("ValueSet", "expand")) return void (await t.refused("ValueSet/$expand?url=a", [400, 404, 405]));
  const sets = (await client.send("ValueSet?_count=5")).json;
  const url = sets ? matches(sets)[0]?.url : undefined;
  const answer = await client.send(`ValueSet/$expand?url=${text(url ?? "http://hl7.org/fhir/ValueSet/administrative-gender")}&count=10`);
  t.equal("a ValueSet", [answer.status, answer.json?.resourceType], [200, "ValueSet"]);
  t.check("with codes", answer.json?.expansion?.contains?.length > 0 && answer.json.expansion.contains.every((one) => one.code));
  await t.refused(`ValueSet/$expand?url=${text("http://nowhere.example/ValueSet/none")}`, [400, 404, 422]);
});

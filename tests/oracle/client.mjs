// A client that knows nothing of FHIR but Bundles and their links.

import http from "node:http";

export class Client {
  constructor({ base, login, password }, sockets = 4) {
    this.base = base;
    this.authorization = "Basic " + Buffer.from(`${login}:${password}`).toString("base64");
    this.agent = new http.Agent({ keepAlive: true, maxSockets: sockets });
    this.requests = 0;
    this.slowest = [];
  }

  /** An answer: status, headers, text, json. `place` is an absolute address or what follows the base. */
  async send(place, { method = "GET", headers = {}, body } = {}) {
    const url = new URL(place.startsWith("http") ? place : `${this.base}/${place}`);
    const started = performance.now();
    this.requests += 1;
    const answer = await new Promise((resolve, reject) => {
      const request = http.request(
        url,
        {
          method,
          agent: this.agent,
          headers: { accept: "application/fhir+json", authorization: this.authorization, ...headers },
        },
        (response) => {
          const parts = [];
          response.on("data", (part) => parts.push(part));
          response.on("error", reject);
          response.on("end", () => {
            const text = Buffer.concat(parts).toString("utf8");
            resolve({ status: response.statusCode, headers: response.headers, text });
          });
        },
      );
      // A connection that was idle for long is closed by the server, perhaps just now.
      request.on("error", (error) => (request.reusedSocket && ["ECONNRESET", "EPIPE"].includes(error.code) ? resolve(undefined) : reject(error)));
      request.end(body);
    });
    if (!answer) return this.send(place, { method, headers, body });
    const time = performance.now() - started;
    if (time > 1000) this.slowest.push([Math.round(time), `${method} ${url.pathname}${url.search}`]);
    answer.time = time;
    if (/json/.test(answer.headers["content-type"] ?? "") && answer.text) answer.json = JSON.parse(answer.text);
    return answer;
  }

  async ok(place, options) {
    const answer = await this.send(place, options);
    if (answer.status !== 200) {
      throw new Error(`${options?.method ?? "GET"} ${place}: ${answer.status} ${answer.text.slice(0, 400)}`);
    }
    return answer.json;
  }

  /** All pages of a search, first to last. */
  async *pages(place) {
    let next = place;
    while (next) {
      const bundle = await this.ok(next);
      yield bundle;
      next = link(bundle, "next");
    }
  }

  /** All matches of a search. */
  async all(place) {
    const found = [];
    for await (const bundle of this.pages(place)) found.push(...matches(bundle));
    return found;
  }
}

export const link = (bundle, relation) => bundle.link?.find((link) => link.relation === relation)?.url;

export const entries = (bundle, mode) => (bundle.entry ?? []).filter((entry) => entry.search?.mode === mode);

export const matches = (bundle) => entries(bundle, "match").map((entry) => entry.resource);

/** What the statement claims: `type → { interactions, parameters: name → type, includes, revincludes, operations }`. */
export function claims(statement) {
  const types = new Map();
  for (const resource of statement.rest[0].resource) {
    types.set(resource.type, {
      interactions: (resource.interaction ?? []).map((interaction) => interaction.code),
      parameters: new Map((resource.searchParam ?? []).map((parameter) => [parameter.name, parameter.type])),
      includes: resource.searchInclude ?? [],
      revincludes: resource.searchRevInclude ?? [],
      operations: (resource.operation ?? []).map((operation) => operation.name),
    });
  }
  return types;
}

/** Does all tasks, some at a time, in order. */
export async function pool(tasks, width, work) {
  let index = 0;
  const lane = async () => {
    while (index < tasks.length) {
      const mine = index++;
      await work(tasks[mine], mine);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}

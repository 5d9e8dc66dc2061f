// Requests that nobody should send. No answer of 500 or more, no reset, none slow.

import net from "node:net";

import { dice as thrown, parse } from "./arguments.mjs";
import { Client, claims } from "./client.mjs";

const options = parse({
  requests: [50_000, "how many"],
  sockets: [16, "connections at a time, kept alive"],
  slow: [2000, "milliseconds that no answer may take"],
  seed: [1, "of the dice; request N of a seed is always the same"],
  only: [-1, "send only this request, and print it with its answer"],
});
const url = new URL(options.base);
const root = url.pathname.replace(/\/$/, "");
const client = new Client(options);
const statement = await client.ok("metadata");
const types = [...claims(statement)].filter(([, claim]) => claim.interactions.includes("search-type"));
const names = types.map(([type]) => type);
const authorization = `Authorization: ${client.authorization}`;
// A link that is real, to be broken.
const bundle = await client.ok(`${names.includes("Patient") ? "Patient" : names[0]}?_count=2`);
const cursor = /_page=([^&]*)/.exec(bundle.link.find((link) => link.relation === "next")?.url ?? "_page=x")[1];

const bytes = (...codes) => Buffer.from(codes);
const long = (length) => "a".repeat(length);
const TEXTS = [
  "%00", "%", "%%", "%zz", "%2", "%C3%28", "%FF%FE", "%ED%A0%80", "%F0%9F%92%89", "%C0%80", "+", "%2B", "%20", "", "%0D%0AX-Injected:1", "%1B[31m",
  "'", "''", "%27%20OR%201=1--", "%27;SELECT%20pg_sleep(3)--", "%22", "%22%7D%2C%7B", "1;DROP%20TABLE%20res_user", "$1", "$$", "%24%7B7*7%7D", "{{7*7}}", "?", "??", "::int", "/*", "--",
  "%25", "_", "%5C", "%5C%5C", "%5C%25", "%5C,", ",", ",,,,", "|", "||", "|||", "%7C", "$", "a$b$c", "a|b|c|d", "%5C|", "%5C",
  "null", "undefined", "true", "false", "NaN", "Infinity", "-Infinity", "-0", "0", "1", "-1", "1e400", "1e-400", "1E5", "0x1F", "99999999999999999999999999", "2147483648", "-2147483649", "9223372036854775808", "1.7976931348623157e309", "0.0000000000000000000000000000000000000001",
  "2024", "2024-02-30", "2024-13", "0000", "0001", "9999", "9999-12-31T23:59:60Z", "-2024", "+2024", "2024-01-01T25:00", "2024-01-01T00:00:00%2B99:99", "eq", "gt", "ap9999", "sa0001-01-01", "ne", "lt-1", "2024-01-01T00:00:00.123456789123Z", "infinity", "epoch", "now",
  "Patient/1", "Patient/", "/1", "//", "../../etc/passwd", "http://[::1", "http://a/b/c/Patient/1", "urn:uuid:x", "#contained", "Patient/1/_history/1", "Observation/1", "Nonsense/1",
  "%E2%80%AE", "%EF%BB%BF", "%C2%A0", "%CC%81%CC%81%CC%81", "%EF%BC%87", "%C4%B0", "%C3%9F", "%EF%AC%81", "%E0%A4%95%E0%A5%8D", "%F0%9D%92%9C",
  "<script>", "%3Cxml%3E", "]]%3E", "&amp;", "javascript:1", "{%22a%22:1}", "[1,2]", "a=b", ";", "a;b",
];
const MODIFIERS = ["", "", "", ":exact", ":contains", ":missing", ":not", ":text", ":in", ":not-in", ":above", ":below", ":of-type", ":identifier", ":Patient", ":iterate", ":", "::", ":exact:exact", ":%00", ":nonsense", ":missing:missing"];
const CONTROLS = ["_id", "_lastUpdated", "_count", "_sort", "_total", "_summary", "_elements", "_include", "_revinclude", "_include:iterate", "_revinclude:iterate", "_has", "_filter", "_type", "_page", "_format", "_pretty", "_contained", "_query", "_text", "_content", "_list", "_profile", "_tag", "_security", "_source", "_explain", "_since", "_at", "_maxresults"];
const FILTERS = ["name eq a", "((((", "not (name eq a)", "name eq \"a", "birthdate gt 2020 and", "a.b.c.d eq 1", "name co '", "name[type eq a].b eq 1", "()", "name pr true", "name xx 1", `${"(".repeat(300)}name eq a${")".repeat(300)}`, `name eq a${" and name eq a".repeat(400)}`];
const METHODS = [...Array(28).fill("GET"), ...Array(6).fill("POST"), "HEAD", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "FOO", "get"];
const HEADERS = [
  "Accept: application/fhir+xml", "Accept: */*;q=0", "Accept: ,,,;;;", "Accept: application/fhir+json;fhirVersion=3.0", `Accept: ${long(4000)}`, "Accept: text/html", "Accept: application/fhir+ndjson", "Accept-Encoding: gzip, br, zstd;q=x", "Accept-Encoding: identity;q=0", "Accept-Language: zz-ZZ-x,;q=2", `Accept-Language: ${"es,".repeat(500)}`, "Accept-Charset: utf-7",
  "If-None-Match: W/\"", "If-None-Match: *", `If-None-Match: ${"\"a\",".repeat(300)}`, "If-Modified-Since: yesterday", "If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT", "If-Match: \"x\"", "Prefer: handling=lenient", "Prefer: handling=strict, return=nothing", "Prefer: ;;;", "X-Request-Id: \x01", `X-Request-Id: ${long(300)}`, "X-Request-Id: a\tb",
  "Forwarded: for=\"[::1\";proto=gopher;host=\"a b\"", "X-Forwarded-Host: evil.example\\@x", "X-Forwarded-Proto: javascript", "X-Forwarded-For: 999.999.1.1", "Range: bytes=0-", "Expect: 100-continue", "Origin: null", "Origin: http://evil.example", "Cookie: a=b; c", "Content-Encoding: gzip", "Content-Type: text/plain; charset=\"", "X-HTTP-Method-Override: DELETE", "Connection: keep-alive", "TE: trailers", "Upgrade: h2c", "Via: 1.1 a", "Date: x", "Max-Forwards: -1",
];
const CREDENTIALS = ["Authorization: Basic", "Authorization: Basic !!!!", "Authorization: Bearer", `Authorization: Bearer ${long(5000)}`, "Authorization: Digest a", "Authorization: Basic AAAA"];
const TYPES = ["application/x-www-form-urlencoded", "application/fhir+json", "application/fhir+xml", "application/json", "text/plain", "application/x-www-form-urlencoded; charset=utf-16", "multipart/form-data; boundary=x", "", "application/xml"];
const BODIES = [
  "", "{", "[]", "null", "1", "\"", "{}", "{\"resourceType\":1}", "{\"resourceType\":\"Patient\",\"resourceType\":\"Bundle\"}", "{\"resourceType\":\"Nonsense\"}",
  "{\"resourceType\":\"Bundle\"}", "{\"resourceType\":\"Bundle\",\"type\":\"batch\"}", "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":{}}", "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[null]}", "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"request\":{\"method\":\"GET\"}}]}",
  "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"request\":{\"method\":\"GET\",\"url\":\"//\"}},{\"request\":{\"method\":\"DELETE\",\"url\":\"Patient/1\"}},{\"request\":{\"method\":\"GET\",\"url\":\"Patient?name=%00\"}}]}",
  "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"request\":{\"method\":\"GET\",\"url\":\"http://evil.example/Patient/1\"}},{\"request\":{\"method\":\"GET\",\"url\":\"\"}},{\"request\":{\"method\":\"GET\",\"url\":\"?_type=Patient\"}},{\"request\":{\"method\":\"GET\",\"url\":\"$export\"}}]}",
  `{"resourceType":"Bundle","type":"batch","entry":[${Array(300).fill("{\"request\":{\"method\":\"GET\",\"url\":\"Patient/1\"}}").join()}]}`,
  "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"request\":{\"method\":\"POST\",\"url\":\"Patient\"},\"resource\":{\"resourceType\":\"Patient\"}}]}",
  "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"code\",\"valueCode\":1}]}", "{\"resourceType\":\"Parameters\",\"parameter\":{}}", "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"resource\",\"resource\":{}}]}", "{\"resourceType\":\"Parameters\",\"parameter\":[{}]}",
  `${"[".repeat(5000)}`, `{"a":${"{\"a\":".repeat(3000)}1${"}".repeat(3000)}}`, `{"resourceType":"Patient","name":[{"family":"${long(10000)}"}]}`, "{\"resourceType\":\"Patient\",\"birthDate\":\"\\ud800\"}",
  "<Patient xmlns=\"http://hl7.org/fhir\"/>", "<Bundle xmlns=\"http://hl7.org/fhir\"><type value=\"batch\"/></Bundle>", "<Patient", "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\"><!ENTITY d \"&b;&b;&b;\">]><Patient xmlns=\"http://hl7.org/fhir\"><id value=\"&d;\"/></Patient>",
  "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Patient xmlns=\"http://hl7.org/fhir\"><id value=\"&x;\"/></Patient>", `<Patient xmlns="http://hl7.org/fhir">${"<contact>".repeat(3000)}`, "<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"1\"/><id value=\"2\"/></Patient>", "<a:b/>", "<!-- -- -->", "\ufeff<Patient/>",
  "name=a&name=b", "=", "&&&&", "a", "name=%", "_count=1&_count=2", `name=${long(10000)}`, `${"name=a&".repeat(150)}`, "%00=%00", "name[]=1", "_page=x",
];
const OPERATIONS = ["$everything", "$lastn", "$validate", "$docref", "$lookup", "$validate-code", "$expand", "$subsumes", "$export", "$meta", "$graph", "$summary", "$match", "$nonsense", "$", "_validate", "$translate"];

/** Request N: what is sent, as bytes. */
function request(number) {
  const dice = thrown((options.seed * 1_000_003 + number * 7919) >>> 0);
  const [type, claim] = dice.one(types);
  const parameters = [...claim.parameters];
  const text = () => (dice.chance(0.04) ? long(dice.one([1000, 4096, 4097, 10_000])) : dice.chance(0.3) ? dice.one(TEXTS) + dice.one(TEXTS) : dice.one(TEXTS));
  const raw = (value) => (dice.chance(0.05) ? bytes(...Array.from({ length: 1 + dice.below(8) }, () => 128 + dice.below(128))) : Buffer.from(value));
  const key = () => {
    const [name, kind] = dice.one(parameters);
    if (dice.chance(0.2)) return dice.one(CONTROLS);
    if (kind === "reference" && dice.chance(0.4)) return chain(dice, type, 1 + dice.below(dice.chance(0.1) ? 40 : 4));
    if (dice.chance(0.1)) return `_has:${dice.one(types)[0]}:${dice.one(["patient", "subject", "nonsense", "encounter"])}:${dice.one(parameters)[0]}`;
    return name + dice.one(MODIFIERS);
  };
  const value = (name) => {
    if (name === "_filter") return encodeURIComponent(dice.one(FILTERS));
    if (name === "_page" && dice.chance(0.7)) return broken(dice);
    if (name === "_sort") return dice.one([`-${dice.one(parameters)[0]}`, dice.one(parameters)[0], Array.from({ length: 12 }, () => dice.one(parameters)[0]).join(), text()]);
    if (/include/.test(name)) return dice.one(["*", `${type}:*`, `${type}:${dice.one(parameters)[0]}`, `${type}:${dice.one(parameters)[0]}:Patient`, "*:*", text()]);
    if (name === "_elements") return dice.one(["id", "id,meta", "*", text()]);
    if (name === "_count") return dice.one(["0", "1", "5", text()]);
    return dice.chance(0.3) ? Array.from({ length: 1 + dice.below(dice.chance(0.05) ? 600 : 4) }, text).join() : text();
  };
  // Strange words in searches that are answered, so that they reach the database.
  const fair = () => {
    const [name, kind] = dice.one(parameters);
    const modifier = { string: ["", ":exact", ":contains"], token: ["", ":not", ":text"] }[kind] ?? [""];
    const word = { date: () => `${dice.one(["", "ge", "lt", "ne", "sa", "ap"])}${1 + dice.below(9999)}`.replace(/\d+$/, (year) => year.padStart(4, "0")), number: () => String(dice.below(1e9)), quantity: () => `${dice.one(["", "gt", "ap"])}${dice.below(1000)}||${encodeURIComponent(dice.one(["mg", "'", "%", "[lb_av]", "\u0000"]))}`, reference: () => dice.one(["1", "Patient/1", "Nonsense/1", long(64)]), composite: () => `${dice.one(["a", "%25", "'"])}$1` }[kind] ?? text;
    return `${name}${dice.one(modifier)}=${word()}`;
  };
  const pairs = () => {
    if (dice.chance(0.5)) return [...Array.from({ length: 1 + dice.below(3) }, fair), "_count=5", ...(dice.chance(0.3) ? [`_sort=${dice.one(["", "-"])}${dice.one(parameters)[0]}`] : [])].join("&");
    const list = [];
    const size = dice.chance(0.02) ? 120 : dice.below(4);
    for (let at = 0; at < size; at += 1) {
      const name = key();
      const pair = `${name}=${value(name)}`;
      list.push(pair);
      if (dice.chance(0.1)) list.push(pair);
    }
    // Whole tables are for other suites.
    if (dice.chance(0.8)) list.push("_count=5");
    return list.join("&");
  };
  const place = () => {
    const kind = dice.below(20);
    if (kind < 11) return `/${type}?${pairs()}`;
    if (kind === 11) return `/${type}/${text()}`;
    if (kind === 12) return `/${type}/${1 + dice.below(300)}${dice.one(["", "/", "/_history", "/_history/1", "/_history/zz", "/nonsense", `/${dice.one(names)}`, "/*", `?${pairs()}`])}`;
    if (kind === 13) return `/Patient/${dice.one(["1", text()])}/${dice.one([...names, "*", text()])}?${pairs()}`;
    if (kind === 14) return `/${dice.one(["", `${type}/`, `${type}/1/`])}${dice.one(OPERATIONS)}?${pairs()}`;
    if (kind === 15) return `/${dice.one(["metadata", "_history", "_search", "openapi.json", "", "$export", ".well-known/smart-configuration"])}?${pairs()}`;
    if (kind === 16) return `/${text()}/${text()}`;
    if (kind === 17) return `/${type}/_search?${pairs()}`;
    if (kind === 18) return `?_type=${dice.some(names, 3).join()}&${pairs()}`;
    return dice.one(["/..", "/../../x", "//", "/./Patient", "/%2e%2e/x", `/${long(9000)}`, `/${"a/".repeat(1000)}`, "/Patient;a=b", "/Patient#a", "/%"]);
  };
  const method = dice.one(METHODS);
  const form = dice.chance(0.6);
  const target = raw(root + (method === "POST" && dice.chance(0.8) ? (form ? `/${type}/_search` : `/${dice.one(["", "", `${type}/$validate`, `${type}/${dice.one(OPERATIONS)}`])}`) : place()));
  const headers = [`Host: ${url.host}`, dice.chance(0.97) ? authorization : dice.one(CREDENTIALS)];
  headers.push(...dice.some(HEADERS, dice.chance(0.3) ? 1 + dice.below(4) : 0));
  let body = Buffer.alloc(0);
  if (["POST", "PUT", "PATCH"].includes(method) || dice.chance(0.03)) {
    body = form ? raw(pairs()) : raw(dice.one(BODIES));
    headers.push(`Content-Type: ${form ? TYPES[0] : dice.one(TYPES)}`, `Content-Length: ${body.length}`);
  }
  const start = Buffer.concat([Buffer.from(`${method} `), target.filter((byte) => byte !== 10 && byte !== 13 && byte !== 32), Buffer.from(" HTTP/1.1\r\n")]);
  return { method, bytes: Buffer.concat([start, Buffer.from(`${headers.join("\r\n")}\r\n\r\n`, "latin1"), body]) };
}

function chain(dice, type, depth) {
  let key = "";
  for (let at = 0; at < depth; at += 1) key += dice.one(["subject", "patient", "encounter:Encounter", "subject:Patient", "general-practitioner", "link", "part-of", "nonsense"]) + ".";
  return key + dice.one(["name", "_id", "identifier", "nonsense", "name:exact", "birthdate", "_lastUpdated"]);
}

/** A paging link with a few letters changed, cut, or of another search. */
function broken(dice) {
  if (dice.chance(0.2)) return cursor;
  const letters = [...decodeURIComponent(cursor)];
  for (let at = 0; at < 1 + dice.below(3); at += 1) letters[dice.below(letters.length)] = dice.one("AZaz09-_=.");
  return letters.slice(0, dice.chance(0.3) ? dice.below(letters.length) : undefined).join("");
}

/** One connection; it is opened again after an answer that closes it. */
class Lane {
  async send(bytes, method) {
    for (let turn = 0; ; turn += 1) {
      const fresh = !this.socket || this.socket.destroyed;
      if (fresh) await this.connect();
      try {
        return await this.exchange(bytes, method);
      } catch (error) {
        this.socket.destroy();
        // The server may close a connection that was kept, before it has read anything of this.
        if (fresh || turn > 0) return { status: 0, error: error.code ?? error.message };
      }
    }
  }

  connect() {
    return new Promise((resolve, reject) => {
      this.socket = net.connect({ host: url.hostname, port: url.port || 80, noDelay: true }, resolve);
      this.socket.once("error", reject);
    });
  }

  exchange(bytes, method) {
    const { socket } = this;
    return new Promise((resolve, reject) => {
      // An answer of many parts is put together once its end is there, or the work here would count as the server's.
      let parts = [];
      let ending = Buffer.alloc(0);
      const data = () => {
        if (parts.length > 1) parts = [Buffer.concat(parts)];
        return parts[0] ?? ending;
      };
      const done = (work, value) => {
        socket.removeAllListeners();
        socket.on("error", () => {});
        clearTimeout(timer);
        work(value);
      };
      const timer = setTimeout(() => done(reject, new Error("no answer within 60 s")), 60_000);
      socket.on("error", (error) => done(reject, error));
      socket.on("close", () => {
        const answer = parsed(data(), method, true);
        answer ? done(resolve, answer) : done(reject, new Error("closed without an answer"));
      });
      socket.on("data", (part) => {
        parts.push(part);
        ending = Buffer.concat([ending.subarray(-8), part.subarray(-8)]);
        if (parts.length > 8 && chunked(parts[0]) && !ending.includes("\r\n0\r\n\r\n")) return;
        const answer = parsed(data(), method, false);
        if (!answer) return;
        if (answer.close) socket.destroy();
        done(resolve, answer);
      });
      socket.write(bytes, () => {});
    });
  }
}

/** Whether the end of an answer with this beginning can be told by its last bytes. */
const chunked = (beginning) => /^transfer-encoding: *chunked\r$/im.test(beginning.toString("latin1").split("\r\n\r\n")[0] + "\r");

/** An answer, once it is whole. */
function parsed(data, method, ended) {
  const end = data.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = data.subarray(0, end).toString("latin1");
  const status = Number(head.slice(9, 12));
  if (status === 100) return parsed(data.subarray(end + 4), method, ended);
  const header = (name) => new RegExp(`^${name}: *(.*)$`, "im").exec(head)?.[1];
  const rest = data.subarray(end + 4);
  const close = /close/i.test(header("connection") ?? "") || ended;
  const answer = { status, close, head, body: rest };
  if (method === "HEAD" || status === 204 || status === 304) return answer;
  const length = header("content-length");
  if (length !== undefined) return rest.length >= Number(length) ? answer : undefined;
  if (/chunked/i.test(header("transfer-encoding") ?? "")) return rest.includes("\r\n0\r\n\r\n") || rest.indexOf("0\r\n\r\n") === 0 ? answer : undefined;
  return ended ? answer : undefined;
}

const printable = (buffer) => JSON.stringify(buffer.toString("latin1").replace(authorization, "Authorization: …")).slice(0, 700);

if (options.only >= 0) {
  const one = request(options.only);
  console.log(printable(one.bytes));
  const answer = await new Lane().send(one.bytes, one.method);
  console.log(answer.head ?? answer.error);
  console.log((answer.body ?? "").toString().slice(0, 2000));
  process.exit(0);
}

console.log(`seed ${options.seed}, ${options.requests} requests, ${options.sockets} connections, ${options.base}`);
const statuses = new Map();
const failures = [];
const times = [];
let next = 0;
const started = performance.now();
const clock = setInterval(() => console.log(`${Math.round((performance.now() - started) / 1000)} s  ${next} sent, ${failures.length} failures`), 30_000);
await Promise.all(
  Array.from({ length: options.sockets }, async () => {
    const lane = new Lane();
    while (next < options.requests) {
      const number = next++;
      const one = request(number);
      const begun = performance.now();
      const answer = await lane.send(one.bytes, one.method).catch((error) => ({ status: 0, error: error.code ?? error.message }));
      const time = performance.now() - begun;
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      times.push([time, number, answer.status]);
      // A wrong password is answered slowly on purpose.
      const fault = answer.status === 0 ? answer.error : answer.status >= 500 ? `${answer.status} ${answer.body.toString().slice(0, 300)}` : time > options.slow && answer.status !== 401 ? `${Math.round(time)} ms` : undefined;
      if (fault) failures.push([number, fault]);
    }
  }),
);
clearInterval(clock);
for (const [status, number] of [...statuses].sort()) console.log(`${String(number).padStart(7)}  ${status || "no answer"}`);
times.sort((a, b) => b[0] - a[0]);
console.log("the slowest:");
for (const [time, number, status] of times.slice(0, 10)) console.log(`  ${Math.round(time)} ms, ${status}, --only=${number}: ${printable(request(number).bytes).slice(0, 160)}`);
for (const [number, fault] of failures.slice(0, 40)) console.log(`FAILED --only=${number}: ${fault}: ${printable(request(number).bytes)}`);
const middle = times[Math.floor(times.length / 2)][0];
console.log(`${times.length} requests in ${Math.round((performance.now() - started) / 1000)} s, the middle one ${middle.toFixed(1)} ms, ${failures.length} failures`);
process.exit(failures.length ? 1 : 0);

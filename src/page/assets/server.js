// Requests to the server that this page came from. The cookie goes with them by itself; the header says that it is the page.

import { current } from "./language.js";

const FHIR = new URL(document.querySelector("meta[name=fhir]").content + "/", document.baseURI);
const PAGE = new URL("page/", document.baseURI);

/** A refusal, with the code of the server. */
export class Refused extends Error {
  constructor(status, outcome, wait) {
    const issue = outcome?.issue?.[0];
    super(issue?.diagnostics ?? issue?.details?.text ?? `HTTP ${status}`);
    this.status = status;
    this.code = issue?.details?.coding?.[0]?.code ?? (status === 0 ? "unreachable" : "other");
    this.outcome = outcome;
    this.wait = wait;
  }
}

let ended = () => {};
/** What is to be done when the session has ended. */
export const whenEnded = (work) => { ended = work; };

async function ask(url, { method = "GET", body, type, signal, plain = false } = {}) {
  let response;
  try {
    response = await fetch(url, {
      method, body, signal,
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
      headers: {
        "X-GNUHealth-Page": "1",
        Accept: "application/fhir+json, application/json;q=0.9",
        "Accept-Language": current(),
        ...(type ? { "Content-Type": type } : {}),
      },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0);
  }
  if (response.status === 204) return null;
  if (plain && response.ok) return response.text();
  const data = await response.json().catch(() => null);
  if (!response.ok) {
    const refused = new Refused(response.status, data, Number(response.headers.get("Retry-After")) || 0);
    if (refused.code === "session-ended") ended();
    throw refused;
  }
  return data;
}

export const session = () => ask(new URL("session", PAGE));
export const rights = () => ask(new URL("rights", PAGE));
export const signOut = () => ask(new URL("session", PAGE), { method: "DELETE" });
export const signIn = (login, password) =>
  ask(new URL("session", PAGE), { method: "POST", type: "application/json", body: JSON.stringify({ login, password }) });

export const metadata = () => ask(new URL("metadata", FHIR));
export const read = (type, id, signal) => ask(new URL(`${type}/${encodeURIComponent(id)}`, FHIR), { signal });

/** A resource as text, exactly as it is sent: reading numbers would lose their last zeros. */
export const readText = (type, id) => ask(new URL(`${type}/${encodeURIComponent(id)}?_pretty=true`, FHIR), { plain: true });

/** A search. Its parameters go in the body: what is searched for does not stand in addresses, which others log. */
export const search = (type, parameters, signal) =>
  ask(new URL(`${type}/_search`, FHIR), {
    method: "POST", type: "application/x-www-form-urlencoded", body: new URLSearchParams(parameters).toString(), signal,
  });

/** The page of a search that a link of its Bundle leads to. */
export const follow = (type, link, signal) => search(type, new URLSearchParams(new URL(link).search), signal);

export const link = (bundle, relation) => bundle.link?.find((item) => item.relation === relation)?.url;

/** The address of a search, as other programs would ask it. */
export const address = (path, parameters) => {
  const query = new URLSearchParams(parameters).toString();
  return new URL(path, FHIR).href + (query ? `?${query}` : "");
};

// Calls the server, and turns failures into messages for the reader.

const ROOT = new URL("../", import.meta.url);
export const OWN = new URL("antiphon/v1/", ROOT);
const PREFECT = new URL("api/", ROOT);

/** A failed request; `message` can be shown to the reader. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const UNREACHABLE = "The server does not answer.";

/** A URL under /antiphon/v1. */
export function own(path, query = {}) {
  const url = new URL(path, OWN);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

/** The JSON at a URL; raises Refusal, with status 0 if no server answered. */
export async function get(url, signal) {
  return answer(() => fetch(url, { signal, cache: "no-store" }));
}

/** The result of one of Prefect's queries. */
export async function query(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  return answer(() => fetch(new URL(path, PREFECT), { method: "POST", body: JSON.stringify(body), headers, signal }));
}

async function answer(ask) {
  let response;
  try {
    response = await ask();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, UNREACHABLE);
  }
  if (!response.ok) throw new Refusal(response.status, await problem(response));
  return response.json();
}

/** The message of a refusal. */
export async function problem(response) {
  const told = await response.json().catch(() => null);
  const detail = told?.detail ?? told?.exception_message;
  return typeof detail === "string" ? detail : `The server answered ${response.status}.`;
}

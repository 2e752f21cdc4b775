// Names of runs and flows: requested together, in a bounded cache.

import { query } from "./api.js";

const MOST_KNOWN = 2_000;
const MOST_ASKED = 200;
const SOURCES = {
  flow_run: { path: "flow_runs/filter", filter: "flow_runs" },
  task_run: { path: "task_runs/filter", filter: "task_runs" },
  flow: { path: "flows/filter", filter: "flows" },
  deployment: { path: "deployments/filter", filter: "deployments" },
};

const known = new Map();

/** The name; undefined before it is requested, null if there is none. */
export const nameOf = (id) => known.get(id);

/** Whether objects of this kind have names. */
export const isNamed = (kind) => kind in SOURCES;

export const NAMED_KINDS = Object.keys(SOURCES);

export function learn(id, name) {
  known.delete(id);
  known.set(id, name);
  if (known.size > MOST_KNOWN) known.delete(known.keys().next().value);
}

/** Request the unknown names of some objects of one kind. */
export async function ask(kind, ids) {
  const source = SOURCES[kind];
  const unknown = [...new Set(ids)].filter((id) => !known.has(id)).slice(0, MOST_ASKED);
  if (!source || !unknown.length) return;
  const found = await query(source.path, { [source.filter]: { id: { any_: unknown } }, limit: MOST_ASKED });
  for (const id of unknown) learn(id, null);
  for (const { id, name } of found) learn(id, name);
}

/** Objects of one kind whose names contain `text`. */
export async function search(kind, text, signal) {
  const source = SOURCES[kind];
  const filter = text ? { [source.filter]: { name: { like_: text } } } : {};
  const found = await query(source.path, { ...filter, limit: 20 }, signal);
  for (const { id, name } of found) learn(id, name);
  return found.map(({ id, name }) => ({ id, name }));
}

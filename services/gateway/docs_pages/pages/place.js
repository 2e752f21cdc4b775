// The open run and its position, in the fragment of the URL.

import { isRun } from "./describe.js";

const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const isRunId = (text) => RUN_ID.test(text);

/** The URL of a run at a position or a time; without one, of the run as it is. */
export function runLink({ id, kind = "flow_run", at = null }) {
  const parts = new URLSearchParams({ run: id });
  if (kind !== "flow_run") parts.set("kind", kind);
  if (at !== null) parts.set("at", at);
  return `#${parts}`;
}

/** The parts of the URL; `id` is null if no run is open. */
export function place() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const kind = parts.get("kind");
  return { id: parts.get("run")?.toLowerCase() ?? null, kind: isRun(kind) ? kind : "flow_run", at: parts.get("at") };
}

/** Put the reader's position into the URL, without a step in the history. */
export function moveTo(where) {
  history.replaceState(history.state, "", where === null ? location.pathname + location.search : runLink(where));
}

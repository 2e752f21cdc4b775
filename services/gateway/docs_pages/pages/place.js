// Which run is open, and at which position: the part of the address behind `#`.

import { isRun } from "./describe.js";

const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const isRunId = (text) => RUN_ID.test(text);

/** The address of a run, as it was at a position or a time; without one as it is. */
export function runLink({ id, kind = "flow_run", at = null }) {
  const parts = new URLSearchParams({ run: id });
  if (kind !== "flow_run") parts.set("kind", kind);
  if (at !== null) parts.set("at", at);
  return `#${parts}`;
}

/** What the address says; `id` is null where no run is open. */
export function place() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const kind = parts.get("kind");
  return { id: parts.get("run")?.toLowerCase() ?? null, kind: isRun(kind) ? kind : "flow_run", at: parts.get("at") };
}

/** Say in the address where the reader is, without a step to go back to. */
export function moveTo(where) {
  history.replaceState(history.state, "", where === null ? location.pathname + location.search : runLink(where));
}

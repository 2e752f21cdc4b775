// Describes events of the log in the words and marks of this page.

import { h } from "./dom.js";

const DECISIONS = {
  ACCEPT: { word: "Accepted", tone: "accepted" },
  REJECT: { word: "Rejected", tone: "refused" },
  WAIT: { word: "Delayed", tone: "delayed" },
  ABORT: { word: "Aborted", tone: "refused" },
};

const KINDS = {
  flow_run: "flow run",
  task_run: "task run",
  flow_run_input: "run input",
  task_cache: "task cache",
};

export const kindName = (kind) => KINDS[kind] ?? kind;
export const isRun = (kind) => kind === "flow_run" || kind === "task_run";
export const isRefusal = (type) => /\.(refused\.\w+|state\.replaced)$/.test(type ?? "");

/** The parts of an event: its tone, its decision, its states and its reason. */
export function describe(record) {
  if (record.type === null) {
    return { tone: "refused", word: "Unreadable", states: [], rule: null, why: record.error };
  }
  const { data } = record;
  const decision = DECISIONS[record.status];
  if (decision) return { ...decision, ...states(data), rule: data.rule ?? null, why: reason(data) };
  if (record.type.endsWith(".state.created")) {
    return { tone: "told", word: "Created", proposed: null, written: data.state, rule: null, why: said(record) };
  }
  if (data.state?.type) {
    const why = data.is_latest === false ? "reported late" : (data.state.message ?? "");
    return { tone: "told", word: "Reported", proposed: null, written: data.state, rule: null, why };
  }
  const action = record.type.split(".").at(-1).replaceAll("_", " ");
  const word = action[0].toUpperCase() + action.slice(1);
  return { tone: "told", word, proposed: null, written: null, rule: null, why: said(record) };
}

/** The proposed state, if another one was written, and the written state. */
function states(data) {
  const written = data.state ?? null;
  return { proposed: data.proposed ?? null, written };
}

function reason(data) {
  if (data.reason) return data.delay_seconds ? `${data.reason} (again in ${data.delay_seconds} s)` : data.reason;
  if (data.adjusted_by?.length) return `adjusted by ${data.adjusted_by.join(", ")}`;
  return data.state?.message ?? "";
}

/** A short description of an event that is not a transition. */
function said({ kind, data }) {
  const tags = data.tags ?? data.fields?.tags ?? data.data?.tags;
  if (tags?.length) return `tagged ${tags.join(", ")}`;
  if (data.changes) return Object.keys(data.changes).join(", ");
  return kind === "name" ? [data.scope, data.key ?? data.owner].filter(Boolean).join(" ") : "";
}

const nameOf = (state) => state.name ?? state.type[0] + state.type.slice(1).toLowerCase();

/** A state with the mark of its type. */
export function stateChip(state, { isProposed = false } = {}) {
  const words = isProposed ? [h("span", { class: "hidden" }, "proposed: "), nameOf(state)] : [nameOf(state)];
  return h("span", { class: isProposed ? "state proposed" : "state", "data-state": state.type }, h("span", {}, ...words));
}

/** The states of a transition: a refused proposal crossed out, then the result. */
export function stateChips({ proposed, written }) {
  const chips = [];
  if (proposed && !isSame(proposed, written)) chips.push(stateChip(proposed, { isProposed: true }));
  if (chips.length && written) {
    chips.push(h("span", { class: "arrow", "aria-hidden": "true" }, "→"), h("span", { class: "hidden" }, " written: "));
  }
  if (written) chips.push(stateChip(written));
  return chips;
}

const isSame = (one, other) => other && one.type === other.type && nameOf(one) === nameOf(other);

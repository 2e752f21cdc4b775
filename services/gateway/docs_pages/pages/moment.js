// A run as it was at a position, and the changes that an event made.

import { Refusal, get, own } from "./api.js";
import { clock, day, h, json, time } from "./dom.js";
import { stateChip } from "./describe.js";

const MOST_KEPT = 200;
//: Fields of the run that repeat its state.
const TWICE = new Set(["state.id", "state.type", "state.name", "state.timestamp"]);
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$/;

/** The moments of one run; they are cached, because the log does not change. */
export class Moments {
  #kept = new Map();

  constructor({ id, kind }) {
    this.id = id;
    this.kind = kind;
  }

  /** `{run, states}` after the event at `position`; null if the run did not exist. */
  async at(position, signal) {
    if (this.#kept.has(position)) return this.#kept.get(position);
    let found = null;
    try {
      const { [this.kind]: run, states } = await get(own(`${this.kind}s/${this.id}`, { as_of: position }), signal);
      found = { run, states };
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 404) throw error;
    }
    this.#kept.set(position, found);
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value);
    return found;
  }
}

/** Every value that differs, by its path, in the order of the fields. */
export function changes(before, after) {
  const then = leaves(before);
  const now = leaves(after);
  const paths = [...new Set([...now.keys(), ...then.keys()])];
  return paths
    .map((path) => ({ path, before: then.get(path), after: now.get(path) }))
    .filter(({ path }) => !TWICE.has(path))
    .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after));
}

function leaves(value, path = "", found = new Map()) {
  if (value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length) {
    for (const [name, item] of Object.entries(value)) leaves(item, path ? `${path}.${name}` : name, found);
  } else if (path) found.set(path, value);
  return found;
}

const isNothing = (value) =>
  value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0);

function shown(value) {
  if (isNothing(value)) return h("span", { class: "nothing" }, "none");
  if (typeof value !== "string") return json(value);
  return MOMENT.test(value) ? time(value, `${day(value)} ${clock(value)}`) : value;
}

/** A path that may wrap after each of its words. */
const breakable = (path) => path.split(/(?<=[._])/).flatMap((word) => [word, h("wbr")]);

/** The changes of one event. */
export function changesTable(before, after, tone) {
  if (after === null) {
    const words = before === null ? "It was not there yet." : "It was deleted here: from now on it is not there.";
    return h("p", { class: "note" }, words);
  }
  const all = changes(before?.run ?? {}, after.run);
  const found = all.filter((change) => !(isNothing(change.before) && isNothing(change.after)));
  if (!found.length) {
    const refused = tone === "refused" || tone === "delayed";
    return h("p", { class: "note" }, refused ? "Nothing changed: it was refused." : "Nothing changed in the run itself.");
  }
  const isNew = before === null;
  const head = ["Field", ...(isNew ? [] : ["Before"]), isNew ? "Value" : "After"];
  const row = ({ path, before: was, after: is }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, ...breakable(path)),
      isNew ? null : h("td", { class: "was" }, shown(was)),
      h("td", { class: "is" }, shown(is)),
    );
  return h(
    "table",
    { class: isNew ? "changes new" : "changes" },
    h("thead", {}, h("tr", {}, ...head.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...found.map(row)),
  );
}

/** The states of the run up to then. */
export function stateChain(moment) {
  const items = moment.states.map((state) => h("li", {}, stateChip(state)));
  return h("ol", { class: "chain", "aria-label": "States so far" }, ...items);
}

/** All fields, as the API returned them. */
export function wholeRun(moment) {
  return h("details", { class: "whole" }, h("summary", {}, "The whole run then"), h("pre", { tabindex: 0 }, JSON.stringify(moment.run, null, 2)));
}

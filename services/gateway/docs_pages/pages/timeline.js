// The events of one run in a list; the selected one shows all its fields.

import { own } from "./api.js";
import { describe, stateChip, stateChips } from "./describe.js";
import { clock, day, duration, h, number, time } from "./dom.js";

/** One event of a timeline; `before` is the previous one. */
export function entry(record, before, onChoose) {
  const told = describe(record);
  const button = h(
    "button",
    { type: "button", class: "choose", click: () => onChoose(record) },
    h("span", { class: "at" }, number(record.position)),
    h("span", { class: "decision" }, told.word),
    h("span", { class: "what" }, ...stateChips(told)),
    h("span", { class: "when" }, record.recorded_at ? time(record.recorded_at) : ""),
    h("span", { class: "after" }, since(record, before)),
  );
  const isRefused = told.rule !== null;
  return h(
    "li",
    { "data-tone": told.tone, "data-position": record.position },
    button,
    isRefused ? h("p", { class: "reason" }, h("code", {}, told.rule), " ", told.why) : null,
    !isRefused && told.why ? h("p", { class: "said" }, told.why) : null,
    h("div", { class: "told" }),
  );
}

function since(record, before) {
  if (!before?.recorded_at || !record.recorded_at) return "";
  return `+${duration(Math.max(0, (Date.parse(record.recorded_at) - Date.parse(before.recorded_at)) / 1000))}`;
}

/** Select an entry of a list: it opens, the others close. */
export function choose(list, record, find) {
  for (const item of list.children) {
    const isChosen = record !== null && Number(item.dataset.position) === record.position;
    if (isChosen === item.classList.contains("chosen")) continue;
    item.classList.toggle("chosen", isChosen);
    item.querySelector(".choose").setAttribute("aria-current", isChosen ? "true" : "false");
    item.querySelector(".told").replaceChildren(...(isChosen ? everything(record, find) : []));
    if (isChosen) item.scrollIntoView({ block: "nearest" });
  }
}

/** `find` returns the event of this run that a command led to, if any. */
function everything(record, find) {
  if (record.type === null) return [whole(record)];
  const { data } = record;
  const absent = (words) => h("span", { class: "nothing" }, words);
  const facts = [
    ["Asked by", record.actor ?? absent("the sender did not say")],
    data.proposed ? ["Proposed", stateOf(data.proposed)] : null,
    data.state ? ["Written", stateOf(data.state, data.proposed?.message)] : data.proposed ? ["Written", absent("nothing")] : null,
    data.adjusted_by?.length ? ["Adjusted by", h("code", {}, data.adjusted_by.join(", "))] : null,
    data.delay_seconds ? ["Again in", duration(data.delay_seconds)] : null,
    ["Recorded", stamp(record.recorded_at)],
    ["Asked at", stamp(record.occurred_at)],
    ["Command", h("code", { class: "id" }, record.command_id)],
    ["Causation", record.causation_id ? cause(record.causation_id, find) : absent("none: it was asked directly")],
    ["Correlation", record.correlation_id ? h("code", { class: "id" }, record.correlation_id) : absent("none")],
    ["Type", h("code", {}, record.type)],
  ];
  const rows = facts.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
  return [h("dl", { class: "facts" }, ...rows), whole(record), exact(record)];
}

const whole = (record) =>
  h("details", {}, h("summary", {}, "All of it"), h("pre", { tabindex: 0 }, JSON.stringify(record, null, 2)));

/** A link to the server's JSON, because its integers may exceed JavaScript's. */
function exact({ kind, id, position }) {
  const url = own(`${kind}s/${id}/history`, { from: position, to: position });
  return h("p", { class: "exact" }, h("a", { href: url, target: "_blank" }, "The record as the server gives it"));
}

/** A state with its message, unless `told` contains that. */
function stateOf(state, told) {
  return h("span", {}, stateChip(state), state.message && state.message !== told ? h("span", { class: "message" }, ` ${state.message}`) : "");
}

const stamp = (moment) => (moment ? time(moment, `${day(moment)} ${clock(moment)}`) : "");

/** A link to the cause, if it is an event of the same run. */
function cause(id, find) {
  const found = find(id.split(".")[0]);
  const code = h("code", { class: "id" }, id);
  return found ? h("span", {}, code, " (position ", number(found.position), ")") : code;
}

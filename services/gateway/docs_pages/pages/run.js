// One run: its timeline, a slider through its moments, and the changes of each.

import { Refusal, get, own, query } from "./api.js";
import { describe, kindName, stateChip } from "./describe.js";
import { byId, clock, count, day, h, number } from "./dom.js";
import { Moments, changesTable, stateChain, wholeRun } from "./moment.js";
import { ask, learn, nameOf } from "./names.js";
import { moveTo, runLink } from "./place.js";
import { choose, entry } from "./timeline.js";

const PAGE = 1_000;
const MOST_MARKS = 240;
const MOST_TASKS = 100;

/** A time as a number; `Date` alone would drop microseconds. */
function microseconds(moment) {
  const finer = /\.\d{3}(\d{1,3})/.exec(moment)?.[1] ?? "";
  return Date.parse(moment) * 1000 + Number(finer.padEnd(3, "0"));
}

/** The index of the last event at a position of the log, -1 if the first one is later. */
export function indexAt(events, at) {
  if (at === null) return events.length - 1;
  const fits = /^\d+$/.test(at)
    ? (event) => event.position <= Number(at)
    : (event) => microseconds(event.recorded_at) <= microseconds(at);
  return events.findLastIndex(fits);
}

/** The section of one run; a new one for each run that is opened. */
export class Run {
  #section = byId("run");
  #events = [];
  #index = -1;
  #isFollowing;
  #abort = new AbortController();
  #moments;
  #loading = null;
  #hasMore = false;

  constructor({ id, kind, at }, onClose) {
    this.id = id;
    this.kind = kind;
    this.#moments = new Moments({ id, kind });
    this.at = at;
    this.#isFollowing = at === null;
    this.#frame(onClose);
    void this.#open();
  }

  /** Go to a moment; null means the latest one. */
  show(at) {
    this.at = at;
    if (this.#events.length) this.#select(indexAt(this.#events, at), at === null);
  }

  close() {
    this.#abort.abort();
    this.#section.replaceChildren();
  }

  #frame(onClose) {
    this.title = h("h2", { id: "run-title" }, nameOf(this.id) ?? this.id.slice(0, 8));
    this.facts = h("p", { class: "whose" }, h("code", { class: "id" }, this.id));
    this.slider = h("input", { type: "range", min: -1, max: 0, step: 1, "aria-label": "Moment in the run", input: () => this.#slide() });
    this.rail = h("div", { class: "rail", "aria-hidden": "true" });
    this.slot = h("div", { class: "slot" }, this.rail, this.slider);
    this.words = h("p", { class: "moment-words" });
    this.now = h("button", { type: "button", class: "quiet", click: () => this.#select(this.#events.length - 1, true) }, "Latest");
    this.list = h("ol", { class: "timeline" });
    this.rest = h("button", { type: "button", class: "button rest", hidden: true, click: () => this.#extend() }, "Show more");
    this.then = h("div", { class: "then" });
    this.tasks = h("div", { class: "tasks" });
    this.note = h("p", { class: "note" }, "Reading the log…");
    const step = (by, words, sign) =>
      h("button", { type: "button", class: "step", "aria-label": words, click: () => this.#select(this.#index + by) }, sign);
    this.body = h(
      "div",
      { class: "run-body", hidden: true },
      h(
        "div",
        { class: "moments" },
        h("div", { class: "track" }, step(-1, "The moment before", "‹"), this.slot, step(1, "The moment after", "›")),
        h("div", { class: "reading" }, this.words, this.now, this.#placeForm()),
      ),
      h(
        "div",
        { class: "columns" },
        h("section", { "aria-label": "Timeline", class: "column" }, h("h3", {}, "Timeline"), this.list, this.rest),
        h("section", { "aria-label": "The run at the moment", class: "column" }, this.then, this.tasks),
      ),
    );
    const close = h("button", { type: "button", class: "close", click: onClose, "aria-label": "Close the run" }, "×");
    const kicker = h("p", { class: "kicker" }, kindName(this.kind));
    const top = h("header", { class: "run-top" }, h("div", {}, kicker, this.title, this.facts), close);
    this.#section.replaceChildren(top, this.note, this.body);
  }

  #placeForm() {
    const input = h("input", { name: "at", placeholder: "Position or time", "aria-label": "The run as of a position or time", autocomplete: "off" });
    const go = (event) => {
      event.preventDefault();
      const at = input.value.trim();
      const isPlace = /^\d+$/.test(at) || !Number.isNaN(Date.parse(at));
      input.setAttribute("aria-invalid", String(at !== "" && !isPlace));
      if (at && isPlace) this.#select(indexAt(this.#events, at));
    };
    return h("form", { class: "as-of", submit: go }, h("label", {}, h("span", {}, "As of"), input));
  }

  async #open() {
    try {
      this.#add(await this.#read(null));
    } catch (error) {
      this.#tell(error);
      return;
    }
    this.note.hidden = true;
    this.body.hidden = false;
    this.show(this.at);
    await Promise.allSettled([this.#names(), this.#readTasks()]);
  }

  #tell(error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof Refusal)) throw error;
    this.note.hidden = false;
    this.note.textContent = error.status === 404 ? "The log knows no run of this id." : error.message;
  }

  /** Events from a position on; of the kind in the URL, or else of the other kind. */
  async #read(from) {
    const limits = { limit: PAGE, ...(from === null ? {} : { from }) };
    return get(own(`${this.kind}s/${this.id}/history`, limits), this.#abort.signal);
  }

  #add(events) {
    this.#hasMore = events.length === PAGE;
    const last = this.#events.at(-1);
    this.list.append(...events.map((event, at) => entry(event, events[at - 1] ?? last, (chosen) => this.#choose(chosen))));
    this.#events.push(...events);
    this.slider.max = this.#events.length - 1;
    this.rest.hidden = !this.#hasMore;
    this.#mark();
  }

  /** Read new events; a run that is shown at its end stays at its end. */
  async follow(position) {
    const last = this.#events.at(-1);
    if (!last || this.#hasMore || this.#loading || position <= last.position) return;
    await this.#extend();
  }

  async #extend() {
    this.#loading ??= this.#read(this.#events.at(-1).position + 1).finally(() => (this.#loading = null));
    try {
      const events = await this.#loading;
      if (!events.length) return;
      this.#add(events);
      if (this.#isFollowing) this.#select(this.#events.length - 1, true);
      await this.#readTasks();
    } catch (error) {
      this.#tell(error);
    }
  }

  /** A mark for each event at its place on the slider. */
  #mark() {
    const steps = this.#events.length;
    if (steps > MOST_MARKS) {
      this.rail.replaceChildren();
      return;
    }
    const marks = this.#events.map((event, index) => {
      const told = describe(event);
      const mark = h("i", { class: "mark", "data-tone": told.tone, "data-state": told.written?.type });
      mark.style.setProperty("--x", String((index + 1) / steps));
      return mark;
    });
    this.rail.replaceChildren(...marks);
  }

  #slide() {
    this.#select(Number(this.slider.value));
  }

  #choose(record) {
    this.#select(this.#events.indexOf(record));
  }

  /** Show the moment after an event; -1 means before the first. */
  #select(index, isFollowing = false) {
    if (index < -1 || index >= this.#events.length) return;
    this.#index = index;
    this.#isFollowing = isFollowing;
    const record = this.#events[index] ?? null;
    const words = record === null ? "Before it was there" : momentWords(record);
    this.slider.value = String(index);
    this.slider.setAttribute("aria-valuetext", words);
    this.slot.style.setProperty("--x", String((index + 1) / this.#events.length));
    this.words.textContent = words;
    this.now.hidden = isFollowing;
    choose(this.list, record, (command) => this.#events.find((event) => event.command_id === command));
    const at = isFollowing ? null : (record?.position ?? Math.max(1, this.#events[0].position - 1));
    moveTo({ id: this.id, kind: this.kind, at });
    void this.#showMoment(index);
  }

  async #showMoment(index) {
    const record = this.#events[index] ?? null;
    const earlier = this.#events[index - 1] ?? null;
    this.then.setAttribute("aria-busy", "true");
    try {
      const [after, before] = await Promise.all(
        [record, earlier].map((event) => (event ? this.#moments.at(event.position, this.#abort.signal) : null)),
      );
      if (index === this.#index) this.#showThen(record, before, after);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof Refusal)) throw error;
      this.then.replaceChildren(h("p", { class: "problem" }, error.message));
    } finally {
      if (index === this.#index) this.then.removeAttribute("aria-busy");
    }
  }

  #showThen(record, before, after) {
    const title = record === null ? "Before it was there" : `As of position ${number(record.position)}`;
    const run = after?.run;
    const state = run?.state_type ? stateChip({ type: run.state_type, name: run.state_name }) : null;
    this.then.replaceChildren(
      h("h3", {}, title, " ", state),
      ...(after?.states.length ? [stateChain(after)] : []),
      ...(after || before ? [h("h4", {}, before ? "What this event changed" : "What it began with")] : []),
      changesTable(before, after, record && describe(record).tone),
      ...(after ? [wholeRun(after)] : []),
    );
  }

  async #names() {
    const created = this.#events[0].data ?? {};
    const name = created.name ?? created.fields?.name;
    if (name) learn(this.id, name);
    this.title.textContent = name ?? this.id.slice(0, 8);
    document.title = `${this.title.textContent} – Audit – Antiphon`;
    if (!created.flow_id) return;
    await ask("flow", [created.flow_id]);
    const parameters = new URLSearchParams({ flow: created.flow_id, from: "1" });
    this.facts.prepend("of ", h("a", { href: `?${parameters}` }, nameOf(created.flow_id) ?? "its flow"), " ");
    const tags = (created.tags ?? []).map((tag) => h("span", { class: "tag" }, tag));
    this.facts.append(...tags);
  }

  async #readTasks() {
    if (this.kind !== "flow_run") return;
    const asked = { flow_runs: { id: { any_: [this.id] } }, sort: "ID_DESC", limit: MOST_TASKS };
    const found = await query("task_runs/filter", asked, this.#abort.signal);
    if (!found.length) return;
    const row = ({ id, name, state }) =>
      h("li", {}, state ? stateChip(state) : "", h("a", { href: runLink({ id, kind: "task_run" }) }, name));
    const words = found.length === MOST_TASKS ? `The last ${MOST_TASKS} task runs` : count(found.length, "task run");
    this.tasks.replaceChildren(h("h3", {}, `${words}, now`), h("ul", {}, ...found.map(row)));
  }
}

function momentWords(record) {
  const told = describe(record);
  const state = told.tone === "accepted" ? told.written : (told.proposed ?? told.written);
  const what = state ? `${state.name} ${told.word.toLowerCase()}` : told.word;
  const when = record.recorded_at ? `${day(record.recorded_at)} ${clock(record.recorded_at)}` : "";
  return `Position ${number(record.position)} · ${when} · ${what}`;
}

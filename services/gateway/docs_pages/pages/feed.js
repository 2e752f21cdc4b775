// The list of events: bounded, drawn a few times a second at any rate, and still while the reader scrolls.

import { isRefusal, isRun, describe, kindName, stateChips } from "./describe.js";
import { byId, coalesced, count, h, number, time } from "./dom.js";
import { NAMED_KINDS, ask, isNamed, learn, nameOf } from "./names.js";
import { runLink } from "./place.js";

const MOST_ROWS = 300;
const DRAW_MS = 150;
const NAMES_MS = 600;
const ANNOUNCE_MS = 20_000;
//: More new rows than this are not highlighted, because the list would flicker.
const FEW = 12;

export class Feed {
  #pending = [];
  #skipped = 0;
  #arrived = 0;
  #unannounced = { events: 0, refused: 0 };
  #isPaused = false;
  #rows = byId("rows");
  #scroll = byId("scroll");
  #newer = byId("newer");
  #draw = coalesced(DRAW_MS, () => this.#drawn());
  #ask = coalesced(NAMES_MS, () => this.#askNames());

  constructor() {
    this.chosen = null;
    this.#newer.addEventListener("click", () => this.#release());
    byId("pause").addEventListener("click", () => this.#pause(!this.#isPaused));
    this.#scroll.addEventListener("scroll", () => this.#scroll.scrollTop === 0 && this.#draw());
    this.#rows.addEventListener("keydown", (event) => this.#move(event));
    this.#rows.addEventListener("focusout", () => this.#draw());
    setInterval(() => this.#tellRate(), 1000);
    setInterval(() => this.#announce(), ANNOUNCE_MS);
  }

  /** Forget all events: the filters have changed. */
  clear() {
    this.#pending = [];
    this.#skipped = 0;
    this.#unannounced = { events: 0, refused: 0 };
    this.#rows.replaceChildren();
    this.#newer.hidden = true;
    this.#scroll.scrollTop = 0;
  }

  get isEmpty() {
    return !this.#rows.firstElementChild && !this.#pending.length;
  }

  /** Add events, the oldest first. */
  take(items) {
    this.#arrived += items.length;
    this.#unannounced.events += items.length;
    for (const item of items) if (isRefusal(item.type)) this.#unannounced.refused += 1;
    // One by one: a call takes a limited number of arguments.
    for (const item of items) this.#pending.push(item);
    const extra = this.#pending.length - MOST_ROWS;
    if (extra > 0) {
      this.#pending.splice(0, extra);
      this.#skipped += extra;
    }
    this.#draw();
  }

  /** The run that is open next to the list. */
  choose(id) {
    this.chosen = id;
    for (const row of this.#rows.children) row.classList.toggle("chosen", id !== null && row.dataset.id === id);
  }

  get #isHeld() {
    return this.#isPaused || this.#scroll.scrollTop > 0 || this.#rows.querySelector(":focus-visible") !== null;
  }

  #drawn() {
    const waiting = this.#pending.length;
    this.#newer.hidden = !waiting || !this.#isHeld;
    if (!waiting) return;
    if (this.#isHeld) {
      this.#newer.textContent = `${count(waiting + this.#skipped, "new event")}: show`;
      return;
    }
    const items = this.#pending;
    const rows = items.map((item) => this.#row(item)).reverse();
    if (items.length <= FEW && this.#rows.firstElementChild) rows.forEach((row) => row.classList.add("fresh"));
    if (this.#skipped) rows.push(gap(this.#skipped));
    this.#pending = [];
    this.#skipped = 0;
    this.#rows.prepend(...rows);
    while (this.#rows.childElementCount > MOST_ROWS) this.#rows.lastElementChild.remove();
    byId("empty").hidden = true;
    this.#ask();
  }

  #row(item) {
    const record = JSON.parse(item.text);
    const told = describe(record);
    const { kind, id } = record;
    if (isRun(kind) && record.type.endsWith(".created")) learn(id, record.data.name ?? record.data.fields?.name);
    const cell = (name, ...content) => h("td", { role: "cell", class: name }, ...content);
    const attributes = { role: "row", class: `event${id === this.chosen ? " chosen" : ""}`, "data-tone": told.tone };
    return h(
      "tr",
      { ...attributes, "data-id": id, "data-kind": kind },
      cell("at", number(record.position)),
      cell("when", record.recorded_at ? time(record.recorded_at) : ""),
      cell("decision", told.word),
      cell("what", ...stateChips(told)),
      cell("whom", ...whom(record)),
      h("td", { role: "cell", class: "why", title: told.rule && `${told.rule}: ${told.why}` }, told.why),
      h("td", { role: "cell", class: "who", title: record.actor }, record.actor ?? ""),
    );
  }

  #release() {
    if (this.#isPaused) this.#pause(false);
    this.#scroll.scrollTop = 0;
    if (this.#rows.contains(document.activeElement)) document.activeElement.blur();
    byId("events").focus({ preventScroll: true });
    this.#drawn();
  }

  #pause(isPaused) {
    this.#isPaused = isPaused;
    const button = byId("pause");
    button.setAttribute("aria-pressed", String(isPaused));
    button.textContent = isPaused ? "Resume" : "Pause";
    this.#drawn();
  }

  #move(event) {
    const steps = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    let row = event.target.closest("tr")[step];
    while (row && !row.querySelector("a")) row = row[step];
    row?.querySelector("a").focus();
  }

  #tellRate() {
    byId("rate").textContent = this.#arrived ? `${number(this.#arrived)}/s` : "";
    this.#arrived = 0;
  }

  /** Rarely, and for several events together, because a screen reader cannot follow each event. */
  #announce() {
    const { events, refused } = this.#unannounced;
    if (!events || document.hidden) return;
    this.#unannounced = { events: 0, refused: 0 };
    byId("announcer").textContent = `${count(events, "new event")}${refused ? `, ${number(refused)} refused` : ""}.`;
  }

  async #askNames() {
    const unnamed = [...this.#rows.querySelectorAll("tr:has([data-unnamed])")];
    for (const kind of NAMED_KINDS) {
      const rows = unnamed.filter((row) => row.dataset.kind === kind);
      try {
        await ask(kind, rows.map((row) => row.dataset.id));
      } catch {
        // The list is correct without names; they are requested again with the next rows.
        continue;
      }
      for (const row of rows) rename(row);
    }
  }
}

function gap(skipped) {
  const words = `${count(skipped, "event")} came too fast to be listed; filter, or choose a time, to see them`;
  return h("tr", { role: "row", class: "gap" }, h("td", { role: "cell", "aria-colspan": 7 }, words));
}

/** The subject of an event: its name if known, else the beginning of its id. */
function whom({ kind, id, position, subject }) {
  if (!kind) return [subject ?? ""];
  const name = nameOf(id);
  const label = h("span", { class: "name", title: id, "data-unnamed": name === undefined && isNamed(kind) }, name ?? id.slice(0, 8));
  const shown = isRun(kind) ? h("a", { href: runLink({ id, kind, at: position }) }, label) : label;
  return [shown, h("span", { class: "kind" }, kindName(kind))];
}

function rename(row) {
  const label = row.querySelector(".name");
  const name = nameOf(row.dataset.id);
  if (name) label.textContent = name;
  label.removeAttribute("data-unnamed");
}

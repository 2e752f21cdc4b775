// The filters: keeps the form, the URL of the page and the parameters of the stream equal.

import { byId, coalesced, h } from "./dom.js";
import { ask, nameOf, search } from "./names.js";
import { isRunId } from "./place.js";

const STATES = ["SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLING", "CANCELLED", "PAUSED"];
const SELECTS = ["kind", "state_type"];
const NAMED = ["flow", "deployment"];
const SEARCH_MS = 200;

export class Filters {
  #form = byId("filters");
  #ids = { flow: null, deployment: null };
  #onChange;

  constructor(onChange) {
    this.#onChange = onChange;
    const states = STATES.map((type) => h("option", { value: type }, type[0] + type.slice(1).toLowerCase()));
    this.#form.elements.state_type.append(...states);
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("change", (event) => this.#changed(event.target));
    byId("clear").addEventListener("click", () => this.#clear());
    byId("more-filters").addEventListener("click", (event) => {
      const button = event.currentTarget;
      button.setAttribute("aria-expanded", String(button.getAttribute("aria-expanded") !== "true"));
    });
    for (const kind of NAMED) this.#suggest(kind);
    addEventListener("popstate", () => this.#readAddress());
  }

  /** Show the filters of the URL in the form. */
  async start() {
    this.#fill();
    await Promise.all(NAMED.map((kind) => this.#showName(kind)));
  }

  /** The parameters of the stream, without the start. */
  get parameters() {
    const parameters = new URLSearchParams();
    for (const radio of this.#form.elements.decision) if (radio.checked) add(parameters, "decision", radio.value);
    for (const name of SELECTS) add(parameters, name, this.#form.elements[name].value);
    for (const kind of NAMED) add(parameters, kind, this.#ids[kind]);
    for (const tag of this.#tags) parameters.append("tag", tag);
    return parameters;
  }

  /** The start: a position or a time; null means now. */
  get from() {
    return new URLSearchParams(location.search).get("from");
  }

  get #tags() {
    return this.#form.elements.tag.value.split(",").map((tag) => tag.trim()).filter(Boolean);
  }

  /** Show why the stream refused these filters. */
  complain(words, field = null) {
    const problem = byId("filter-problem");
    problem.textContent = words;
    problem.hidden = !words;
    for (const input of this.#form.elements) input.removeAttribute("aria-invalid");
    field?.setAttribute("aria-invalid", "true");
  }

  /** Start at a position of the log, with the same filters. */
  beginAt(from) {
    this.#write(from);
    this.#fill();
    this.#onChange();
  }

  #readAddress() {
    const before = this.#shown;
    this.#fill();
    for (const kind of NAMED) void this.#showName(kind);
    if (before !== location.search) this.#onChange();
  }

  #shown = location.search;

  #fill() {
    const asked = new URLSearchParams(location.search);
    const { elements } = this.#form;
    for (const radio of elements.decision) radio.checked = radio.value === (asked.get("decision") ?? "");
    for (const name of SELECTS) elements[name].value = asked.get(name) ?? "";
    for (const kind of NAMED) {
      this.#ids[kind] = asked.get(kind);
      elements[kind].value = asked.get(kind) ?? "";
    }
    elements.tag.value = asked.getAll("tag").join(", ");
    const from = asked.get("from");
    elements.since.value = from === null ? "" : from === "1" ? "start" : "place";
    elements.from.value = from ?? "";
    this.#shown = location.search;
    this.#mark();
  }

  #mark() {
    const { elements } = this.#form;
    byId("place").hidden = elements.since.value !== "place";
    for (const input of elements) {
      if (input.matches(".field *")) input.classList.toggle("set", input.value !== "");
    }
    const active = [...new Set(new URLSearchParams(location.search).keys())].length;
    byId("clear").hidden = active === 0;
    byId("more-filters").textContent = active ? `Filters (${active})` : "Filters";
  }

  async #changed(input) {
    this.complain("");
    if (NAMED.includes(input.name) && !(await this.#resolve(input))) return;
    let from = this.from;
    if (input.name === "since") {
      if (input.value === "place") {
        this.#mark();
        this.#form.elements.from.focus();
        return;
      }
      const seconds = Number(input.value);
      from = seconds ? new Date(Date.now() - seconds * 1000).toISOString() : input.value ? "1" : null;
    } else if (input.name === "from") from = input.value.trim() || null;
    this.#write(from);
    this.#mark();
    this.#onChange();
  }

  #write(from) {
    const parameters = this.parameters;
    add(parameters, "from", from);
    const text = parameters.toString();
    history.pushState(null, "", `${location.pathname}${text ? `?${text}` : ""}${location.hash}`);
    this.#shown = location.search;
  }

  /** The id for the typed text; false if there is none. */
  async #resolve(input) {
    const text = input.value.trim();
    if (!text || isRunId(text)) {
      this.#ids[input.name] = text || null;
      if (text) await this.#showName(input.name);
      return true;
    }
    try {
      const found = (await search(input.name, text)).filter(({ name }) => name === text);
      if (found.length === 1) {
        this.#ids[input.name] = found[0].id;
        return true;
      }
      const why = found.length ? `Several are called “${text}”: give the id of the one.` : `No ${input.name} is called “${text}”.`;
      this.complain(why, input);
    } catch (error) {
      this.complain(error.message, input);
    }
    return false;
  }

  async #showName(kind) {
    const id = this.#ids[kind];
    if (id === null) return;
    // Without a name the id itself is shown.
    await ask(kind, [id]).catch(() => null);
    if (this.#ids[kind] === id && nameOf(id)) this.#form.elements[kind].value = nameOf(id);
  }

  #suggest(kind) {
    const input = this.#form.elements[kind];
    const list = byId(`${kind}s`);
    const offer = coalesced(SEARCH_MS, async () => {
      const found = await search(kind, input.value.trim()).catch(() => []);
      list.replaceChildren(...found.map(({ name }) => h("option", { value: name })));
    });
    input.addEventListener("focus", offer);
    input.addEventListener("input", offer);
  }

  #clear() {
    history.pushState(null, "", location.pathname + location.hash);
    this.complain("");
    this.#fill();
    this.#onChange();
    byId("events").focus({ preventScroll: true });
  }
}

function add(parameters, name, value) {
  if (value !== null && value !== "") parameters.set(name, value);
}

// Follows the log by server-sent events. It reads them with fetch, not EventSource, so that every type of event arrives,
// a refusal has its reason, and a new connection continues after the last position.

import { UNREACHABLE, own, problem } from "./api.js";

// The server sends a keep-alive every 15 seconds.
const SILENCE_MS = 40_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** An undecoded item: `text` is JSON, which is parsed when the item is shown. */
const item = (fields) => ({ position: Number(fields.id), type: fields.event, text: fields.data });

/** One subscription at a time; `onItems` gets items in batches, `onState` the state of the connection. */
export class LogStream {
  #abort = null;
  #wait = FIRST_WAIT_MS;
  #wake = null;

  constructor(onItems, onState) {
    this.onItems = onItems;
    this.onState = onState;
    /** The last position received. */
    this.position = null;
    addEventListener("online", () => this.#wake?.());
  }

  /** End the subscription, and start one for `parameters` from `start` on. */
  open(parameters, start) {
    this.close();
    this.position = null;
    this.#wait = FIRST_WAIT_MS;
    this.#abort = new AbortController();
    this.#follow(parameters, start, this.#abort.signal);
  }

  close() {
    this.#abort?.abort();
    this.#abort = null;
  }

  async #follow(parameters, start, signal) {
    const url = own("stream");
    url.search = parameters;
    if (start !== null) url.searchParams.set("from", start);
    while (!signal.aborted) {
      const why = await this.#read(url, signal);
      if (signal.aborted || why === null) return;
      const seconds = Math.ceil(this.#wait / 1000);
      this.onState({ kind: "off", why, seconds, position: this.position });
      await this.#pause(signal);
    }
  }

  /** Read until the connection breaks; returns the reason, or null if a retry makes no sense. */
  async #read(url, signal) {
    this.onState({ kind: "connecting", position: this.position });
    const silence = new AbortController();
    const either = AbortSignal.any([signal, silence.signal]);
    let timer = setTimeout(() => silence.abort(), SILENCE_MS);
    try {
      const headers = this.position === null ? {} : { "Last-Event-ID": String(this.position) };
      const response = await fetch(url, { headers, signal: either, cache: "no-store" });
      if (!response.ok) return await this.#refused(response);
      this.onState({ kind: "live", position: this.position });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parse = parser();
      for (;;) {
        const { value, done } = await reader.read();
        clearTimeout(timer);
        if (done) return "The server ended the stream.";
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
        const told = this.#take(parse(value));
        if (told) return told;
      }
    } catch {
      return silence.signal.aborted ? "Nothing was heard for 40 seconds." : UNREACHABLE;
    } finally {
      clearTimeout(timer);
    }
  }

  async #refused(response) {
    const why = await problem(response);
    if (response.status >= 500) return why;
    this.onState({ kind: "refused", why });
    return null;
  }

  /** Pass items on; returns the server's problem, if it sent one. */
  #take(blocks) {
    this.#wait = FIRST_WAIT_MS;
    const items = [];
    let told = null;
    for (const fields of blocks) {
      if (fields.event === "problem") told = JSON.parse(fields.data).detail;
      else if (fields.id !== undefined) {
        this.position = Number(fields.id);
        if (fields.data !== undefined) items.push(item(fields));
      }
    }
    if (items.length) this.onItems(items);
    return told;
  }

  async #pause(signal) {
    const jitter = 0.75 + Math.random() / 2;
    await new Promise((resolve) => {
      this.#wake = resolve;
      signal.addEventListener("abort", resolve, { once: true });
      setTimeout(resolve, this.#wait * jitter);
    });
    this.#wake = null;
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
  }
}

/** Takes text in parts, and returns the fields of each complete event. */
export function parser() {
  let rest = "";
  return (text) => {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop();
    return blocks.map(fieldsOf);
  };
}

function fieldsOf(block) {
  const fields = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, "");
  }
  return fields;
}

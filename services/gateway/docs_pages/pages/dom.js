// Makes elements, and writes times and numbers the way people read them.

/** An element; an attribute that is null, undefined or false is left out, a function listens to an event. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export const byId = (id) => document.getElementById(id);

const NUMBER = new Intl.NumberFormat("en");
export const number = (value) => NUMBER.format(value);

/** "1 event", "2 events". */
export const count = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

const two = (value) => String(value).padStart(2, "0");

/** Of the day, to the millisecond, in the reader's own zone. */
export function clock(moment) {
  const at = new Date(moment);
  const seconds = `${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
  return `${two(at.getHours())}:${two(at.getMinutes())}:${seconds}`;
}

export function day(moment) {
  const at = new Date(moment);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** A `time` element that shows the time of day and tells the whole of it. */
export function time(moment, text = clock(moment)) {
  return h("time", { datetime: moment, title: `${day(moment)} ${clock(moment)}, ${moment}` }, text);
}

const UNITS = [["d", 86400], ["h", 3600], ["min", 60]];

/** A length of time with its two largest units. */
export function duration(seconds) {
  if (seconds < 0.001) return "0 ms";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const at = UNITS.findIndex(([, length]) => seconds >= length);
  const [unit, length] = UNITS[at];
  const [small, part] = UNITS[at + 1] ?? ["s", 1];
  const rest = Math.floor((seconds % length) / part);
  return `${Math.floor(seconds / length)} ${unit}${rest ? ` ${rest} ${small}` : ""}`;
}

const MOST_SHOWN = 2000;

/** A value as JSON, cut where nobody would read on. */
export function json(value) {
  const text = JSON.stringify(value) ?? "";
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}… (${number(text.length)} characters)` : text;
}

/** At most one call in `milliseconds`, and always one after the last request for it. */
export function coalesced(milliseconds, call) {
  let timer = 0;
  return () => {
    timer ||= setTimeout(() => {
      timer = 0;
      call();
    }, milliseconds);
  };
}

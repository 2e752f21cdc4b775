// Makes elements, and formats times and numbers for readers.

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

/** The time of day, with milliseconds, in the reader's time zone. */
export function clock(moment) {
  const at = new Date(moment);
  const seconds = `${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
  return `${two(at.getHours())}:${two(at.getMinutes())}:${seconds}`;
}

export function day(moment) {
  const at = new Date(moment);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** A `time` element that shows the time of day, with the full time as its title. */
export function time(moment, text = clock(moment)) {
  return h("time", { datetime: moment, title: `${day(moment)} ${clock(moment)}, ${moment}` }, text);
}

const UNITS = [["d", 86400], ["h", 3600], ["min", 60]];

/** A duration in its two largest units. */
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

/** A value as JSON, truncated for reading. */
export function json(value) {
  const text = JSON.stringify(value) ?? "";
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}… (${number(text.length)} characters)` : text;
}

/** Limits a function to one call in `milliseconds`; the last request always leads to a call. */
export function coalesced(milliseconds, call) {
  let timer = 0;
  return () => {
    timer ||= setTimeout(() => {
      timer = 0;
      call();
    }, milliseconds);
  };
}

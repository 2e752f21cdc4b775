// The state of the log in the header: requested every few seconds while the page is visible.

import { get, own } from "./api.js";
import { byId, duration, number } from "./dom.js";

const EVERY_MS = 3_000;
//: A shorter lag is normal.
const LATE_SECONDS = 5;

const listeners = [];
/** How far the server's clock is ahead of the browser's. */
let offset = 0;

export const serverNow = () => Date.now() + offset;
export const onVitals = (listener) => listeners.push(listener);

async function ask() {
  if (document.hidden) return;
  try {
    const vitals = await get(own("status"));
    offset = Date.parse(vitals.now) - Date.now();
    show(vitals);
    for (const listener of listeners) listener(vitals);
  } catch (error) {
    trouble(error.message);
  }
}

function show(vitals) {
  for (const element of document.querySelectorAll("[data-vital]")) {
    const value = vitals[element.dataset.vital];
    element.textContent = value === null ? "unknown" : number(value);
    delete element.dataset.tone;
  }
  const late = vitals.projection_lag_seconds;
  if (late > LATE_SECONDS) tone("projection_lag_events", "delayed", ` · ${duration(late)}`);
  for (const name of ["parked_messages", "parked_event_streams"]) if (vitals[name] > 0) tone(name, "refused");
  const missing = [];
  if (vitals.log_position === null) missing.push("The log does not answer.");
  if (vitals.projected_position === null) missing.push("The database does not answer.");
  trouble(missing.join(" "));
}

function tone(name, value, more = "") {
  const element = document.querySelector(`[data-vital="${name}"]`);
  element.dataset.tone = value;
  element.textContent += more;
}

function trouble(words) {
  const element = byId("trouble");
  if (element.textContent === words) return;
  element.textContent = words;
  element.hidden = !words;
}

/** Request the state now, and then at intervals. */
export async function watch() {
  setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", ask);
  await ask();
}

// Assembles the audit page.

import { byId, count, duration, h, number } from "./dom.js";
import { Feed } from "./feed.js";
import { Filters } from "./filters.js";
import { isRunId, moveTo, place, runLink } from "./place.js";
import { Run } from "./run.js";
import { LogStream } from "./stream.js";
import { onVitals, serverNow, watch } from "./vitals.js";

//: How far back the list begins; farther with filters, because few events match.
const BACK = 250;
const BACK_FILTERED = 5_000;
//: An event that is older than this on arrival is not live.
const BEHIND_MS = 5_000;
const IDLE_MS = 2_000;

const feed = new Feed();
const filters = new Filters(follow);
const stream = new LogStream(arrived, connected);
let run = null;
let end = null;
let began = null;
let connection = { kind: "connecting" };
let newest = { arrived: 0, age: 0 };
/** Since when old events have been arriving without a pause. */
let behindSince = null;

/** Follow the events that match the filters, from the filters' start. */
function follow() {
  filters.complain("");
  feed.clear();
  const parameters = filters.parameters;
  const back = parameters.size ? BACK_FILTERED : BACK;
  began = filters.from ?? (end === null ? null : String(Math.max(1, end - back)));
  byId("empty").hidden = true;
  stream.open(parameters.toString(), began);
}

function arrived(items) {
  feed.take(items);
  const recorded = /"recorded_at":"([^"]+)"/.exec(items.at(-1).text)?.[1];
  const age = recorded ? serverNow() - Date.parse(recorded) : 0;
  newest = { arrived: performance.now(), age };
  behindSince = age > BEHIND_MS ? (behindSince ?? newest.arrived) : null;
  tellConnection();
}

function connected(state) {
  connection = state;
  if (state.kind === "refused") filters.complain(`These filters cannot be followed: ${state.why}`);
  tellConnection();
}

function tellConnection() {
  const [tone, words] = connectionWords();
  const element = byId("connection");
  element.dataset.tone = tone;
  if (element.textContent !== words) element.textContent = words;
  const isNew = element.dataset.said !== tone;
  element.dataset.said = tone;
  // Screen readers announce a loss and a reconnection, not each state between.
  if (isNew && tone !== "wait") byId("announcer").textContent = words;
}

function connectionWords() {
  const { kind, why, seconds, position } = connection;
  if (kind === "refused") return ["off", "Not following"];
  if (kind === "off") {
    const rest = position === null ? "" : ` It will go on behind position ${number(position)}; nothing is lost.`;
    return ["off", `Cut off. ${why} Trying again in ${seconds} s.${rest}`];
  }
  if (kind === "connecting") return ["wait", "Connecting"];
  const now = performance.now();
  if (now - newest.arrived > IDLE_MS) behindSince = null;
  if (behindSince !== null && now - behindSince > IDLE_MS) return ["behind", `Catching up: ${duration(newest.age / 1000)} behind`];
  return ["live", "Live"];
}

function showEmpty() {
  if (connection.kind !== "live" || !feed.isEmpty || !byId("empty").hidden) return;
  const isFiltered = filters.parameters.size > 0;
  const earlier = h("button", { type: "button", class: "button", click: () => filters.beginAt("1") }, "Look from the beginning");
  const since = began === null ? "now" : /^\d+$/.test(began) ? `position ${number(began)}` : began;
  const words = isFiltered
    ? [
        h("h3", {}, "Nothing so far that fits"),
        h("p", {}, `Looking since ${since}. Much of the log may take a while; what fits appears here, also what happens from now on.`),
      ]
    : [
        h("h3", {}, end ? "All quiet" : "Nothing has happened yet"),
        h("p", {}, "Every decision appears here as it is made: the accepted ones, and the refused ones with the rule and its reason. Point Prefect here, and run a flow."),
        h("pre", {}, `export PREFECT_API_URL=${new URL("api", new URL("../", import.meta.url))}`),
      ];
  byId("empty").replaceChildren(...words, began === "1" || !end ? "" : h("p", {}, earlier));
  byId("empty").hidden = false;
}

/** Show the run in the URL, if there is one. */
function route() {
  // The skip link leads to the list; it does not close the run.
  if (location.hash === "#events") return;
  const { id, kind, at } = place();
  if (run && run.id === id && run.kind === kind) {
    run.show(at);
    return;
  }
  run?.close();
  run = null;
  const isOpen = id !== null && isRunId(id);
  byId("run").hidden = !isOpen;
  document.querySelector("main").classList.toggle("split", isOpen);
  feed.choose(isOpen ? id : null);
  if (!isOpen) {
    document.title = "Audit – Antiphon";
    return;
  }
  run = new Run({ id, kind, at }, closeRun);
  byId("run").scrollTop = 0;
  byId("run").focus({ preventScroll: true });
}

function closeRun() {
  moveTo(null);
  route();
  byId("events").focus({ preventScroll: true });
}

byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = byId("run-id").value.trim().toLowerCase();
  const problem = byId("find-problem");
  problem.hidden = !id || isRunId(id);
  problem.textContent = problem.hidden ? "" : "An id is 32 hexadecimal digits in five groups, as in 0199a1b2-….";
  if (id && isRunId(id)) location.hash = runLink({ id });
});
addEventListener("hashchange", route);
addEventListener("keydown", (event) => event.key === "Escape" && run && !event.target.matches("input:not([type=range])") && closeRun());
onVitals((vitals) => {
  end = vitals.log_position;
  if (end !== null) void run?.follow(end);
});
setInterval(() => {
  tellConnection();
  showEmpty();
}, 1000);

await watch();
await filters.start();
follow();
route();

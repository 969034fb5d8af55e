// Follow the stream, and fetch the parts of the page that have changed.
//
// An element with data-live names what it shows, such as "message case:17", and has hx-get with
// hx-trigger="changed". EventSource connects again by itself, and says how far it has read.

const QUIET = 10; // seconds after which the page says that it may be old
const PAUSE = 400; // milliseconds between two refreshes of one part
const body = document.body;
const freshness = document.getElementById("freshness");
const banner = document.getElementById("stale");
const refreshed = new WeakMap(); // element: when, and whether one more is due
const waiting = new Set(); // elements that changed while nobody looked
let heardAt = Date.now();
let behind = null; // seconds; null: nobody knows

function refresh(part) {
  if (document.hidden) {
    waiting.add(part);
    return;
  }
  const last = refreshed.get(part) ?? { at: 0, due: false };
  const wait = last.at + PAUSE - Date.now();
  if (wait <= 0) {
    refreshed.set(part, { at: Date.now(), due: false });
    part.dispatchEvent(new CustomEvent("changed"));
  } else if (!last.due) {
    last.due = true;
    refreshed.set(part, last);
    setTimeout(() => {
      last.due = false;
      if (part.isConnected) refresh(part);
    }, wait);
  }
}

// names: a list such as ["message:17", "thread:*"]; null: everything may have changed
function changed(names) {
  const known = new Set(names);
  const parts = new Set(names?.map((name) => name.slice(0, name.indexOf(":"))));
  const concerns = (shown) =>
    known.has(shown) || parts.has(shown) || known.has(`${shown.slice(0, shown.indexOf(":"))}:*`);
  for (const element of document.querySelectorAll("[data-live]")) {
    if (names === null || element.dataset.live.split(" ").some(concerns)) refresh(element);
  }
}

function show() {
  const quiet = (Date.now() - heardAt) / 1000;
  const age = behind === null ? null : Math.round(behind + quiet);
  freshness.textContent = age === null ? freshness.dataset.unknown : freshness.dataset.words.replace("{}", age);
  banner.hidden = quiet <= QUIET && age !== null && age <= QUIET;
}

function follow() {
  const stream = new EventSource(`${body.dataset.stream}?from=${encodeURIComponent(body.dataset.position)}`);
  const reach = (event) => {
    if (event.lastEventId) body.dataset.position = event.lastEventId;
  };
  stream.addEventListener("changed", (event) => {
    reach(event);
    changed(JSON.parse(event.data));
  });
  stream.addEventListener("all", (event) => {
    reach(event);
    changed(null);
  });
  stream.addEventListener("tick", (event) => {
    heardAt = Date.now();
    behind = JSON.parse(event.data);
    show();
  });
  stream.addEventListener("end", () => location.reload()); // the session has ended
  stream.addEventListener("error", () => {
    // A browser gives up after an answer that is no stream, such as one of a proxy.
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 3000);
  });
}

if (body.dataset.stream && freshness) {
  follow();
  setInterval(show, 1000);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    const due = [...waiting];
    waiting.clear();
    for (const part of due) if (part.isConnected) refresh(part);
  });
}

// Follow the stream, and fetch the parts of the page that have changed.
//
// An element with data-live names what it shows, such as "message case:17", and has hx-get with
// hx-trigger="changed". EventSource connects again by itself, and says how far it has read.

const QUIET = 10_000; // milliseconds without a word after which the page says that it may be old
const body = document.body;
const freshness = document.getElementById("freshness");
const banner = document.getElementById("stale");
let heardAt = Date.now();
let behind = 0; // seconds

function changed(names) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const shows = part.dataset.live.split(" ");
    const concerned = names === null || shows.some((name) => names.has(name) || names.has(name.split(":")[0] + ":*"));
    if (concerned) part.dispatchEvent(new CustomEvent("changed", { bubbles: false }));
  }
}

function show() {
  const quiet = (Date.now() - heardAt) / 1000;
  const seconds = Math.round(behind + quiet);
  freshness.textContent = `as of ${seconds} s ago`;
  banner.hidden = seconds <= QUIET / 1000;
}

function follow() {
  const from = encodeURIComponent(body.dataset.position);
  const stream = new EventSource(`${body.dataset.stream}?from=${from}`);
  stream.addEventListener("changed", (event) => {
    if (event.lastEventId) body.dataset.position = event.lastEventId;
    changed(new Set(JSON.parse(event.data)));
  });
  stream.addEventListener("all", (event) => {
    if (event.lastEventId) body.dataset.position = event.lastEventId;
    changed(null);
  });
  stream.addEventListener("tick", (event) => {
    heardAt = Date.now();
    behind = Number(event.data);
    show();
  });
  stream.addEventListener("end", () => location.reload()); // the session has ended
}

if (body.dataset.stream && freshness) {
  follow();
  setInterval(show, 1000);
}

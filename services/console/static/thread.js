// A conversation stands at its newest text, and stays there while one reads the end of it.

const NEAR = 80; // pixels from the end that count as the end
const READ = 3000; // milliseconds in front of somebody's eyes after which a text counts as read
let atEnd = true;

const list = () => document.querySelector("[data-newest-last]");

function toEnd() {
  const found = list();
  if (found && atEnd) found.scrollTop = found.scrollHeight;
}

// A reply says up to where its writer has read: what came just now is shown before it is answered.
function read() {
  const place = document.getElementById("conversation")?.dataset.seen;
  const box = document.querySelector("#reply-box input[name=seen]");
  if (!place || !box || box.value === place) return;
  setTimeout(() => {
    const now = document.querySelector("#reply-box input[name=seen]");
    const still = document.getElementById("conversation")?.dataset.seen === place;
    if (now && still && atEnd && !document.hidden) now.value = place;
  }, READ);
}

document.addEventListener(
  "scroll",
  (event) => {
    const found = event.target;
    if (!(found instanceof Element) || !found.matches("[data-newest-last]")) return;
    atEnd = found.scrollHeight - found.scrollTop - found.clientHeight < NEAR;
    if (atEnd) read();
  },
  true,
);
document.addEventListener("visibilitychange", read);
document.addEventListener("htmx:after:swap", () => {
  toEnd();
  read();
});
toEnd();

// Earlier entries come above. The button that fetched them is gone: the next one has the focus.
let asked = false;
document.addEventListener("click", (event) => {
  asked = Boolean(event.target.closest("[data-earlier]"));
});
document.addEventListener("htmx:after:swap", () => {
  if (!asked) return;
  asked = false;
  (document.querySelector("[data-earlier]") ?? list())?.focus();
});

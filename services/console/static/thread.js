// A conversation stands at its newest text, and stays there while one reads the end of it.

const NEAR = 80; // pixels from the end that count as the end
let atEnd = true;

const list = () => document.querySelector("[data-newest-last]");

function toEnd() {
  const found = list();
  if (found && atEnd) found.scrollTop = found.scrollHeight;
}

document.addEventListener(
  "scroll",
  (event) => {
    const found = event.target;
    if (!(found instanceof Element) || !found.matches("[data-newest-last]")) return;
    atEnd = found.scrollHeight - found.scrollTop - found.clientHeight < NEAR;
  },
  true,
);
document.addEventListener("htmx:after:swap", toEnd);
toEnd();

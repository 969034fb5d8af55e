// Text boxes: Enter makes a new line, Ctrl+Enter sends, a held key sends once.

document.addEventListener("keydown", (event) => {
  if (!event.target.matches("textarea[data-send]")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});

// The server is the judge of what was sent before; this only spares a second press.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.matches("[data-once]")) {
    form.dataset.sent = "yes";
    setTimeout(() => delete form.dataset.sent, 3000);
  }
});

// A text that was sent by hand can be undone while the gate holds it: the seconds run down.
setInterval(() => {
  for (const notice of document.querySelectorAll("[data-undo]")) {
    const left = Number(notice.dataset.undo) - 1;
    notice.dataset.undo = String(left);
    const button = notice.querySelector("button");
    if (!button) continue;
    if (left > 0) button.querySelector("[data-seconds]").textContent = String(left);
    else {
      button.closest("form").remove();
      delete notice.dataset.undo;
    }
  }
}, 1000);

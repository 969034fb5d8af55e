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

// A calendar: an event (data-drag) is dragged to another cell (data-drop) by mouse, pen or finger.
// Where it is let go, the event's page opens with the new day and shows what that would do. Nothing
// is saved here. The event's link is the way without dragging.

const FAR = 6; // pixels after which a press is a drag
const EDGE = 48; // pixels from the window's edge in which it scrolls along

let drag = null;

const cellAt = (x, y) => document.elementFromPoint(x, y)?.closest("[data-drop]");

document.addEventListener("pointerdown", (event) => {
  const chip = event.target.closest?.("[data-drag]");
  if (!chip || event.button !== 0 || drag) return;
  // A finger on the words scrolls the page; the grip is there to drag by.
  if (event.pointerType === "touch" && !event.target.closest(".grip")) return;
  drag = { chip, id: event.pointerId, x: event.clientX, y: event.clientY, from: chip.closest("[data-drop]") };
});

document.addEventListener("pointermove", (event) => {
  if (!drag || event.pointerId !== drag.id) return;
  if (!drag.ghost) {
    if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < FAR) return;
    begin();
  }
  event.preventDefault();
  drag.ghost.style.translate = `${event.clientX + 8}px ${event.clientY + 8}px`;
  if (event.clientY < EDGE) scrollBy(0, -12);
  if (event.clientY > innerHeight - EDGE) scrollBy(0, 12);
  aim(cellAt(event.clientX, event.clientY));
});

function begin() {
  drag.ghost = drag.chip.cloneNode(true);
  drag.ghost.removeAttribute("data-drag");
  drag.ghost.classList.add("ghost");
  drag.ghost.setAttribute("aria-hidden", "true");
  document.body.append(drag.ghost);
  document.body.classList.add("drags");
  getSelection()?.removeAllRanges();
}

function aim(cell) {
  if (cell === drag.over) return;
  drag.over?.classList.remove("over");
  drag.over = cell;
  cell?.classList.add("over");
  const says = document.getElementById("dragging");
  if (cell && says) says.textContent = says.dataset.words.replace("{}", cell.dataset.name);
}

function end() {
  drag.ghost?.remove();
  drag.over?.classList.remove("over");
  document.body.classList.remove("drags");
  drag = null;
}

document.addEventListener("pointerup", (event) => {
  if (!drag || event.pointerId !== drag.id) return;
  const { ghost, chip, from } = drag;
  const to = ghost && cellAt(event.clientX, event.clientY);
  end();
  if (!ghost) return;
  // The press that dragged is no click on the event's link.
  addEventListener("click", stop, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", stop, { capture: true }), 50);
  const isSame = !to || !from || (to.dataset.day === from.dataset.day && to.dataset.clock === from.dataset.clock);
  if (isSame) return;
  const moved = new URLSearchParams({ day: to.dataset.day });
  if (to.dataset.clock !== undefined) moved.set("clock", to.dataset.clock);
  location.assign(`${chip.closest("[data-events]").dataset.events}${encodeURIComponent(chip.dataset.drag)}?${moved}#effects`);
});

function stop(event) {
  event.preventDefault();
  event.stopPropagation();
}

document.addEventListener("pointercancel", (event) => {
  if (drag?.id === event.pointerId) end();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && drag) end();
});

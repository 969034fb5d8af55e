// Lists: j and k move, x checks, Enter opens, / searches; the header box checks all rows.
//
// A list is an element with data-list; its rows have data-row and an id. Live parts replace rows
// while somebody reads: what was checked stays checked, unless its text is another one now
// (data-version), for nobody has chosen that.

const typing = (element) => element.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
const rows = () => [...document.querySelectorAll("[data-row]")];
const boxes = (list) => [...list.querySelectorAll("[data-row] input[type=checkbox]")];
const versions = new WeakMap(); // of a checked box: the text that was there when it was checked
let current = null; // the id of the row that j and k have reached

function markCurrent() {
  for (const row of rows()) row.classList.toggle("current", row.id === current);
}

function move(step) {
  const all = rows();
  const at = all.findIndex((row) => row.id === current);
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  if (!next) return;
  current = next.id;
  markCurrent();
  (next.querySelector("a, button, input") ?? next).focus();
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const row = document.querySelector("[data-row].current");
  switch (event.key) {
    case "j": return move(1);
    case "k": return move(-1);
    case "x": {
      const box = row?.querySelector("input[type=checkbox]");
      if (box) box.click();
      return undefined;
    }
    case "Enter": {
      if (event.target.matches("a, button, summary")) return undefined;
      if (event.target.closest("[data-list]")) event.preventDefault(); // Enter on a box acts on nothing
      const link = row?.querySelector("a.open[href]") ?? row?.querySelector("a[href]");
      if (link) link.click();
      return undefined;
    }
    case "/": {
      const search = document.querySelector("input[type=search]");
      if (search) {
        event.preventDefault();
        search.focus();
      }
      return undefined;
    }
  }
});

function versionOf(box) {
  return box.closest("[data-row]").dataset.version ?? "";
}

function count(list) {
  const all = boxes(list);
  const checked = all.filter((one) => one.checked).length;
  const header = list.querySelector("input[data-all]");
  if (header) {
    header.checked = header.checked && checked === all.length;
    header.indeterminate = checked > 0 && !header.checked;
  }
  // With the header box checked, all that match are chosen, also those on other pages.
  const matching = Number(list.querySelector("input[name=of]")?.value ?? checked);
  const chosen = header?.checked ? Math.max(matching, checked) : checked;
  for (const box of all) box.closest("[data-row]").setAttribute("aria-selected", String(box.checked));
  for (const place of list.querySelectorAll("[data-checked]")) place.textContent = String(chosen);
  for (const button of list.querySelectorAll("[data-needs-checked]")) button.disabled = chosen === 0;
}

document.addEventListener("change", (event) => {
  const box = event.target;
  const list = box.closest("[data-list]");
  if (!list || !box.matches("input[type=checkbox]")) return;
  const changed = box.matches("[data-all]") ? boxes(list) : [box];
  if (box.matches("[data-all]")) for (const one of changed) one.checked = box.checked;
  for (const one of changed) {
    if (!one.closest("[data-row]")) continue;
    if (one.checked) versions.set(one, versionOf(one));
    one.closest("[data-row]").classList.remove("altered");
  }
  count(list);
});

function look() {
  for (const list of document.querySelectorAll("[data-list]")) {
    for (const box of boxes(list)) {
      if (!box.checked) continue;
      if (!versions.has(box)) versions.set(box, versionOf(box));
      if (versions.get(box) === versionOf(box)) continue;
      box.checked = false;
      box.closest("[data-row]").classList.add("altered");
    }
    count(list);
  }
  markCurrent();
}

document.addEventListener("htmx:after:swap", look);
window.addEventListener("pageshow", look); // also after "back", where browsers restore boxes
look();

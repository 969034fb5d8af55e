// Lists: j and k move, x checks, Enter opens, / searches; the header box checks all rows.

const typing = (element) => element.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
const rows = () => [...document.querySelectorAll("[data-row]")];

function move(step) {
  const all = rows();
  const at = all.findIndex((row) => row.classList.contains("current"));
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  if (!next) return;
  all[at]?.classList.remove("current");
  next.classList.add("current");
  (next.querySelector("a, button, input") ?? next).focus();
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const current = document.querySelector("[data-row].current");
  switch (event.key) {
    case "j": return move(1);
    case "k": return move(-1);
    case "x": {
      const box = current?.querySelector("input[type=checkbox]");
      if (box) box.click();
      return undefined;
    }
    case "Enter": {
      if (event.target.matches("a, button, input, summary")) return undefined;
      const link = current?.querySelector("a[href]");
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

document.addEventListener("change", (event) => {
  const box = event.target;
  if (!box.matches("input[type=checkbox]")) return;
  const list = box.closest("[data-list]");
  if (!list) return;
  if (box.matches("[data-all]")) {
    for (const one of list.querySelectorAll("[data-row] input[type=checkbox]")) one.checked = box.checked;
  }
  const boxes = [...list.querySelectorAll("[data-row] input[type=checkbox]")];
  const checked = boxes.filter((one) => one.checked).length;
  list.dispatchEvent(new CustomEvent("selection", { detail: { checked, of: boxes.length } }));
  for (const place of list.querySelectorAll("[data-checked]")) place.textContent = String(checked);
});

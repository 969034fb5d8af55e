// Everything that pages do by themselves. Each part looks for its own elements, and nothing else.
import "./live.js";
import "./lists.js";
import "./composing.js";
import "./thread.js";
import "./calendar.js";

// The server shows times by the viewer's clock.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes(`zone=${encodeURIComponent(zone)}`)) {
  document.cookie = `zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) print();
});

// Menus close when one looks elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// On a phone the pages stand in one line: show the one that is open.
document.querySelector(".side [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

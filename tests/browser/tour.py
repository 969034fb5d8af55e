"""Every page of the console, as somebody finds it who follows the links of a filled stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from playwright.sync_api import Page


class Stop(NamedTuple):
    name: str
    path: str
    """Below the tenant, unless it begins with a slash."""
    then: tuple[str, ...] = ()
    """Links to follow from there, one after another: the first that is found, and the last case."""


STOPS: Final = (
    Stop("ready", "messages?box=ready"),
    Stop("outbox", "messages?box=outbox"),
    Stop("sentbox", "messages?box=sentbox"),
    Stop("failed", "messages?box=failed"),
    Stop("nothing-found", "messages?box=sentbox&q=nobody-has-this-name"),
    Stop("message-delivered", "messages?box=sentbox", ("messages/",)),
    Stop("message-held", "messages?box=outbox", ("messages/",)),
    Stop("message-failed", "messages?box=failed", ("messages/",)),
    Stop("message-escalate", "messages?box=failed", ("messages/", "messages/*/escalate")),
    Stop("message-resend", "messages?box=failed", ("messages/*/resend",)),
    Stop("message-test", "messages/new/test"),
    Stop("inbox", "inbox"),
    Stop("thread", "inbox", ("threads/",)),
    Stop("today", "today"),
    Stop("cases", "cases"),
    Stop("case-new", "cases/new/form"),
    Stop("case", "cases", ("cases/",)),
    Stop("case-calendar", "cases", ("cases/", "cases/*/calendar")),
    Stop("case-event", "cases", ("cases/", "cases/*/events/")),
    Stop("case-task", "cases", ("cases/", "cases/*/tasks/")),
    Stop("case-task-new", "cases", ("cases/", "cases/*/tasks/new")),
    Stop("people", "people"),
    Stop("person", "people", ("people/",)),
    Stop("number", "people", ("people/", "people/*/numbers/")),
    Stop("person-new", "people/-/new"),
    Stop("people-import", "people/-/import"),
    Stop("people-forms", "people/-/forms"),
    Stop("usage", "usage"),
    Stop("operations", "operations"),
    Stop("letter", "operations", ("operations/letters/",)),
    Stop("settings", "settings"),
    Stop("keys", "settings/keys"),
    Stop("endpoints", "settings/endpoints"),
    Stop("account", "/account"),
    Stop("not-found", "cases/there-is-no-such-case"),
)

_FIND: Final = """([pattern, last]) => {
  const end = pattern.endsWith("/") ? "[^/?]+$" : "$";
  const wanted = new RegExp("^" + pattern.replace("*", "[^/?]+") + end);
  const isPlain = (path) => pattern.endsWith("/new") || !/[/](new|-)([/]|$)/.test(path);
  const paths = [...document.querySelectorAll("main a[href]")].map((link) => new URL(link.href).pathname);
  const found = paths.filter((path) => wanted.test(path) && isPlain(path));
  return found.at(last ? -1 : 0) ?? null;
}"""


def walk(page: Page, url: str, tenant: str, only: str = "") -> Iterator[str]:
    """The page stands at each stop in turn, and its name comes out.

    A stop that this stack has nothing for (no dead letter, no failed text) is left out.
    """
    for stop in STOPS:
        if stop.name.startswith(only) and _go(page, url, tenant, stop):
            yield stop.name


def _go(page: Page, url: str, tenant: str, stop: Stop) -> bool:
    below = f"/t/{tenant}/"
    page.goto(url + (stop.path if stop.path.startswith("/") else below + stop.path))
    for pattern in stop.then:
        found = page.evaluate(_FIND, [below + pattern, pattern == "cases/"])
        if found is None:
            return False
        page.goto(url + found)
    return True

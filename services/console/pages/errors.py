"""Error pages: what is wrong, and what to do."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request
from starlette.responses import HTMLResponse

from services.console.access import Visit, find_viewer, is_tenant_of
from services.console.api.errors import explain_field
from services.console.console import Console
from services.console.navigation import navigation
from services.console.rendering import draw, draw_public
from services.console.viewer import Permission
from services.ledger import LedgerError

WORDS: Final = {
    400: ("This cannot be read", "Open the page again, and send it once more."),
    401: ("Sign in first", "Your session has ended, or you have not signed in yet."),
    403: ("Not for your role", "Ask an admin for the role that this needs."),
    404: (
        "There is no such page",
        "The address may be mistyped, or it is gone. If it is only a moment old, load it again.",
    ),
    405: ("That cannot be done here", "Go back, and use the buttons of the page."),
    409: (
        "This is under way already",
        "It was sent a moment ago: go back, and look.",
    ),
    422: ("This cannot be done as it is written", "Put right what is named, and send it again."),
    429: ("Too many tries", "Wait a minute, then try again."),
    500: (
        "This is a fault of ours",
        "It stands in the log of the console: tell an operator.",
    ),
    503: ("Not possible just now", "Nothing was done. Try again in a moment."),
}
"""Title and what to do, by status."""


_TENANT: Final = re.compile(r"/t/([^/]+)/([^/]*)")
_OUTSIDE: Final = ("/forms/", "/opt-out", "/sign-in", "/static/")
"""Pages of visitors, who get no navigation."""
RETRY: Final = frozenset({409, 429, 500, 503})


def draw_error(
    request: Request, status: int, detail: str = "", headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """Whoever has signed in still finds their way: the page has its navigation."""
    title, advice = WORDS.get(status, WORDS[503])
    context = {"title": title, "advice": advice, "detail": detail}
    if request.headers.get("hx-request"):
        answer = draw_public(request, "parts/error.html", status=status, **context)
    else:
        answer = _draw_inside(request, status, context) or draw_public(
            request, "error.html", status=status, **context
        )
    for name, value in (headers or {}).items():
        answer.headers[name] = value
    return answer


def _draw_inside(request: Request, status: int, context: dict[str, str]) -> HTMLResponse | None:
    """None for strangers, and where what the navigation needs cannot be read either."""
    if request.url.path.startswith(_OUTSIDE):
        return None
    try:
        visit = _find_visit(request)
        if visit is None:
            return None
        items = navigation(visit).items
        section = _TENANT.match(request.url.path)
        more: dict[str, Any] = {
            "section": next((one for one in items if section and one.path == section[2]), None),
            "first": items[0] if items else None,
            "again": request.url.path if status in RETRY and request.method == "GET" else "",
        }
        return draw(visit, "error_inside.html", status=status, **context, **more)
    except (LedgerError, sqlite3.Error):
        return None


def _find_visit(request: Request) -> Visit | None:
    """At the tenant of the address if the viewer has a role there, else at their only one."""
    console: Console = request.app.state.console
    now = console.clock()
    viewer = find_viewer(request, now)
    if viewer is None:
        return None
    found = _TENANT.match(request.url.path)
    tenant = found[1] if found and is_tenant_of(viewer, found[1]) else ""
    if not tenant:
        theirs = viewer.tenants(console.tenants())
        tenant = theirs[0] if len(theirs) == 1 else ""
    return Visit(request, console, viewer, Permission.READ, tenant, now)


def draw_invalid(request: Request, errors: Sequence[Any]) -> HTMLResponse:
    """Names what is wrong, and never repeats it: it may be a number or a text."""
    fields = [explain_field(error) for error in errors]
    detail = "; ".join(dict.fromkeys(f"{one.field}: {one.fix}" for one in fields))
    return draw_error(request, 422, detail)


def draw_fault(request: Request) -> HTMLResponse:
    """A fault of ours. It says nothing of the inside."""
    return draw_error(request, 500)

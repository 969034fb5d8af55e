"""Error pages: what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request
from starlette.responses import HTMLResponse

from services.console.api.errors import explain_field
from services.console.rendering import draw_public

WORDS: Final = {
    400: ("This cannot be read", "Open the page again, and send it once more."),
    401: ("Sign in first", "Your session has ended, or you have not signed in yet."),
    403: ("Not for your role", "Ask an admin for the role that this needs."),
    404: ("There is no such page", "The address may be mistyped, or what it showed is gone."),
    405: ("That cannot be done here", "Go back, and use the buttons of the page."),
    409: ("This is under way already", "It was sent a moment ago. Look at the page again."),
    422: ("This cannot be done as it is written", "Put right what is named, and send it again."),
    429: ("Too many tries", "Wait a minute, then try again."),
    500: (
        "This is a fault of ours",
        "It stands in the log of the console: tell an operator.",
    ),
    503: ("Not possible just now", "Nothing was done. Try again in a moment."),
}
"""Title and what to do, by status."""


def draw_error(
    request: Request, status: int, detail: str = "", headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    title, advice = WORDS.get(status, WORDS[503])
    part = bool(request.headers.get("hx-request"))
    template = "parts/error.html" if part else "error.html"
    answer = draw_public(
        request, template, status=status, title=title, advice=advice, detail=detail
    )
    for name, value in (headers or {}).items():
        answer.headers[name] = value
    return answer


def draw_invalid(request: Request, errors: Sequence[Any]) -> HTMLResponse:
    """Names what is wrong, and never repeats it: it may be a number or a text."""
    fields = [explain_field(error) for error in errors]
    detail = "; ".join(dict.fromkeys(f"{one.field}: {one.fix}" for one in fields))
    return draw_error(request, 422, detail)


def draw_fault(request: Request) -> HTMLResponse:
    """A fault of ours. It says nothing of the inside."""
    return draw_error(request, 500)

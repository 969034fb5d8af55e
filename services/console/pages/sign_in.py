"""Sign in with a password or a one-time link, and sign out."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from services.console.access import COOKIE, PUBLIC, Allow, Visit, sessions_of
from services.console.accounts.sessions import LIFE
from services.console.accounts.users import Users
from services.console.console import Console
from services.console.rendering import draw_public

router = APIRouter(include_in_schema=False)
WRONG: Final = "There is no such name with this password."


@router.get("/sign-in")
def show_form(_console: Annotated[Console, PUBLIC], request: Request, next: str = "/") -> Response:  # noqa: A002 - its name in addresses
    return draw_public(request, "sign_in.html", next=_own_path(next), problem="")


@router.post("/sign-in")
def sign_in(
    console: Annotated[Console, PUBLIC],
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 - its name in the form
) -> Response:
    user = Users(console.store).check_password(name.strip().lower(), password)
    if user is None:
        page = {"next": _own_path(next), "problem": WRONG}
        return draw_public(request, "sign_in.html", status=401, **page)
    return _begin_session(console, request, user.name, next)


@router.get("/sign-in/link")
def show_link(_console: Annotated[Console, PUBLIC], request: Request, token: str = "") -> Response:
    """A page with a button: mail scanners open links, and must not use this one up."""
    return draw_public(request, "sign_in_link.html", token=token, problem="")


@router.post("/sign-in/link")
def use_link(
    console: Annotated[Console, PUBLIC], request: Request, token: Annotated[str, Form()] = ""
) -> Response:
    name = sessions_of(console).use_link(token, console.clock())
    if name is None:
        problem = "This link was used already, or is too old."
        return draw_public(request, "sign_in_link.html", status=401, token="", problem=problem)
    return _begin_session(console, request, name, "/")


@router.post("/sign-out")
def sign_out(visit: Annotated[Visit, Allow(None)]) -> Response:
    sessions_of(visit.console).end(visit.request.cookies[COOKIE])
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax")
    return answer


def _begin_session(console: Console, request: Request, name: str, target: str) -> Response:
    """Under a new id: one that somebody planted before is worth nothing."""
    sessions = sessions_of(console)
    if before := request.cookies.get(COOKIE):
        sessions.end(before)
    session_id = sessions.begin(name, console.clock())
    answer = RedirectResponse(_own_path(target), 303)
    answer.set_cookie(
        COOKIE,
        session_id,
        max_age=int(LIFE.total_seconds()),
        secure=True,
        httponly=True,
        samesite="lax",
    )
    return answer


def _own_path(target: str) -> str:
    """Never another site's address: `//example.com` and `/\\example.com` are such."""
    parts = urlsplit(target.replace("\\", "/"))
    is_own = not parts.scheme and not parts.netloc and parts.path.startswith("/")
    return parts._replace(fragment="").geturl() if is_own and parts.path[1:2] != "/" else "/"

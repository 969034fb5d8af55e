"""Sign in with a password or a one-time link, and sign out."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from services.console.access import COOKIE, PUBLIC, Allow, Visit, sessions_of
from services.console.accounts.attempts import SignInAttempts
from services.console.accounts.audit import AuditAction, AuditLog
from services.console.accounts.sessions import LIFE
from services.console.accounts.users import Users
from services.console.console import Console
from services.console.pages.errors import draw_error
from services.console.rendering import draw_public
from services.console.visitors import name_customer, visitor_address

router = APIRouter(include_in_schema=False)
WRONG: Final = "There is no such name with this password."


@router.get("/sign-in")
def show_form(_console: Annotated[Console, PUBLIC], request: Request, next: str = "/") -> Response:  # noqa: A002 - its name in addresses
    return _draw_form(request, next)


def _draw_form(request: Request, target: str, problem: str = "", status: int = 200) -> Response:
    console: Console = request.app.state.console
    context = {
        "next": own_path(target),
        "problem": problem,
        "has_provider": bool(console.settings.oidc_issuer),
    }
    return draw_public(request, "sign_in.html", status=status, **context)


@router.post("/sign-in")
def sign_in(
    console: Annotated[Console, PUBLIC],
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 - its name in the form
) -> Response:
    name, now = name.strip().lower(), console.clock()
    users, attempts, address = (
        Users(console.store),
        SignInAttempts(console.store),
        address_of(request),
    )
    if wait := attempts.begin(name, address, now):
        return refuse_for_now(request, wait)
    user = users.check_password(name, password)
    if user is None:
        # What nobody is called may be a password in the wrong field: it is not kept.
        known = name if users.find(name) else ""
        AuditLog(console.store).record(now, "", AuditAction.SIGN_IN_FAILED, known)
        return _draw_form(request, next, WRONG, 401)
    attempts.succeed(name, address)
    return begin_session(console, request, user.name, next, "password")


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
    return begin_session(console, request, name, "/", "link")


@router.post("/sign-out")
def sign_out(visit: Annotated[Visit, Allow(None)]) -> Response:
    sessions_of(visit.console).end(visit.request.cookies[COOKIE])
    by = visit.viewer.name
    AuditLog(visit.console.store).record(visit.now, by, AuditAction.SIGNED_OUT, by)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax")
    return answer


def address_of(request: Request) -> str:
    """Whose tries are counted together: an address, or a customer's network."""
    return name_customer(visitor_address(request, request.app.state.console))


def refuse_for_now(request: Request, wait: int) -> Response:
    """The same words for every name."""
    detail = f"Too many tries. You can try again in {wait} seconds."
    return draw_error(request, 429, detail, {"Retry-After": str(wait)})


def begin_session(console: Console, request: Request, name: str, target: str, how: str) -> Response:
    """Under a new id: one that somebody planted before is worth nothing."""
    now = console.clock()
    AuditLog(console.store).record(now, name, AuditAction.SIGNED_IN, name, detail=how)
    sessions = sessions_of(console)
    if before := request.cookies.get(COOKIE):
        sessions.end(before)
    session_id = sessions.begin(name, now)
    answer = RedirectResponse(own_path(target), 303)
    answer.set_cookie(
        COOKIE,
        session_id,
        max_age=int(LIFE.total_seconds()),
        secure=True,
        httponly=True,
        samesite="lax",
    )
    return answer


def own_path(target: str) -> str:
    """Never another site's address: `//example.com` and `/\\example.com` are such."""
    parts = urlsplit(target.replace("\\", "/"))
    is_own = not parts.scheme and not parts.netloc and parts.path.startswith("/")
    return parts._replace(fragment="").geturl() if is_own and parts.path[1:2] != "/" else "/"

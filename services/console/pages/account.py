"""One's own account: how pages call one, the password, and where one is signed in."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.console.access import Allow, Visit, sessions_of
from services.console.accounts.attempts import SignInAttempts
from services.console.accounts.audit import AuditAction, AuditLog
from services.console.accounts.users import MIN_PASSWORD, User, Users, UsersError
from services.console.pages.sign_in import address_of, refuse_for_now
from services.console.rendering import draw

router = APIRouter(include_in_schema=False)
PATH: Final = "/account"
SAID: Final = {
    "name": "Pages call you so from now on.",
    "password": "You have a new password. Your other sessions have ended.",
    "sessions": "Your other sessions have ended.",
}


def _user(visit: Visit) -> User:
    user = Users(visit.console.store).find(visit.viewer.name)
    if user is None:
        raise HTTPException(404)
    return user


def _draw(visit: Visit, **shown: Any) -> Response:
    context: dict[str, Any] = {
        "user": _user(visit),
        "sessions": sessions_of(visit.console).all_of(visit.viewer.name, visit.now),
        "least": MIN_PASSWORD,
        "said": "",
        "problems": {},
        "given": {},
    }
    status = 422 if shown.get("problems") else 200
    return draw(visit, "account.html", status=status, **context | shown)


@router.get(PATH)
def show_account(visit: Annotated[Visit, Allow(None)], done: str = "") -> Response:
    return _draw(visit, said=SAID.get(done, ""))


@router.post(PATH + "/name")
def change_name(
    visit: Annotated[Visit, Allow(None)],
    display_name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    try:
        Users(visit.console.store).set_display_name(visit.viewer.name, display_name)
    except UsersError as error:
        problems, given = {"name": str(error)}, {"display_name": display_name}
        return _draw(visit, problems=problems, given=given)
    _record(visit, AuditAction.DISPLAY_NAME)
    return RedirectResponse(f"{PATH}?done=name", 303)


@router.post(PATH + "/password")
def change_password(
    visit: Annotated[Visit, Allow(None)],
    old: Annotated[str, Form(max_length=1000)] = "",
    new: Annotated[str, Form(max_length=1000)] = "",
    again: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """With the old one: who finds a page open must not take the account."""
    user = _user(visit)
    if user.subject is not None:
        raise HTTPException(403)
    users, name = Users(visit.console.store), visit.viewer.name
    if new != again:
        return _draw(visit, problems={"again": "The two are not the same."})
    if user.has_password:
        attempts, address = SignInAttempts(visit.console.store), address_of(visit.request)
        if wait := attempts.begin(name, address, visit.now):
            return refuse_for_now(visit.request, wait)
        if users.check_password(name, old) is None:
            _record(visit, AuditAction.SIGN_IN_FAILED, "old password")
            return _draw(visit, problems={"old": "This is not your password."})
        attempts.succeed(name, address)
    try:
        users.set_password(name, new, but_session=visit.viewer.session_id)
    except UsersError as error:
        return _draw(visit, problems={"new": str(error)})
    _record(visit, AuditAction.PASSWORD)
    return RedirectResponse(f"{PATH}?done=password", 303)


@router.post(PATH + "/sessions/end")
def end_other_sessions(visit: Annotated[Visit, Allow(None)]) -> Response:
    sessions_of(visit.console).end_others(visit.viewer.name, visit.viewer.session_id)
    _record(visit, AuditAction.SESSIONS_ENDED)
    return RedirectResponse(f"{PATH}?done=sessions", 303)


def _record(visit: Visit, action: AuditAction, detail: str = "") -> None:
    name = visit.viewer.name
    AuditLog(visit.console.store).record(visit.now, name, action, name, detail=detail)

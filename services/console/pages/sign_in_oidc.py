"""Sign in with an account of the organization: to the identity provider, and back.

Each attempt has its own state, nonce and PKCE verifier in the store, and belongs to one browser, so
that two tabs do not break each other and nobody can plant an attempt of theirs.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from schemas.text_hash import sha256_hex
from services.console.access import PUBLIC
from services.console.accounts.administration import UserAdmin
from services.console.accounts.audit import AuditAction, AuditLog
from services.console.accounts.identity_provider import (
    IdentityProvider,
    Person,
    ProviderError,
    ProviderSettings,
    read_provider_settings,
)
from services.console.accounts.users import MAX_DISPLAY_NAME, NAME, User, Users
from services.console.console import Console
from services.console.pages.sign_in import begin_session, own_path
from services.console.rendering import draw_public

router = APIRouter(include_in_schema=False)
COOKIE: Final = "__Host-attempt"
LIFE: Final = timedelta(minutes=10)
"""To sign in at the provider."""
BY: Final = "identity provider"
log = structlog.get_logger("sayso.console")


def _provider(request: Request) -> tuple[IdentityProvider, ProviderSettings]:
    """Kept with the application: it holds the provider's keys. Raises 404 where there is none."""
    console: Console = request.app.state.console
    settings = read_provider_settings(console.settings)
    if settings is None:
        raise HTTPException(404)
    kept: IdentityProvider | None = getattr(request.app.state, "provider", None)
    if kept is None:
        kept = IdentityProvider(settings, f"{console.url}/sign-in/oidc/callback")
        request.app.state.provider = kept
    return kept, settings


@router.get("/sign-in/oidc")
def begin(console: Annotated[Console, PUBLIC], request: Request, next: str = "/") -> Response:  # noqa: A002 - its name in addresses
    provider, _ = _provider(request)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    browser = request.cookies.get(COOKIE) or secrets.token_urlsafe(32)
    try:
        url = provider.authorization_url(state, nonce, verifier)
    except ProviderError as error:
        return _refuse(request, str(error))
    at = int(console.clock().timestamp())
    store = console.store
    with store.transaction():
        oldest = at - int(LIFE.total_seconds())
        store.change("DELETE FROM oidc_attempts WHERE at < ?", oldest)
        values = (sha256_hex(state), sha256_hex(browser), nonce, verifier, own_path(next), at)
        store.change("INSERT INTO oidc_attempts VALUES (?, ?, ?, ?, ?, ?)", *values)
    answer = RedirectResponse(url, 303)
    life = int(LIFE.total_seconds())
    answer.set_cookie(COOKIE, browser, max_age=life, secure=True, httponly=True, samesite="lax")
    return answer


@router.get("/sign-in/oidc/callback")
def finish(
    console: Annotated[Console, PUBLIC], request: Request, code: str = "", state: str = ""
) -> Response:
    provider, settings = _provider(request)
    now, store = console.clock(), console.store
    with store.transaction():
        key = (sha256_hex(state), sha256_hex(request.cookies.get(COOKIE, "")))
        rows = store.rows("SELECT * FROM oidc_attempts WHERE state = ? AND browser = ?", *key)
        store.change("DELETE FROM oidc_attempts WHERE state = ? AND browser = ?", *key)
    if not rows or rows[0]["at"] < int((now - LIFE).timestamp()):
        return _refuse(request, "this sign-in was not begun here, or was used already")
    if not code:
        return _refuse(request, "the provider did not sign you in")
    try:
        person = provider.redeem(code, rows[0]["nonce"], rows[0]["verifier"], now)
    except ProviderError as error:
        AuditLog(store).record(now, "", AuditAction.SIGN_IN_FAILED, "", detail=BY)
        return _refuse(request, str(error))
    user = find_or_make_user(console, settings, person, now)
    if user is None or user.disabled:
        known = user.name if user else ""
        AuditLog(store).record(now, "", AuditAction.SIGN_IN_FAILED, known, detail=BY)
        return draw_public(request, "no_account.html", status=403, person=person)
    return begin_session(console, request, user.name, rows[0]["target"], BY)


def find_or_make_user(
    console: Console, settings: ProviderSettings, person: Person, now: datetime
) -> User | None:
    """By subject, never by name: a name can be somebody else's there.

    With a mapping of groups, their roles follow the groups at each sign-in; roles that were given
    by hand stay. Without one, roles of groups that were there before end."""
    admin = UserAdmin(console.store, BY)
    user = admin.users.find_subject(person.subject)
    wanted = tuple(
        role for group in sorted(person.groups) for role in settings.roles.get(group, ())
    )
    if user is None:
        if not wanted:
            return None
        name = _free_name(admin.users, person)
        shown = " ".join(person.display_name.split())[:MAX_DISPLAY_NAME]
        user = admin.add(name, shown, (), now, subject=person.subject)
    if set(wanted) != set(user.by_group) and not user.disabled:
        user = admin.set_group_roles(user.name, wanted, now)
    return user


def _free_name(users: Users, person: Person) -> str:
    """Its name there, if it can be one here and nobody has it."""
    wanted = person.user_name if NAME.fullmatch(person.user_name) else "user"
    if wanted != "user" and users.find(wanted) is None:
        return wanted
    return f"{wanted[:50]}-{sha256_hex(person.subject)[:8]}"


def _refuse(request: Request, problem: str) -> Response:
    log.warning("sign-in at the identity provider failed", problem=problem)
    return draw_public(request, "sign_in_refused.html", status=400, problem=problem)

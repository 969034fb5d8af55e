"""API keys of a tenant: made and shown once, revoked."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from services.console.access import Allow, Visit
from services.console.api.keys import DEFAULT_RATE, HIGHEST_RATE, ApiKeys, KeysError, NewKey
from services.console.api.scopes import Scope
from services.console.pages.errors import draw_error
from services.console.rendering import draw
from services.console.viewer import Permission

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/settings/keys"


def _own(visit: Visit) -> list[Any]:
    keys = ApiKeys(visit.console.settings.state).all()
    return [key for key in keys if key.tenant == visit.tenant][::-1]


@router.get(PATH)
def show_keys(visit: Annotated[Visit, Allow(Permission.MANAGE)]) -> Response:
    return _draw(visit)


def _draw(visit: Visit, made: NewKey | None = None, problem: str = "") -> Response:
    context = {
        "keys": _own(visit),
        "made": made,
        "problem": problem,
        "scopes": tuple(Scope),
        "default_rate": DEFAULT_RATE,
        "highest_rate": HIGHEST_RATE,
        "may_apply": visit.branches is None,
        "tab": "keys",
    }
    return draw(visit, "settings_keys.html", status=422 if problem else 200, **context)


@router.post(PATH)
def add_key(
    visit: Annotated[Visit, Allow(Permission.MANAGE)],
    label: Annotated[str, Form(max_length=200)] = "",
    scopes: Annotated[tuple[str, ...], Form()] = (),
    rate: Annotated[int, Form(ge=1, le=HIGHEST_RATE)] = DEFAULT_RATE,
    test: Annotated[bool, Form()] = False,
) -> Response:
    """The key itself is on this page only. A key is for the whole tenant."""
    if visit.branches is not None:
        return draw_error(visit.request, 403)
    chosen = [Scope(one) for one in scopes if one in set(Scope)]
    if not chosen:
        return _draw(visit, problem="Choose what it may do.")
    try:
        made = ApiKeys(visit.console.settings.state).add(
            visit.tenant, label.strip(), visit.now, scopes=chosen, rate=rate, test=test
        )
    except KeysError as error:
        return _draw(visit, problem=str(error))
    return _draw(visit, made)


@router.post(PATH + "/revoke")
def revoke_key(
    visit: Annotated[Visit, Allow(Permission.MANAGE)], key: Annotated[str, Form(max_length=40)]
) -> Response:
    if visit.branches is not None or key not in {one.id for one in _own(visit)}:
        return draw_error(visit.request, 404)
    ApiKeys(visit.console.settings.state).revoke(key, visit.now)
    return RedirectResponse(f"/t/{visit.tenant}/settings/keys", 303)

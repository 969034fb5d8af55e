"""Endpoints of event webhooks of a tenant: where its programs hear of messages, consents,
replies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from services.console.access import Allow, Visit
from services.console.forms import once
from services.console.pages.errors import draw_error
from services.console.rendering import draw
from services.console.viewer import Permission
from services.event_webhooks.event_types import PATTERNS
from services.operations.errors import OperationError
from services.operations.event_webhooks import EndpointManager, manage_endpoints

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/settings/endpoints"
DELIVERIES: Final = 20


def _open(visit: Visit) -> AbstractContextManager[EndpointManager]:
    return manage_endpoints(visit.console.settings, visit.tenant)


@router.get(PATH)
def show_endpoints(visit: Annotated[Visit, Allow(Permission.MANAGE)]) -> Response:
    return _draw(visit)


def _draw(
    visit: Visit,
    *,
    secret: str = "",
    problem: str = "",
    given: dict[str, Any] | None = None,
) -> Response:
    with _open(visit) as manager:
        found = manager.list(visit.tenant)
        counts = {one.id: manager.count(one.id) for one in found}
    context = {
        "endpoints": found,
        "counts": counts,
        "secret": secret,
        "problem": problem,
        "given": given or {},
        "patterns": PATTERNS,
        "may_apply": visit.branches is None,
        "tab": "endpoints",
    }
    return draw(visit, "settings_endpoints.html", status=422 if problem else 200, **context)


@router.post(PATH)
async def add_endpoint(
    visit: Annotated[Visit, Allow(Permission.MANAGE)],
    url: Annotated[str, Form(max_length=2000)] = "",
    owner: Annotated[str, Form(max_length=260)] = "",
    about: Annotated[str, Form(max_length=200)] = "",
    events: Annotated[tuple[str, ...], Form()] = (),
    numbers: Annotated[bool, Form()] = False,
    texts: Annotated[bool, Form()] = False,
) -> Response:
    """Its secret is on this page only."""
    if visit.branches is not None:
        return draw_error(visit.request, 403)
    given: dict[str, Any] = {
        "url": url.strip(),
        "owner": owner.strip(),
        "about": about.strip(),
        "events": events,
        "numbers": numbers,
        "texts": texts,
    }
    try:
        with _open(visit) as manager:
            made = await manager.add(visit.tenant, visit.viewer.name, **given)
    except OperationError as error:
        return _draw(visit, problem=str(error), given=given)
    return _draw(visit, secret=made.secret.get_secret_value())


Act = Callable[[EndpointManager, str, str], Any]
ACTS: Final[dict[str, Act]] = {
    "pause": lambda manager, identity, by: manager.pause(identity, by),
    "resume": lambda manager, identity, by: manager.resume(identity, by),
    "delete": lambda manager, identity, by: manager.delete(identity, by),
    "test": lambda manager, identity, by: manager.send_test(identity, by),
}


@router.post(PATH + "/{identity}")
async def act(
    visit: Annotated[Visit, Allow(Permission.MANAGE)],
    identity: str,
    action: Annotated[str, Form(max_length=20)],
    form_key: Annotated[str, Form(max_length=60)],
) -> Response:
    if visit.branches is not None or action not in {*ACTS, "rotate"}:
        return draw_error(visit.request, 404)
    by = visit.viewer.name
    try:
        with _open(visit) as manager:
            if action == "rotate":
                return _draw(visit, secret=manager.rotate(identity, by).secret.get_secret_value())
            await once(visit, form_key, _later(lambda: ACTS[action](manager, identity, by)))
    except OperationError as error:
        return _draw(visit, problem=str(error))
    return RedirectResponse(f"/t/{visit.tenant}/settings/endpoints", 303)


def _later(work: Callable[[], Any]) -> Callable[[], Awaitable[str]]:
    async def run() -> str:
        work()
        return "done"

    return run


@router.get(PATH + "/{identity}/deliveries")
def show_deliveries(visit: Annotated[Visit, Allow(Permission.MANAGE)], identity: str) -> Response:
    try:
        with _open(visit) as manager:
            endpoint = manager.get(identity)
            deliveries = manager.page(identity, most=DELIVERIES)
    except OperationError:
        return draw_error(visit.request, 404)
    context: dict[str, Any] = {"endpoint": endpoint, "deliveries": deliveries, "tab": "endpoints"}
    return draw(visit, "settings_deliveries.html", **context)


@router.post(PATH + "/{identity}/deliveries")
async def replay(
    visit: Annotated[Visit, Allow(Permission.MANAGE)],
    identity: str,
    delivery: Annotated[int, Form(ge=0, le=2**62)],
    form_key: Annotated[str, Form(max_length=60)],
) -> Response:
    if visit.branches is not None:
        return draw_error(visit.request, 403)
    try:
        with _open(visit) as manager:
            manager.get(identity)
            work = _later(lambda: manager.replay(delivery, visit.viewer.name))
            await once(visit, form_key, work)
    except OperationError as error:
        return draw_error(visit.request, 422, str(error))
    return RedirectResponse(f"/t/{visit.tenant}/settings/endpoints/{identity}/deliveries", 303)

"""Settings of a tenant: what holds now, and what a new version would change."""

from __future__ import annotations

from typing import Annotated, Any, Final

import yaml
from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from schemas.tenant_settings import TenantSettings
from services.console.access import Allow, Visit
from services.console.forms import once
from services.console.rendering import draw
from services.console.viewer import Permission
from services.ledger.cases import find_settings
from services.ledger.sender_overview import list_senders
from services.operations.errors import InvalidRequest, OperationError
from services.operations.settings_impact import find_impacts
from services.operations.tenants import publish_tenants
from services.operations.yaml_settings import parse_settings
from streams.encoding.body import encode_body
from streams.encoding.segments import count_segments
from streams.templates.settings_check import check_settings, render_templates

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/settings"
MOST: Final = 400_000
"""Characters of a file of settings."""


@router.get(PATH)
def show_settings(visit: Annotated[Visit, Allow(Permission.MANAGE)]) -> Response:
    settings = find_settings(visit.console.ledger, visit.tenant)
    return _draw(visit, settings, _write(settings))


def _write(settings: TenantSettings | None) -> str:
    """As a file that `sayso tenants apply` takes."""
    if settings is None:
        return "tenants:\n  - tenant: ...\n"
    plain = settings.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump({"tenants": [plain]}, allow_unicode=True, sort_keys=False, width=100)


def _draw(
    visit: Visit,
    settings: TenantSettings | None,
    written: str,
    *,
    after: TenantSettings | None = None,
    problem: str = "",
) -> Response:
    ledger = visit.console.ledger
    sees_all = visit.branches is None
    own = [one for one in list_senders(ledger) if one.serves(visit.tenant)]
    context: dict[str, Any] = {
        "settings": settings,
        "written": written,
        "after": after,
        "problem": problem,
        "senders": own,
        "opt_in_request": encode_body(settings.opt_in_request, settings) if settings else "",
        "count_segments": count_segments,
        "may_apply": sees_all,
        "tab": "settings",
    }
    if after is not None:
        context |= {
            "impacts": find_impacts(ledger, after, visit.now),
            "warnings": check_settings(after),
            "rendered": render_templates(after),
            "changes": _compare(settings, after),
            "new_request": encode_body(after.opt_in_request, after),
        }
    return draw(visit, "settings.html", status=422 if problem else 200, **context)


def _compare(before: TenantSettings | None, after: TenantSettings) -> list[tuple[str, str, str]]:
    """(field, before, after) of the fields that differ."""
    old = before.model_dump(mode="json") if before else {}
    new = after.model_dump(mode="json")
    return [
        (name, _show(old.get(name)), _show(value))
        for name, value in new.items()
        if old.get(name) != value
    ]


def _show(value: Any) -> str:
    if value is None or value in ({}, []):
        return "–"
    return value if isinstance(value, str) else yaml.safe_dump(value, allow_unicode=True).strip()


@router.post(PATH)
async def apply_settings(
    visit: Annotated[Visit, Allow(Permission.MANAGE)],
    form_key: Annotated[str, Form(max_length=60)],
    written: Annotated[str, Form(max_length=MOST)] = "",
    version: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Without `version`: show what it would change. With the version of these settings: apply."""
    before = find_settings(visit.console.ledger, visit.tenant)
    try:
        after = _read(visit, written)
        if version != after.version:
            return _draw(visit, before, written, after=after)
        await once(visit, form_key, lambda: _publish(visit, after))
    except OperationError as error:
        return _draw(visit, before, written, problem=str(error))
    return RedirectResponse(f"/t/{visit.tenant}/settings", 303)


def _read(visit: Visit, written: str) -> TenantSettings:
    """Raises InvalidRequest, with line and hint, also for another tenant's."""
    if visit.branches is not None:
        raise InvalidRequest("Settings are for all branches", "ask an admin of the whole tenant")
    found = parse_settings(written, "The settings", "tenants", TenantSettings)
    if [one.tenant for one in found] != [visit.tenant]:
        raise InvalidRequest(f"These are not the settings of {visit.tenant}", "and of it alone")
    return found[0]


async def _publish(visit: Visit, after: TenantSettings) -> str:
    kafka, ledger = visit.console.kafka, visit.console.ledger
    await publish_tenants(kafka, [after], visit.viewer.name, visit.now)

    def is_known() -> bool | None:
        now = find_settings(ledger, visit.tenant)
        return True if now is not None and now.version == after.version else None

    await kafka.wait_for(ledger, is_known, 5.0)
    return after.version

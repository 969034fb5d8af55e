"""Senders as they are declared, and what a new file of them would change."""

from __future__ import annotations

from typing import Annotated, Any, Final, NamedTuple

import yaml
from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from schemas.sender import Sender
from schemas.text_hash import sha256_hex
from services.console.access import Allow, Visit
from services.console.forms import once
from services.console.pages.errors import draw_error
from services.console.rendering import draw
from services.console.viewer import Permission
from services.ledger.sender_overview import list_senders
from services.operations.errors import OperationError
from services.operations.senders import publish_senders
from services.operations.yaml_settings import parse_settings

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/settings/senders"
MOST: Final = 400_000
"""Characters of a file."""


class DeclaredChange(NamedTuple):
    sender: str
    before: str
    """Empty: it is new."""
    after: str


@router.get(PATH)
def show_senders(visit: Annotated[Visit, Allow(Permission.MANAGE)]) -> Response:
    if not visit.viewer.may_everywhere(Permission.MANAGE):
        return draw_error(visit.request, 403)
    return _draw(visit, _write(list(_known(visit).values())))


def _known(visit: Visit) -> dict[str, Sender]:
    return {one.sender: one.settings for one in list_senders(visit.console.ledger) if one.settings}


def _write(senders: list[Sender]) -> str:
    """As a file that `sayso senders apply` takes."""
    plain = [one.model_dump(mode="json", exclude_defaults=True) for one in senders]
    return yaml.safe_dump({"senders": plain}, allow_unicode=True, sort_keys=False, width=100)


def _draw(
    visit: Visit, written: str, after: list[Sender] | None = None, problem: str = ""
) -> Response:
    context: dict[str, Any] = {
        "written": written,
        "problem": problem,
        "changes": None if after is None else _compare(_known(visit), after),
        "version": None if after is None else _name(after),
        "tab": "senders",
    }
    return draw(visit, "settings_senders.html", status=422 if problem else 200, **context)


def _compare(before: dict[str, Sender], after: list[Sender]) -> list[DeclaredChange]:
    """A sender that the file does not name stays as it is."""
    shown = [
        DeclaredChange(
            one.sender, _show(before[one.sender]) if one.sender in before else "", _show(one)
        )
        for one in after
    ]
    return [one for one in shown if one.before != one.after]


def _show(sender: Sender) -> str:
    plain = sender.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(plain, allow_unicode=True, sort_keys=False).strip()


def _name(senders: list[Sender]) -> str:
    return sha256_hex(_write(senders))[:12]


@router.post(PATH)
async def apply_senders(
    visit: Annotated[Visit, Allow(Permission.MANAGE)],
    form_key: Annotated[str, Form(max_length=60)],
    written: Annotated[str, Form(max_length=MOST)] = "",
    version: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Without `version`: show what it would change. With the version of these senders: apply."""
    if not visit.viewer.may_everywhere(Permission.MANAGE):
        return draw_error(visit.request, 403)
    try:
        senders = parse_settings(written, "The file", "senders", Sender)
        if version != _name(senders):
            return _draw(visit, written, senders)

        async def work() -> str:
            await publish_senders(visit.console.kafka, senders)
            return version

        await once(visit, form_key, work)
    except OperationError as error:
        return _draw(visit, written, problem=str(error))
    return RedirectResponse(f"/t/{visit.tenant}/settings/senders", 303)

"""`sayso case preview` and `sayso case send`: look at each text before it goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

import typer

from schemas.case import Readiness
from schemas.numbers import mask_number
from schemas.visible_text import ON_ONE_LINE
from services.cli import options
from services.cli.case_changes import CaseId, Where, print_recorded, publish
from services.cli.case_output import draw_readiness
from services.cli.connection import read_ledger
from services.display_text import format_local
from services.ledger.times import rfc3339
from services.operations.case_preview import (
    CasePreview,
    PreviewRow,
    build_send,
    preview_anchor,
)
from services.operations.cases import find_case
from services.terminal import console, note, print_json, print_texts
from streams.reasons import format_duration

_COLUMNS = ("to", "name", "number", "leaves", "why then", "", "segments#", "price#", "text")
_STATES = {
    "requested": "under way",
    "canceling": "being taken back",
    "sent": "has left",
    "arrived": "has arrived",
    "failed": "has failed",
}
_SHARED = "somebody else gets another text at this number"
_WARNINGS = {
    "shared_number": _SHARED,
    "late": "its time has passed: it goes at once",
    "record_missing": "nobody is on record under this id",
}


def preview(
    case_id: CaseId,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A task, an event or a named date of the case.")
    ],
    at_once: Annotated[
        bool, typer.Option("--now", help="As if the task were sent now (sayso case send).")
    ] = False,
    most: options.Most = 200,
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show each text of a task or an event: to whom, its words, when it leaves and why then.

    It is computed as the cases processor does it. Its last line is the version that sayso case
    send wants. A case that is not launched is shown as if it were launched now.

    Example: [cyan]sayso case preview 8841 docs[/]
    """
    now = datetime.now(UTC)
    with read_ledger(bootstrap, state, tenant) as ledger:
        about = find_case(ledger, case_id, tenant)
        sender = options.read_actor(None, fallback="cli") if at_once else None
        found = preview_anchor(about, name, now, as_sent_by=sender)
    print_preview(found, about.zone, now, Shown(as_json, unmask, most))


class Shown(NamedTuple):
    as_json: bool
    unmask: bool
    most: int = 200


def print_preview(found: CasePreview, zone: ZoneInfo, now: datetime, how: Shown) -> None:
    if how.as_json:
        print_json(_as_data(found, how.unmask))
    else:
        _print(found, zone, now, how.unmask, how.most)


def send(
    case_id: CaseId,
    task_id: Annotated[str, typer.Argument(metavar="TASK", help="Its id in the case.")],
    version: Annotated[
        str, typer.Option("--version", metavar="VERSION", help="The one that the preview shows.")
    ],
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Send a task now, as it was previewed. Refused if anything has changed since.

    Example: [cyan]sayso case send 8841 docs --version 7-3f9a0c11[/]
    """
    where = Where(bootstrap, state, as_json)
    with read_ledger(bootstrap, state, tenant) as ledger:
        about = find_case(ledger, case_id, tenant)
        actor = options.read_actor(by)
        change, _ = build_send(about, task_id, version, actor, datetime.now(UTC))
    publish(change, where)
    print_recorded(change, where)


def _as_data(found: CasePreview, unmask: bool) -> dict[str, Any]:
    """Texts are whole: whoever sends must read them."""
    return {
        "anchor": found.anchor,
        "version": found.version,
        "reason": found.reason,
        "needs_approval": found.needs_approval,
        "pace_seconds": found.pace_seconds,
        "texts": [_row_to_json(row, unmask) for row in found.rows],
    }


def _row_to_json(row: PreviewRow, unmask: bool) -> dict[str, Any]:
    line = row.line
    number = line.number or ""
    return {
        "person_id": line.person_id,
        "name": line.name,
        "number": number if unmask else mask_number(number),
        "recipe": line.recipe,
        "text_id": line.text_id,
        "due_at": rfc3339(line.due_at),
        "leaves_at": rfc3339(line.departs_at) if line.departs_at else None,
        "why_then": line.why_then,
        "text": line.body,
        "language": line.language,
        "segments": line.segments,
        "price_micros": row.micros,
        "currency": row.currency,
        "readiness": row.readiness.value,
        "asked_at": rfc3339(row.asked_at) if row.asked_at else None,
        "ask_again_at": rfc3339(row.ask_again_at) if row.ask_again_at else None,
        "state": line.state,
        "reason": _say_reason(row),
        "missing": line.missing,
        "warnings": [warning.value for warning in line.warnings],
    }


def _print(found: CasePreview, zone: ZoneInfo, now: datetime, unmask: bool, most: int) -> None:
    screen = console()
    if found.reason is not None:
        note(f"Note: nothing goes: {found.reason.lower()}.")
    shown = sorted(found.rows, key=lambda row: not row.line.warnings)[:most]
    for row in shown:
        for warning in row.line.warnings:
            words = _WARNINGS.get(warning.value, warning.value)
            note(f"Note: {row.line.name or row.line.person_id}: {words}.")
    if not found.rows:
        why = "" if found.reason else ": no party is meant, or nothing reminds of it"
        screen.print(f"It is due to nobody{why}.")
    else:
        rows = [_cells(row, zone, now, unmask) for row in shown]
        print_texts(_COLUMNS, rows, "text")
        if len(rows) < len(found.rows):
            screen.print(f"These are {len(rows):,} of {len(found.rows):,} texts (--most, --json).")
        screen.print(_sum(found))
    screen.print(f"Version {found.version}, by the clocks of {zone}.")


def _cells(row: PreviewRow, zone: ZoneInfo, now: datetime, unmask: bool) -> list[Any]:
    line = row.line
    leaves = format_local(line.departs_at.isoformat(), str(zone))[:16] if line.departs_at else ""
    number = line.number or ""
    return [
        line.person_id,
        line.name,
        number if unmask else mask_number(number),
        leaves or _STATES.get(line.state or "", f"not sent ({line.state or 'no'})"),
        (line.why_then or "").replace("_", " ") or _say_reason(row),
        draw_readiness(row.readiness, row.asked_at, row.ask_again_at, now, zone),
        line.segments,
        "" if row.micros is None else f"{row.micros / 1e6:,.4f} {row.currency}",
        line.body.translate(ON_ONE_LINE) or f"(no text: {line.missing or 'it has no words'})",
    ]


def _say_reason(row: PreviewRow) -> str:
    reason = row.line.reason
    return reason if isinstance(reason, str) else reason.reason if reason else ""


def _sum(found: CasePreview) -> str:
    leaving = found.leaving
    ready = sum(row.readiness is Readiness.READY for row in leaving)
    said = [f"{len(leaving):,} leave, {ready:,} of them can be sent as things are"]
    costs: dict[str, int] = {}
    for row in leaving:
        if row.micros is not None and row.currency is not None:
            costs[row.currency] = costs.get(row.currency, 0) + row.micros
    said += [f"{micros / 1e6:,.4f} {currency}" for currency, micros in costs.items()]
    if found.pace_seconds is not None and found.pace_seconds >= 1:
        pace = format_duration(timedelta(seconds=found.pace_seconds))
        said.append(f"the sender needs {pace} for them")
    if found.needs_approval:
        said.append("after approval")
    return "; ".join(said) + "."

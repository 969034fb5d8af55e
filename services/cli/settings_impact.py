"""What new settings do to scheduled texts: shown before they are applied."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

import typer

from schemas.tenant_settings import TenantSettings
from services.cli.connection import read_ledger
from services.display_text import format_utc
from services.ledger.location import locate_in
from services.operations import settings_impact
from services.operations.errors import OperationError, OperationFailed
from services.operations.settings_impact import Impact, Lookahead, ScheduledText
from services.terminal import console, note

SHOWN: Final = 20
"""Cases, and texts that stop, listed of one template or recipe; JSON has them all."""
NO_LEDGER: Final = "there is no ledger in this state folder"


def look_ahead(
    tenants: Iterable[TenantSettings], bootstrap: str | None, state: Path, now: datetime
) -> Lookahead:
    """Only in a ledger that there is: a new one would first read everything.  Settings can be
    applied without it."""
    if not locate_in(state).exists():
        return Lookahead(why_not=NO_LEDGER)
    try:
        with read_ledger(bootstrap, state) as ledger:
            return settings_impact.look_ahead(ledger, tenants, now)
    except OperationError as error:
        return Lookahead(why_not=str(error))


def require_consent(looked: Lookahead, yes: bool) -> None:
    """Ask on a terminal before texts stop.  Raises OperationFailed for a no."""
    count = looked.stopped
    if not count or yes or not sys.stdin.isatty():
        return
    texts = "1 scheduled text" if count == 1 else f"{count:,} scheduled texts"
    if not typer.confirm(f"{texts} could not be sent by these settings. Apply them?", err=True):
        raise OperationFailed("Nothing was done")


def print_impacts(looked: Lookahead) -> None:
    if looked.why_not is not None:
        note(f"Nobody could look at which scheduled texts this changes: {looked.why_not}.")
    for impact in looked.impacts:
        _print_impact(impact)


def _print_impact(impact: Impact) -> None:
    what = f"{impact.tenant}: {impact.part} {impact.name} ({impact.change})"
    if not impact.texts:
        _print(f"{what}: no text is scheduled by it")
        return
    cases = [f"{case} ({count:,})" for case, count in impact.cases.items()]
    more = f" and {len(cases) - SHOWN:,} more" if len(cases) > SHOWN else ""
    texts = (
        "1 scheduled text" if len(impact.texts) == 1 else f"{len(impact.texts):,} scheduled texts"
    )
    _print(f"{what}: {texts}, by case: {', '.join(cases[:SHOWN])}{more}")
    stopped = impact.stopped
    if stopped:
        _print(f"  Of these {len(stopped):,} could not be sent:")
    for one in stopped[:SHOWN]:
        _print(
            f"    case {one.case_id}, {one.anchor}, {one.person_id}: {_why(one)}"
            f" (due {format_utc(one.due_at.isoformat())})"
        )
    if len(stopped) > SHOWN:
        _print(f"    and {len(stopped) - SHOWN:,} more: --json lists them")


def _why(one: ScheduledText) -> str:
    return f"{one.missing} has no value" if one.missing else str(one.problem)


def _print(line: str) -> None:
    console().print(line, highlight=False, markup=False)

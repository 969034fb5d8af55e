"""What every command that changes a case does: find the case, doubt aloud, publish, say where to
look."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from services.cli import options
from services.cli.case_output import note_doubts
from services.cli.connection import find_bootstrap, operate, read_ledger
from services.masking import mask
from services.operations.cases import Change, KnownCase, find_case, publish_changes
from services.operations.errors import OperationFailed
from services.terminal import console, markup, print_json

CaseId = Annotated[str, typer.Argument(metavar="CASE", help="The case's id in your records.")]

Build = Callable[[KnownCase, str, datetime], Change]


class Where(NamedTuple):
    """Which stack to act on, and how to print what came of it."""

    bootstrap: str | None
    state: Path
    as_json: bool
    yes: bool = False


def change_case(
    case_id: str, tenant: str | None, by: str | None, where: Where, build: Build
) -> Change:
    """Build a change of a case that is on record, and publish it.  Raises OperationError."""
    with read_ledger(where.bootstrap, where.state, tenant) as ledger:
        about = find_case(ledger, case_id, tenant)
        change = build(about, options.read_actor(by), datetime.now(UTC))
    publish(change, where)
    print_recorded(change, where)
    return change


def publish(change: Change, where: Where) -> None:
    """Say what looks wrong, ask on a terminal, and publish.  Raises OperationError."""
    note_doubts(change.warnings)
    if (
        change.warnings
        and not where.yes
        and sys.stdin.isatty()
        and not typer.confirm("Record it?", err=True)
    ):
        raise OperationFailed("Nothing was done")
    bootstrap = find_bootstrap(where.bootstrap, where.state)
    operate(bootstrap, lambda kafka: publish_changes(kafka, change.events))


def print_recorded(change: Change, where: Where) -> None:
    first = change.events[0]
    if where.as_json:
        events = [event.model_dump(mode="json", exclude_none=True) for event in change.events]
        print_json({"recorded": mask(events), "notes": list(change.warnings)})
        return
    same = options.repeat_options(where.state, where.bootstrap)
    what = first.type.replace("_", " ")
    console().print(markup("Recorded as [bold]{}[/]: {}. To see the case:", first.change_id, what))
    console().print(
        f"  sayso case show {first.case_id} --tenant {first.tenant}{same}", style="cyan"
    )

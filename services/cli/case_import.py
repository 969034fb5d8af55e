"""`sayso case import`, `import-ics` and `import-court`: cases and calendars from files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from services.cli import options
from services.cli.case_changes import Where
from services.cli.case_output import describe_change, note_doubts
from services.cli.connection import find_bootstrap, operate, read_ledger
from services.masking import mask
from services.operations.calendar_import import (
    ImportPlan,
    ImportRow,
    Target,
    plan_import,
    require_target,
)
from services.operations.calendar_items import CalendarFile
from services.operations.case_file import read_case_file
from services.operations.cases import Change, parse_zone, publish_changes
from services.operations.court_file import read_court_file
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.ics_file import read_ics
from services.terminal import console, note, print_json, print_texts, table

Apply = Annotated[
    bool, typer.Option("--apply", help="Publish it. Without, only what would change is shown.")
]
EventType = Annotated[
    str | None, typer.Option("--type", help="Which recipes they have, where the file says none.")
]
Remind = Annotated[
    list[str] | None,
    typer.Option("--remind", metavar="OFFSET", help="Reminders of new events: '3 days before'."),
]


def import_case(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML, or .jsonl with changes.")],
    apply: Apply = False,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Read a whole case from a YAML file, or changes as JSON, one a line; show it, or publish it.

    YAML has case, tenant, title, type, reference, branch, zone, mail and launch; and the lists
    parties (person, role, number, reminders), tasks (task, template or body, to, people, at,
    event, date, clock, zone, kind), events (event, title, type, at, zone, place, remind) and
    dates. One mistake, and nothing is published. Importing it again is harmless.

    Example: [cyan]sayso case import rivera.yaml --apply[/]
    """
    now = datetime.now(UTC)
    with read_ledger(bootstrap, state, tenant) as ledger:
        change = read_case_file(file, ledger, tenant, options.read_actor(by), now)
    if not change.events:
        raise InvalidRequest(f"{file}: there is nothing in it to import")
    if apply:
        _publish(list(change.events), Where(bootstrap, state, as_json))
    if as_json:
        plain = [event.model_dump(mode="json", exclude_none=True) for event in change.events]
        shown = plain if unmask else mask(plain)
        print_json({"applied": apply, "changes": shown, "notes": list(change.warnings)})
        return
    _print_changes(change, unmask)
    _print_applied(apply, len(change.events))


def _print_changes(change: Change, unmask: bool) -> None:
    note_doubts(change.warnings)
    rows = []
    for event in change.events:
        said = event.model_dump(mode="json", exclude_none=True)
        words = describe_change(said if unmask else mask(said))
        rows.append((f"{event.tenant}/{event.case_id}", event.type.replace("_", " "), words))
    print_texts(("case", "what", ""), rows, "")


def import_ics(
    file: Annotated[Path, typer.Argument(metavar="FILE.ics")],
    case: Annotated[
        str | None, typer.Option("--case", metavar="CASE", help="Everything is of this case.")
    ] = None,
    match: Annotated[
        bool, typer.Option("--match", help="Find each case by its id or reference in the event.")
    ] = False,
    zone: Annotated[
        str | None, typer.Option("--zone", help="Of times that the file gives no zone.")
    ] = None,
    event_type: EventType = None,
    remind: Remind = None,
    apply: Apply = False,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Bring a calendar (iCalendar) into cases: show what would change, or publish it.

    Series are unrolled for 400 days. A moved instance stays the same event; a cancelled one, or
    one that its series has no more, is canceled; an older version of an event changes nothing. A
    time without a zone needs --zone. The exit code is 1 when some events were left out.

    Example: [cyan]sayso case import-ics court.ics --case 8841[/]
    """
    place = parse_zone("--zone", zone)
    target = Target(tenant, case, match, remind or ())
    require_target(target, names_cases=False)
    job = _Job(target, by, Where(bootstrap, state, as_json), apply)
    _import(lambda now: read_ics(file, now, place, event_type), job)


def import_court(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv")],
    case: Annotated[
        str | None, typer.Option("--case", metavar="CASE", help="Everything is of this case.")
    ] = None,
    event_type: EventType = None,
    remind: Remind = None,
    apply: Apply = False,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Bring a court's calendar (CSV) into cases: show what would change, or publish it.

    Columns: case (its id) or reference (the court's number), title, date (2026-11-02), and if
    there are such: event_id, type, time (09:00 or 9:00 AM), zone, location, status (canceled,
    vacated). Without event_id, an event is known by its type and title. Bad lines are named and
    left out; then the exit code is 1.

    Example: [cyan]sayso case import-court calendar.csv --tenant harbor --type hearing[/]
    """
    target = Target(tenant, case, remind=remind or ())
    require_target(target, names_cases=True)
    job = _Job(target, by, Where(bootstrap, state, as_json), apply)
    _import(lambda _now: read_court_file(file, event_type), job)


class _Job(NamedTuple):
    target: Target
    by: str | None
    where: Where
    apply: bool


def _import(read: Callable[[datetime], CalendarFile], job: _Job) -> None:
    now = datetime.now(UTC)
    file = read(now)
    where = job.where
    with read_ledger(where.bootstrap, where.state, job.target.tenant) as ledger:
        plan = plan_import(ledger, file, job.target, options.read_actor(job.by), now)
    if job.apply and plan.changes:
        _publish(plan.changes, where)
    if where.as_json:
        print_json(_plan_to_json(plan, job.apply))
    else:
        _print_plan(plan)
        _print_applied(job.apply, len(plan.changes))
    if plan.left_out:
        count = len(plan.left_out)
        raise OperationFailed(
            f"{count:,} {'was' if count == 1 else 'were'} left out",
            "correct the file and import it again",
        )


def _publish(events: list[Any], where: Where) -> None:
    bootstrap = find_bootstrap(where.bootstrap, where.state)
    operate(bootstrap, lambda kafka: publish_changes(kafka, events))


def _plan_to_json(plan: ImportPlan, applied: bool) -> dict[str, Any]:
    return {
        "applied": applied and bool(plan.changes),
        "events": [
            {
                "case": row.about.name,
                "event_id": row.event_id,
                "title": row.title,
                "action": row.action.value,
                "before": row.before,
                "after": row.after,
                "changes": row.change is not None,
                "notes": list(row.doubts),
                "from": row.place,
            }
            for row in plan.rows
        ],
        "left_out": [one._asdict() for one in plan.left_out],
        "over_or_too_far": plan.passed,
        "unreminded": plan.unreminded,
    }


def _print_plan(plan: ImportPlan) -> None:
    for one in plan.left_out:
        note(f"Left out: {one}.")
    for row in plan.rows:
        note_doubts(row.doubts, f"{row.about.name}: ")
    columns = ("case", "event", "name", "what", "was", "is")
    if plan.rows:
        console().print(table(None, columns, [_cells(row) for row in plan.rows]))
    if plan.unreminded:
        note(f"Note: events that nothing reminds of: {plan.unreminded:,}. Say --type or --remind.")
    if plan.passed:
        console().print(f"Over, or more than 400 days ahead: {plan.passed:,}.")


def _cells(row: ImportRow) -> tuple[str, ...]:
    return (
        row.about.name,
        row.event_id,
        row.title,
        row.action.value,
        row.before,
        row.after if row.change is not None else "",
    )


def _print_applied(applied: bool, count: int) -> None:
    if not count:
        console().print("Nothing changes.")
    elif applied:
        console().print(f"Published: {count:,}.")
    else:
        console().print(f"This would publish {count:,}. To publish it: the same with --apply.")

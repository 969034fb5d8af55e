"""`sayso case party`, `task` and `event`: what a case is made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from schemas.send_request import Kind
from services.cli import options
from services.cli.case_changes import Build, CaseId, Where, change_case
from services.cli.case_output import note_doubts
from services.cli.case_preview import Shown, print_preview
from services.cli.connection import read_ledger
from services.operations import cases
from services.operations.case_parts import (
    EventDraft,
    TaskDraft,
    WrittenWhen,
    build_event,
    build_event_canceled,
    build_task,
    build_task_canceled,
)
from services.operations.case_preview import preview_event
from services.operations.validation import require_one_of


def _group(help_: str) -> typer.Typer:
    return typer.Typer(help=help_, no_args_is_help=True, add_completion=False)


party = _group("The people of a case: add, change or remove one.")
task = _group("Texts to some of the parties, at their time: add or cancel one.")
event = _group("Hearings, closings, appointments: save or cancel one.")

TaskId = Annotated[str, typer.Argument(metavar="TASK", help="Its id in the case.")]
EventId = Annotated[str, typer.Argument(metavar="EVENT", help="Its id in the case.")]
PartyNumber = Annotated[
    str | None,
    typer.Option(
        "--number", metavar="NUMBER", help="Text them at this one of their numbers in this case."
    ),
]


@party.command("add")
def add_party(
    case_id: CaseId,
    person: options.PersonId,
    role: Annotated[
        str, typer.Option("--role", help="client, team, party, or a word of your own.")
    ] = "client",
    number: PartyNumber = None,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    yes: options.Yes = False,
) -> None:
    """Add a person to a case. What is due to their role goes to them too.

    Example: [cyan]sayso case party add 8841 crm-20417 --role client[/]
    """

    def build(about: cases.KnownCase, actor: str, now: datetime) -> cases.Change:
        return cases.build_party_added(about, person, role, number, actor, now)

    change_case(case_id, tenant, by, Where(bootstrap, state, as_json, yes), build)


@party.command("change")
def change_party(
    case_id: CaseId,
    person: options.PersonId,
    role: Annotated[str | None, typer.Option("--role", help="Their new role.")] = None,
    number: Annotated[
        str | None,
        typer.Option(
            "--number", metavar="NUMBER", help="Text them at this number; an empty one unties it."
        ),
    ] = None,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    yes: options.Yes = False,
) -> None:
    """Change the role or the number of a party; texts that are ahead follow.

    Example: [cyan]sayso case party change 8841 crm-20417 --role debtor[/]
    """

    def build(about: cases.KnownCase, actor: str, now: datetime) -> cases.Change:
        return cases.build_party_changed(about, person, role, number, actor, now)

    change_case(case_id, tenant, by, Where(bootstrap, state, as_json, yes), build)


@party.command("remove")
def remove_party(
    case_id: CaseId,
    person: options.PersonId,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Remove a party: nothing that was due to them goes any more.

    Example: [cyan]sayso case party remove 8841 crm-311[/]
    """

    def build(about: cases.KnownCase, actor: str, now: datetime) -> cases.Change:
        return cases.build_party_removed(about, person, actor, now)

    change_case(case_id, tenant, by, Where(bootstrap, state, as_json), build)


@task.command("add")
def add_task(
    case_id: CaseId,
    task_id: TaskId,
    template: Annotated[
        str | None, typer.Option("--template", help="A template of the tenant's settings.")
    ] = None,
    body: Annotated[
        str | None, typer.Option("--body", help="Own words; fields may stand in them.")
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option("--to", metavar="ROLE", help="To everybody with this role; may be repeated."),
    ] = None,
    person: Annotated[
        list[str] | None,
        typer.Option("--person", metavar="PERSON", help="To this party; may be repeated."),
    ] = None,
    at: Annotated[
        str,
        typer.Option(
            "--at",
            metavar="WHEN",
            help="now, 2026-12-01T09:00 on the case's clock, or '3 days before'.",
        ),
    ] = "now",
    event: Annotated[
        str | None, typer.Option("--event", help="The event that an offset counts from.")
    ] = None,
    date_name: Annotated[
        str | None, typer.Option("--date", help="The named date that an offset counts from.")
    ] = None,
    clock: Annotated[
        str | None,
        typer.Option("--clock", metavar="HH:MM", help="With days: at this time of that day."),
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", help="Of a time; default: the case's.")
    ] = None,
    kind: Annotated[
        str, typer.Option("--kind", help="What the text is for, as for sayso send.")
    ] = Kind.TRANSACTIONAL,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    yes: options.Yes = False,
) -> None:
    """Add a task: a text to some of the parties at its time. Added again, it is replaced.

    An offset without --event or --date counts from the launch.

    Example:
    [cyan]sayso case task add 8841 docs --template bring-documents --to client --at now[/]
    """
    require_one_of("--kind", kind, Kind)
    when = WrittenWhen(at, event, date_name, clock, zone)
    draft = TaskDraft(template, body, to or (), person or (), when, kind)

    def build(about: cases.KnownCase, actor: str, now: datetime) -> cases.Change:
        return build_task(about, task_id, draft, actor, now)

    change_case(case_id, tenant, by, Where(bootstrap, state, as_json, yes), build)


@task.command("cancel")
def cancel_task(
    case_id: CaseId,
    task_id: TaskId,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Cancel a task: what has not left is taken back.

    Example: [cyan]sayso case task cancel 8841 docs[/]
    """

    def build(about: cases.KnownCase, actor: str, now: datetime) -> cases.Change:
        return build_task_canceled(about, task_id, actor, now)

    change_case(case_id, tenant, by, Where(bootstrap, state, as_json), build)


@event.command("save")
def save_event(
    case_id: CaseId,
    event_id: EventId,
    title: Annotated[str, typer.Option("--title", help="What it is, as people call it.")],
    at: Annotated[
        str,
        typer.Option(
            "--at",
            metavar="TIME",
            help="On the clock of its place: 2026-12-02T09:00, or 2026-12-02 for a whole day.",
        ),
    ],
    event_type: Annotated[
        str | None, typer.Option("--type", help="Which recipes it has, such as hearing.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", help="Of its place; default: the case's.")
    ] = None,
    place: Annotated[str | None, typer.Option("--place", help="Where it is.")] = None,
    remind: Annotated[
        list[str] | None,
        typer.Option(
            "--remind",
            metavar="OFFSET",
            help="Remind the clients, besides what recipes say: '3 days before'.",
        ),
    ] = None,
    show: Annotated[
        bool,
        typer.Option("--show", help="Show its texts as they would be then, and record nothing."),
    ] = False,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    yes: options.Yes = False,
) -> None:
    """Save an event. Saved again, it replaces what was said before, and its reminders move.

    What will be sent then: the same with --show.

    Example: [cyan]sayso case event save 8841 hearing-1 --title Hearing --type hearing
    --at 2026-12-02T09:00 --remind "3 days before"[/]
    """
    draft = EventDraft(title, at, event_type, zone, place, remind or ())

    where = Where(bootstrap, state, as_json, yes)

    def build(about: cases.KnownCase, actor: str, now: datetime) -> cases.Change:
        return build_event(about, event_id, draft, actor, now)

    if show:
        _show_event(case_id, tenant, where, build)
        return
    change_case(case_id, tenant, by, where, build)


def _show_event(case_id: str, tenant: str | None, where: Where, build: Build) -> None:
    now = datetime.now(UTC)
    with read_ledger(where.bootstrap, where.state, tenant) as ledger:
        about = cases.find_case(ledger, case_id, tenant)
        change = build(about, options.read_actor(None, fallback="cli"), now)
        found = preview_event(about, change, now)
    note_doubts(change.warnings)
    print_preview(found, about.zone, now, Shown(where.as_json, unmask=False))


@event.command("cancel")
def cancel_event(
    case_id: CaseId,
    event_id: EventId,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Cancel an event: its reminders are taken back.

    Example: [cyan]sayso case event cancel 8841 hearing-1[/]
    """

    def build(about: cases.KnownCase, actor: str, now: datetime) -> cases.Change:
        return build_event_canceled(about, event_id, actor, now)

    change_case(case_id, tenant, by, Where(bootstrap, state, as_json), build)

"""`sayso case`: open a case, look at it, launch it, close it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from schemas.case_event import CaseClosed, CaseReopened, DateSet, Launched
from services.cli import case_import, case_parts, case_preview, options
from services.cli.case_changes import CaseId, Where, change_case, print_recorded, publish
from services.cli.case_output import describe_change, print_view, view_to_json
from services.cli.connection import read_ledger
from services.display_text import format_utc
from services.ledger.cases import list_case_changes, list_cases
from services.masking import mask
from services.operations import cases
from services.operations.case_ahead import list_ahead
from services.operations.case_doubts import doubt_date
from services.operations.case_preview import list_exact_ahead
from services.operations.case_view import view_case
from services.operations.errors import OperationFailed
from services.operations.validation import require_one_of
from services.terminal import console, note, print_json, print_texts, table

app = typer.Typer(
    help="Cases: their parties, tasks and events, and what each of them will be texted.",
    no_args_is_help=True,
    add_completion=False,
)
_LOOK = "Look at it"
_CHANGE = "Change it"
_FILES = "From files"


@app.command("open", rich_help_panel=_CHANGE)
def open_(
    case_id: CaseId,
    title: Annotated[str, typer.Option("--title", help="What the case is called.")],
    tenant: Annotated[str, typer.Option("--tenant", "-t", help="Whose case it is.")],
    case_type: Annotated[str | None, typer.Option("--type", help="Such as: chapter 7.")] = None,
    reference: Annotated[
        str | None, typer.Option("--reference", help="The court's or agency's number.")
    ] = None,
    branch: Annotated[str | None, typer.Option("--branch", help="The tenant's branch.")] = None,
    zone: Annotated[
        str | None,
        typer.Option("--zone", help="Of its events, e.g. America/Chicago. Default: the tenant's."),
    ] = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    yes: options.Yes = False,
) -> None:
    """Open a case. Said again, it corrects what was said.

    Example: [cyan]sayso case open 8841 -t harbor --title "In re Rivera" --type "chapter 7"[/]
    """
    where = Where(bootstrap, state, as_json, yes)
    fields = {
        "title": title,
        "case_type": case_type,
        "reference": reference,
        "branch": branch,
        "time_zone": zone,
    }
    with read_ledger(bootstrap, state, tenant) as ledger:
        actor = options.read_actor(by)
        change = cases.build_opened(ledger, tenant, case_id, actor, datetime.now(UTC), **fields)
    publish(change, where)
    print_recorded(change, where)
    if not as_json:
        same = options.repeat_options(state, bootstrap)
        console().print("Next, add its parties, each by their id in your records:")
        command = f"  sayso case party add {case_id} PERSON --role client --tenant {tenant}{same}"
        console().print(command, style="cyan")


@app.command(rich_help_panel=_LOOK)
def show(
    case_id: CaseId,
    most: options.Most = 200,
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show a case: who can be texted and why not, what is ahead, and what was sent.

    The first line says what comes next, and who will not hear of it.

    Example: [cyan]sayso case show 8841[/]
    """
    now = datetime.now(UTC)
    with read_ledger(bootstrap, state, tenant) as ledger:
        about = cases.find_case(ledger, case_id, tenant)
        if about.case is None:
            raise OperationFailed(
                f"{about.name} was said something of, and it is not processed yet",
                "try again in a moment; if it stays so, see sayso lag",
            )
        exact = list_exact_ahead(about, now)
        ahead = list_ahead(about.case, about.settings, now) if exact is None else exact
        view = view_case(ledger, about.case, ahead)
    if as_json:
        plain = view_to_json(view, now)
        print_json(plain if unmask else mask(plain))
        return
    print_view(view, now, unmask, most)


@app.command("list", rich_help_panel=_LOOK)
def list_(
    tenant: options.Tenant = None,
    everything: Annotated[bool, typer.Option("--all", help="Also show closed ones.")] = False,
    most: options.Most = 200,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List cases: open ones, or all of them.

    Example: [cyan]sayso case list --tenant harbor[/]
    """
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = list_cases(ledger, tenant, closed=everything)
    if as_json:
        print_json([mask(case.model_dump(mode="json", exclude_none=True)) for case in found])
        return
    if not found:
        open_ones = "There is no open case: --all shows closed ones too."
        console().print("There is none." if everything else open_ones)
        return
    if len(found) > most:
        note(f"There are {len(found):,}: these are the first {most:,}.")
    columns = ("case", "title", "type", "state", "parties#", "tasks#", "events#")
    rows = [
        (
            f"{case.tenant}/{case.case_id}",
            case.title,
            case.case_type,
            "closed" if case.closed else "launched" if case.launched_at else "not launched",
            len(case.parties),
            sum(not task.canceled and task.written_by is None for task in case.tasks),
            sum(not event.canceled for event in case.events),
        )
        for case in found[:most]
    ]
    console().print(table(None, columns, rows))


@app.command("date", rich_help_panel=_CHANGE)
def set_date(
    case_id: CaseId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as filing or closing.")],
    day: Annotated[str, typer.Argument(metavar="DAY", help="As 2026-12-18; `none` takes it away.")],
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    yes: options.Yes = False,
) -> None:
    """Set a named date of a case. Recipes and tasks may count from it.

    Example: [cyan]sayso case date 8841 closing 2026-12-18[/]
    """
    found: date | None = None if day == "none" else options.parse_day(day)

    def build(about: cases.KnownCase, actor: str, now: datetime) -> cases.Change:
        event = cases.build_change(DateSet, about, actor, now, name=name, date=found)
        return cases.Change((event,), tuple(doubt_date(about, name, found, now)))

    change_case(case_id, tenant, by, Where(bootstrap, state, as_json, yes), build)


@app.command(rich_help_panel=_CHANGE)
def reminders(
    case_id: CaseId,
    person: options.PersonId,
    switch: Annotated[str, typer.Argument(metavar="on|off")],
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Switch automatic reminders to one party off, or on again. Direct texts still go.

    Example: [cyan]sayso case reminders 8841 crm-20417 off[/]
    """
    require_one_of("on|off", switch, ("on", "off"))

    def build(about: cases.KnownCase, actor: str, now: datetime) -> cases.Change:
        return cases.build_reminder_switch(about, person, switch == "on", actor, now)

    change_case(case_id, tenant, by, Where(bootstrap, state, as_json), build)


@app.command(rich_help_panel=_CHANGE)
def mail(
    case_id: CaseId,
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="An empty one: where the tenant's go.")
    ],
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Say where replies on this case are mailed to.

    Example: [cyan]sayso case mail 8841 rivera@harbor.example[/]
    """

    def build(about: cases.KnownCase, actor: str, now: datetime) -> cases.Change:
        return cases.build_notify_email(about, address, actor, now)

    change_case(case_id, tenant, by, Where(bootstrap, state, as_json), build)


@app.command(rich_help_panel=_CHANGE)
def launch(
    case_id: CaseId,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Launch a case: from now on its tasks go, and every party due a text is asked to opt in.

    Look at the texts first: sayso case preview CASE TASK.

    Example: [cyan]sayso case launch 8841[/]
    """
    _say(Launched, case_id, tenant, by, Where(bootstrap, state, as_json), _doubt_launch)


@app.command(rich_help_panel=_CHANGE)
def close(
    case_id: CaseId,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Close a case: nothing goes from it any more, and what is ahead is canceled.

    Example: [cyan]sayso case close 8841[/]
    """
    _say(CaseClosed, case_id, tenant, by, Where(bootstrap, state, as_json))


@app.command(rich_help_panel=_CHANGE)
def reopen(
    case_id: CaseId,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Open a closed case again: what is still ahead goes.

    Example: [cyan]sayso case reopen 8841[/]
    """
    _say(CaseReopened, case_id, tenant, by, Where(bootstrap, state, as_json))


def _say(
    kind: type[Any],
    case_id: str,
    tenant: str | None,
    by: str | None,
    where: Where,
    doubt: Callable[[cases.KnownCase], tuple[str, ...]] = lambda _about: (),
) -> None:
    def build(about: cases.KnownCase, actor: str, now: datetime) -> cases.Change:
        return cases.Change((cases.build_change(kind, about, actor, now),), doubt(about))

    change_case(case_id, tenant, by, where, build)


def _doubt_launch(about: cases.KnownCase) -> tuple[str, ...]:
    case = about.case
    if case is not None and case.launched_at is not None:
        return ("it is launched already",)
    return ("the case is closed: nothing goes from it",) if case is not None and case.closed else ()


@app.command(rich_help_panel=_LOOK)
def history(
    case_id: CaseId,
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show who changed what in a case, and when; the oldest first.

    Example: [cyan]sayso case history 8841[/]
    """
    with read_ledger(bootstrap, state, tenant) as ledger:
        about = cases.find_case(ledger, case_id, tenant)
        found = list_case_changes(ledger, about.tenant, about.case_id)
    if as_json:
        plain = [one.change | {"place": one.place} for one in found]
        print_json(plain if unmask else mask(plain))
        return
    rows = [_change_cells(one.change if unmask else mask(one.change), one.place) for one in found]
    print_texts(("at (UTC)", "by", "what", "", "place"), rows, "")


def _change_cells(change: dict[str, Any], place: str) -> list[str]:
    return [
        format_utc(str(change.get("at", "")))[:19],
        str(change.get("by") or ""),
        str(change.get("type", "")).replace("_", " "),
        describe_change(change),
        place,
    ]


# In the order of the help: what a case is made of behind what it is opened with.
app.command(rich_help_panel=_LOOK)(case_preview.preview)
app.command(rich_help_panel=_CHANGE)(case_preview.send)
app.command("import", rich_help_panel=_FILES)(case_import.import_case)
app.command("import-ics", rich_help_panel=_FILES)(case_import.import_ics)
app.command("import-court", rich_help_panel=_FILES)(case_import.import_court)
app.add_typer(case_parts.party, name="party", rich_help_panel=_CHANGE)
app.add_typer(case_parts.task, name="task", rich_help_panel=_CHANGE)
app.add_typer(case_parts.event, name="event", rich_help_panel=_CHANGE)

"""How a case is shown, as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from schemas.case import Case, CaseCalendarEvent, CaseTask, CaseText, Readiness
from schemas.case_event import TaskTime
from schemas.numbers import mask_number
from schemas.visible_text import ON_ONE_LINE
from services.display_text import format_local
from services.ledger.times import rfc3339
from services.operations.case_text import is_by_hand
from services.operations.case_view import REASONS, CaseView, PartyView, format_soon, promise
from services.terminal import console, drop_empty, markup, note, print_texts, table

TASK_COLUMNS: Final = ("task", "words", "to", "due", "kind", "state")
EVENT_COLUMNS: Final = (
    "event",
    "name",
    "type",
    "starts",
    "zone",
    "place",
    "next reminder",
    "state",
)


def view_to_json(view: CaseView, now: datetime) -> dict[str, Any]:
    """Times in UTC; numbers as they are."""
    case = view.case.model_dump(mode="json", exclude_none=True)
    return case | {
        "promise": promise(view, now),
        "parties": [_party_to_json(party) for party in view.parties],
        "ahead": [one._asdict() | {"due_at": rfc3339(one.due_at)} for one in view.ahead],
        "texts": [text.model_dump(mode="json", exclude_none=True) for text in view.texts],
    }


def _party_to_json(view: PartyView) -> dict[str, Any]:
    return view.party.model_dump(mode="json", exclude_none=True, exclude={"reason"}) | {
        "readiness": view.readiness.value,
        "reason": view.reason,
        "asked_at": rfc3339(view.asked_at) if view.asked_at else None,
        "ask_again_at": rfc3339(view.ask_again_at) if view.ask_again_at else None,
    }


def print_view(view: CaseView, now: datetime, unmask: bool, most: int) -> None:
    """At most so many lines of each table: of the parties, those who cannot be texted first."""
    screen = console()
    case = view.case
    screen.print(describe_case(case))
    screen.print(promise(view, now), style="bold")
    zone = ZoneInfo(case.time_zone)
    if view.parties:
        shown = sorted(view.parties, key=lambda one: one.readiness is Readiness.READY)[:most]
        rows = [_party_cells(party, now, zone, unmask) for party in shown]
        screen.print(table("Parties", ("person", "name", "role", "number", "", "reminders"), rows))
        if len(shown) < len(view.parties):
            screen.print(f"{len(shown):,} of {len(view.parties):,} parties: {count_ready(view)}.")
    planned = [task for task in case.tasks if task.written_by is None]
    if planned:
        tasks = [_task_cells(one, view, zone) for one in planned]
        screen.print(table("Tasks", *drop_empty(TASK_COLUMNS, tasks)))
    if case.events:
        events = [_event_cells(one, case.time_zone) for one in case.events]
        print_texts(*drop_empty(EVENT_COLUMNS, events), "name", "Events")
    if case.dates:
        screen.print("Dates: " + ", ".join(f"{name} {day}" for name, day in case.dates.items()))
    _print_texts(screen, view, most)


def count_ready(view: CaseView) -> str:
    counts = Counter(party.readiness for party in view.parties)
    return ", ".join(
        f"{counts[one]:,} {one.value.replace('_', ' ')}" for one in Readiness if counts[one]
    )


def _print_texts(screen: Console, view: CaseView, most: int) -> None:
    names = {party.party.person_id: party.party.name for party in view.parties}
    if view.texts:
        columns = ("due", "to", "of", "state", "because", "message")
        rows = [_text_cells(one, names, view.case) for one in view.texts[-most:]]
        screen.print(table("What was done", *drop_empty(columns, rows)))
        if len(rows) < len(view.texts):
            screen.print(f"The latest {len(rows):,} of {len(view.texts):,} texts.")


def describe_case(case: Case) -> Text:
    state = "closed" if case.closed else "launched" if case.launched_at else "not launched"
    about = (case.title or "(no title yet)", case.reference, case.case_type, case.branch)
    words = ", ".join(filter(None, about)).translate(ON_ONE_LINE)
    title = markup("[bold]{}/{}[/]  {}  ", case.tenant, case.case_id, words)
    return Text.assemble(title, state, f"  version {case.version}, {case.time_zone}")


def _party_cells(view: PartyView, now: datetime, zone: ZoneInfo, unmask: bool) -> list[Any]:
    party = view.party
    number = party.number or ""
    return [
        party.person_id,
        party.name,
        party.role,
        number if unmask else mask_number(number),
        draw_readiness(view.readiness, view.asked_at, view.ask_again_at, now, zone),
        "on" if party.reminders else "off",
    ]


def draw_readiness(
    readiness: Readiness,
    asked_at: datetime | None,
    ask_again_at: datetime | None,
    now: datetime,
    zone: ZoneInfo,
) -> Text:
    """A mark, and the first thing that is in the way."""
    drawn = Text.assemble("✓ " if readiness is Readiness.READY else "△ ", REASONS[readiness])
    if readiness is Readiness.NOT_OPTED_IN and asked_at is not None:
        drawn.append(f"; asked {format_soon(asked_at, now, zone)}")
        if ask_again_at is not None:
            drawn.append(f", may be asked again {format_soon(ask_again_at, now, zone)}")
    return drawn


def _task_cells(task: CaseTask, view: CaseView, zone: ZoneInfo) -> list[Any]:
    words = task.template or f"own words, {len(task.body or '')} characters"
    counts: dict[str, int] = {}
    for text in view.texts:
        if text.task_id == task.task_id:
            counts[text.state] = counts.get(text.state, 0) + 1
    done = ", ".join(f"{count} {state}" for state, count in counts.items())
    due = format_local(task.due_at.isoformat(), str(zone))[:16] if task.due_at else ""
    return [
        task.task_id,
        words,
        ", ".join((*task.roles, *task.person_ids)),
        due or describe_when(task.when),
        task.kind,
        "canceled" if task.canceled else done,
    ]


def describe_when(when: TaskTime) -> str:
    """As it was written."""
    if when.now:
        return "at launch"
    if when.time is not None:
        return f"{when.time} {when.time_zone or ''}".strip()
    anchor = when.event_id or when.date_name or "launch"
    clock = f" at {when.clock}" if when.clock else ""
    return f"{when.offset} {anchor}{clock}"


def _event_cells(event: CaseCalendarEvent, zone: str) -> list[Any]:
    """`zone`: the case's, which its first line says; of an event only another one is shown."""
    starts = format_local(event.at.isoformat(), event.time_zone)[:16]
    reminder = event.next_reminder_at
    confirmed = f"confirmed by {len(event.confirmed)}" if event.confirmed else ""
    return [
        event.event_id,
        event.title,
        event.event_type,
        starts[:10] if event.all_day else starts,
        "" if event.time_zone == zone else event.time_zone,
        event.location,
        format_local(reminder.isoformat(), event.time_zone)[:16] if reminder else "",
        "canceled" if event.canceled else confirmed,
    ]


_IDENTITY: Final = frozenset({"type", "tenant", "case_id", "change_id", "at", "by"})


def describe_change(change: Mapping[str, Any]) -> str:
    """What a change says, besides who said it and of what: `to roles client, when offset 3 days
    before`."""
    said = {name: value for name, value in change.items() if name not in _IDENTITY}
    return "; ".join(filter(None, (_describe(name, value) for name, value in said.items())))


def _describe(name: str, value: Any) -> str:
    """Empty for what says nothing."""
    words = name.replace("_", " ")
    if name == "number" and value == "":
        return "no number of its own"
    if not value:
        return ""
    match value:
        case True:
            return words
        case dict():
            return f"{words}: {', '.join(filter(None, _describe_parts(name, value)))}"
        case list() | tuple():
            return f"{words} {', '.join(map(str, value))}"
    return f"{words} {value}"


def _describe_parts(name: str, value: Mapping[str, Any]) -> Iterator[str]:
    for key, inner in value.items():
        if name == "reminders":
            yield f"{key} {'on' if inner else 'off'}"
        else:
            yield _describe(key, inner)


def note_doubts(doubts: Iterable[str], about: str = "") -> None:
    """What may be wrong, on stderr, each as a sentence."""
    for doubt in doubts:
        end = "" if doubt.endswith("?") else "."
        note(f"Note: {about}{doubt}{end}")


def name_origin(text: CaseText) -> str:
    """What made it: a task, or a recipe and its event."""
    about = text.event_id or text.date_name
    return " of ".join(filter(None, (text.recipe or text.task_id, about)))


def _name_author(text: CaseText, case: Case) -> str:
    """Of a text written by hand: its task's id would tell nobody anything."""
    authors = {task.task_id: task.written_by for task in case.tasks}
    task_id = text.task_id or ""
    if task_id not in authors and is_by_hand(task_id):
        return "by hand"  # a large case is published without some of its tasks
    author = authors.get(task_id)
    return f"by hand, {author}" if author else ""


def _text_cells(text: CaseText, names: dict[str, str], case: Case) -> list[Any]:
    due = text.due_at or text.at
    return [
        format_local(due.isoformat(), case.time_zone)[:16],
        names.get(text.person_id) or text.person_id,
        _name_author(text, case) or name_origin(text),
        text.state,
        text.says or (text.reason or "").replace("_", " "),
        text.message_id or text.text_id,
    ]

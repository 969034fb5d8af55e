"""`sayso thread`: one conversation, everything in one order, and what staff do about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NamedTuple

import typer
from rich.text import Text

from schemas.numbers import mask_text
from schemas.send_request import SendRequest
from schemas.visible_text import ON_ONE_LINE
from services.cli import options
from services.cli.connection import find_bootstrap, operate, read_ledger
from services.cli.send import print_requested
from services.display_text import format_local
from services.ledger.cases import find_settings
from services.ledger.threads import Entry, read_conversation
from services.ledger.times import rfc3339
from services.masking import mask_numbers
from services.operations import conversations as talk
from services.operations.cases import hint_at
from services.operations.errors import InvalidRequest
from services.terminal import color_word, console, markup, note, print_json, print_texts
from streams.reasons import format_duration

Build = Callable[[talk.Conversation, Sequence[str], str, datetime], Any]


class Action(NamedTuple):
    """`words`: how many must follow it, at least and at most."""

    words: tuple[int, int]
    usage: str
    build: Build


def _note(about: talk.Conversation, words: Sequence[str], by: str, now: datetime) -> Any:
    return talk.build_note(about, words[0], by, now)


def _answered(about: talk.Conversation, words: Sequence[str], by: str, now: datetime) -> Any:
    return talk.build_answered(about, words[0] if words else "", by, now)


def _no_answer(about: talk.Conversation, words: Sequence[str], by: str, now: datetime) -> Any:
    return talk.build_no_answer_needed(about, by, now)


def _assign(about: talk.Conversation, words: Sequence[str], by: str, now: datetime) -> Any:
    return talk.build_assigned(about, words[0], by, now)


def _move(about: talk.Conversation, words: Sequence[str], by: str, now: datetime) -> Any:
    return talk.build_moved(about, words[0], words[1], by, now)


def _no_more(about: talk.Conversation, words: Sequence[str], by: str, now: datetime) -> Any:
    return talk.build_no_more_texts(about, words[0], by, now)


def _text(about: talk.Conversation, words: Sequence[str], by: str, now: datetime) -> Any:
    return talk.build_text(about, words[0], by, now)


ACTIONS: Final = {
    "text": Action((1, 1), 'text "TEXT"', _text),
    "note": Action((1, 1), 'note "TEXT"', _note),
    "answered": Action((0, 1), 'answered ["NOTE"]', _answered),
    "no-answer-needed": Action((0, 0), "no-answer-needed", _no_answer),
    "assign": Action((1, 1), "assign WHO (or nobody)", _assign),
    "move": Action((2, 2), "move INBOUND CASE (or none)", _move),
    "no-more-texts": Action((1, 1), "no-more-texts INBOUND", _no_more),
}


def thread(
    target: Annotated[
        str, typer.Argument(metavar="NUMBER", help="A number, or a person's id in your records.")
    ],
    action: Annotated[
        str | None,
        typer.Argument(
            metavar="[ACTION]",
            help="text TEXT, note TEXT, answered, no-answer-needed, assign WHO, move INBOUND CASE,"
            " or no-more-texts INBOUND.",
            show_default=False,
        ),
    ] = None,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORDS]", show_default=False)
    ] = None,
    most: options.Most = 200,
    tenant: options.Tenant = None,
    by: options.By = None,
    undo_for: options.UndoFor = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show a conversation, everything in one order; or record what you did about it.

    Both directions, notes, consent, changes of number, mails and delivery states, by the tenant's
    clocks. INBOUND is the id in the last column. Texts are shown: whoever answers must read them.

    Example: [cyan]sayso thread +12125550123[/]

    Answer them: [cyan]sayso thread +12125550123 text "At nine, in room 4." --by dana[/]

    Somebody called them: [cyan]sayso thread +12125550123 answered "Called her." --by dana[/]
    """
    if action is not None:
        _act(target, action, words or [], tenant, by, undo_for, (bootstrap, state, as_json))
        return
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = talk.find_conversations(ledger, target, tenant)
        entries = {one: read_conversation(ledger, one.tenant, one.number) for one in found}
        zones = {one: _zone(one) for one in found}
    if as_json:
        print_json([_as_data(one, entries[one], zones[one], unmask) for one in found])
        return
    for one in found:
        _print(one, entries[one], zones[one], unmask, most)


def _zone(about: talk.Conversation) -> str:
    settings = find_settings(about.ledger, about.tenant)
    return settings.time_zone if settings else "UTC"


def _act(
    target: str,
    name: str,
    words: Sequence[str],
    tenant: str | None,
    by: str | None,
    undo_for: int | None,
    where: tuple[str | None, Any, bool],
) -> None:
    bootstrap, state, as_json = where
    action = ACTIONS.get(name)
    if action is None:
        raise InvalidRequest(
            f"There is no action {name!r}",
            hint_at(name, ACTIONS, f"they are {', '.join(ACTIONS)}"),
        )
    least, most = action.words
    if not least <= len(words) <= most:
        raise InvalidRequest(
            f"{name!r} is written otherwise", f"sayso thread NUMBER {action.usage}"
        )
    with read_ledger(bootstrap, state, tenant) as ledger:
        about = talk.find_conversation(ledger, target, tenant)
        event = action.build(about, words, options.read_actor(by), datetime.now(UTC))
    if isinstance(event, SendRequest):
        event = event.model_copy(update={"undo_seconds": undo_for})
    elif undo_for is not None:
        raise InvalidRequest("--undo-for is for a text only", 'sayso thread NUMBER text "TEXT"')
    operate(find_bootstrap(bootstrap, state), lambda kafka: talk.publish_thread_event(kafka, event))
    if as_json:
        print_json(mask_numbers(event.model_dump(mode="json", exclude_none=True)))
        return
    same = options.repeat_options(state, bootstrap)
    if isinstance(event, SendRequest):
        print_requested(event, same)
        return
    identity = getattr(event, "change_id", None) or event.event_id
    console().print(markup("Recorded as [bold]{}[/]. To see the conversation:", identity))
    console().print(f"  sayso thread {about.number} --tenant {about.tenant}{same}", style="cyan")


def _as_data(
    about: talk.Conversation, entries: Sequence[Entry], zone: str, unmask: bool
) -> dict[str, Any]:
    """Texts are whole; of numbers only what is masked."""
    now = about.thread.model_dump(mode="json", exclude_none=True) if about.thread else None
    plain = {
        "tenant": about.tenant,
        "number": about.number,
        "time_zone": zone,
        "thread": now,
        "entries": [_entry_to_json(entry) for entry in entries],
    }
    return plain if unmask else dict(mask_numbers(plain))


def _entry_to_json(entry: Entry) -> dict[str, Any]:
    line = talk.describe_entry(entry)
    return {
        "at": rfc3339(entry.at),
        "entry": entry.kind.value,
        "who": line.who,
        "says": line.what,
        "state": line.state,
        "id": line.identity,
        "kind": entry.data.get("kind"),
        "case_id": entry.data.get("case_id"),
        "media": list(entry.data.get("media") or ()),
        "place": entry.place,
    }


def _print(
    about: talk.Conversation, entries: Sequence[Entry], zone: str, unmask: bool, most: int
) -> None:
    screen = console()
    screen.print(Text.assemble((talk.name_thread(about, unmask), "bold"), "  ", _stands(about)))
    rows = []
    if len(entries) > most:
        note(f"There are {len(entries):,}: these are the latest {most:,}.")
    for entry in entries[-most:]:
        line = talk.describe_entry(entry)
        says = (line.what if unmask else mask_text(line.what)).translate(ON_ONE_LINE)
        rows.append(
            (
                format_local(entry.at.isoformat(), zone)[:16],
                line.who,
                Text(says),
                color_word(line.state) if " " not in line.state else line.state,
                line.identity,
            )
        )
    print_texts((f"at ({zone})", "who", "", "state", "id"), rows, "")


def _stands(about: talk.Conversation) -> str:
    thread = about.thread
    if thread is None:
        return "no case, and nothing waits"
    last = thread.to_answer
    filed = f"filed with case {last.case_id}" if last and last.case_id else "no case"
    parts = [f"cases {', '.join(thread.cases)}" if thread.cases else filed]
    if thread.person_ids:
        parts.insert(0, ", ".join(thread.person_ids))
    if thread.waiting_since is not None:
        waited = format_duration(datetime.now(UTC) - thread.waiting_since)
        parts.append(f"waiting for an answer for {waited}")
    if thread.assigned_to:
        parts.append(f"with {thread.assigned_to}")
    return "; ".join(parts)

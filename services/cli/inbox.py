"""`sayso inbox`: who waits for an answer, and since when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from schemas.numbers import mask_number
from schemas.visible_text import ON_ONE_LINE
from services.cli import options
from services.cli.connection import read_ledger
from services.ledger.cases import list_people
from services.ledger.threads import WaitingThread, list_waiting_threads
from services.masking import mask_numbers
from services.terminal import console, note, print_json, print_texts
from streams.reasons import format_duration

_COLUMNS = ("waiting", "tenant", "number", "who", "case", "with", "texts#", "they wrote last", "id")


def inbox(
    tenant: options.Tenant = None,
    who: Annotated[
        str | None, typer.Option("--assigned", metavar="NAME", help="Only what NAME has.")
    ] = None,
    unassigned: Annotated[
        bool, typer.Option("--unassigned", help="Only what belongs to no case.")
    ] = False,
    most: Annotated[
        int, typer.Option("--most", min=1, help="Show at most this many, the oldest first.")
    ] = 200,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show who waits for an answer, the longest first. Looking at it changes nothing.

    It starts with a text that wants a person, and ends with an answer or with no-answer-needed
    (see sayso thread). Texts are shown: whoever answers must read them.

    Example: [cyan]sayso inbox --tenant harbor[/]
    """
    now = datetime.now(UTC)
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = [
            one for one in list_waiting_threads(ledger, tenant) if _matches(one, who, unassigned)
        ]
        names = {
            person.person_key: person.name or person.person_id
            for one in found[:most]
            for person in list_people(
                ledger, one.thread.tenant, set(one.thread.person_ids)
            ).values()
        }
    if len(found) > most:
        note(f"There are {len(found):,}: these are the oldest {most:,}.")
    found = found[:most]
    if as_json:
        print_json([_as_data(one, now, names, unmask) for one in found])
        return
    if not found:
        console().print("Nobody waits for an answer.")
        return
    print_texts(_COLUMNS, [_cells(one, now, names, unmask) for one in found], "they wrote last")
    console().print("To read and answer: sayso thread NUMBER, sayso text CASE PERSON.")


def _matches(one: WaitingThread, who: str | None, unassigned: bool) -> bool:
    last = one.thread.to_answer
    has_case = last is not None and last.case_id is not None
    return (who is None or one.thread.assigned_to == who) and not (unassigned and has_case)


def _people(one: WaitingThread, names: dict[str, str]) -> list[str]:
    tenant = one.thread.tenant
    return [names.get(f"{tenant}/{person}", person) for person in one.thread.person_ids]


def _as_data(
    one: WaitingThread, now: datetime, names: dict[str, str], unmask: bool
) -> dict[str, Any]:
    thread = one.thread
    plain = thread.model_dump(mode="json", exclude_none=True)
    since = thread.waiting_since or now
    shown: dict[str, Any] = plain if unmask else mask_numbers(plain)
    return shown | {
        "waiting_seconds": round((now - since).total_seconds()),
        "names": _people(one, names),
        "text": one.reply.body if one.reply else None,
        "media": len(one.reply.media) if one.reply else 0,
    }


def _cells(one: WaitingThread, now: datetime, names: dict[str, str], unmask: bool) -> list[Any]:
    thread = one.thread
    last = thread.to_answer
    case = (last.case_id if last else None) or "(no case)"
    if last is not None and last.on_closed_case:
        case += " (closed)"
    if last is not None and last.others:
        case += f", or {', '.join(last.others)}"
    media = " [attachment]" if one.reply and one.reply.media else ""
    return [
        format_duration(now - (thread.waiting_since or now)),
        thread.tenant,
        thread.number if unmask else mask_number(thread.number),
        ", ".join(_people(one, names)) or "(unknown)",
        case,
        thread.assigned_to,
        thread.waiting_texts,
        (one.reply.body.translate(ON_ONE_LINE) if one.reply else "(gone)") + media,
        last.inbound_id if last else "",
    ]

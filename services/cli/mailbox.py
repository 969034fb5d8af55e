"""`sayso box` and `sayso alerts`: the mailboxes, and which failures somebody must act on now."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from schemas.numbers import mask_number, mask_text
from services.cli import options, to_read
from services.cli.connection import read_ledger
from services.display_text import format_utc
from services.ledger import Ledger
from services.ledger.mailbox import CurrentAlert, MailboxItem
from services.ledger.mailbox import alert_to_json as alert_as_data
from services.ledger.mailbox import list_alerts as read_alerts
from services.ledger.message_status import find_request
from services.ledger.scope import EVERYTHING
from services.masking import mask
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.mailboxes import Mailboxes, MailboxQuery, Tab
from services.operations.message_export import export_messages
from services.operations.validation import require_order
from services.terminal import console, note, print_json, table
from streams.mailboxes import WORDS
from streams.reasons import format_duration

TO_READ: Final = "to-read"
"""The mailbox of replies, which are no messages of ours."""

COLUMNS: Final[Mapping[Tab, tuple[str, ...]]] = {
    Tab.READY: (
        "message",
        "branch",
        "person",
        "to",
        "kind",
        "requested (UTC)",
        "until (UTC)",
        "text",
    ),
    Tab.OUTBOX: (
        "!",
        "message",
        "state",
        "branch",
        "person",
        "to",
        "requested (UTC)",
        "code",
        "because",
    ),
    Tab.SENTBOX: (
        "!",
        "message",
        "state",
        "branch",
        "person",
        "to",
        "requested (UTC)",
        "code",
        "meaning",
    ),
}
_TITLES: Final[Mapping[Tab, str]] = {
    **{Tab(box): words for box, words in WORDS.items()},
    Tab.FAILED: "Failed: did not arrive, and nobody has seen to it",
}
_FIELDS: Final = (
    "state",
    "branch",
    "person_id",
    "case_id",
    "kind",
    "to",
    "sender",
    "requested_at",
    "at",
    "error_code",
    "error_title",
    "next_step",
    "segments",
)
"""Of an outcome, what `--json` prints."""


def box(
    which: Annotated[
        str, typer.Argument(metavar="ready|outbox|sentbox|failed|to-read", show_default=False)
    ],
    tenant: options.Tenant = None,
    branch: options.Branch = None,
    person: options.Person = None,
    code: options.Code = None,
    since: options.Day = None,
    until: options.Day = None,
    case: Annotated[str | None, typer.Option("--case", help="Only this case's.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Only this kind.")] = None,
    state_is: Annotated[
        str | None, typer.Option("--state-is", help="Only this state, e.g. undelivered.")
    ] = None,
    search: Annotated[
        str | None, typer.Option("--search", help="A name, a number, or words of the text.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write all that match here, by the name's end: .csv or .parquet.",
            show_default=False,
        ),
    ] = None,
    attention: Annotated[
        bool, typer.Option("--attention", help="Only what somebody should look at.")
    ] = False,
    most: Annotated[
        int, typer.Option("--most", min=1, help="Show at most this many, the newest first.")
    ] = 200,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show a mailbox: ready (to approve), outbox (not sent), sentbox, failed, or to-read.

    The outbox also has what failed before it could be sent. An exclamation mark is before what
    somebody should look at; failed has these of both boxes. The ready box shows the texts. To-read
    has replies that may be opt-outs: automatic texts to these numbers wait until sayso consent out
    or go-on answers.

    Example: [cyan]sayso box outbox --branch court --attention[/]
    """
    if which == TO_READ:
        _require_none(branch, person, code, since, until, case, kind, state_is, search, out)
        to_read.show(tenant, most, bootstrap, state, as_json, unmask)
        return
    if which not in set(Tab):
        known = ", ".join((*Tab, TO_READ))
        raise InvalidRequest(f"There is no mailbox {which!r}", f"they are {known}")
    require_order(since, until, ("--since", "--until"))
    query = MailboxQuery(
        Tab(which),
        branch or "",
        case or "",
        person or "",
        state_is or "",
        code or "",
        kind or "",
        since,
        until,
        search or "",
        attention,
    )
    with read_ledger(bootstrap, state, tenant) as ledger:
        mailboxes = Mailboxes(ledger, EVERYTHING.narrow(tenant), datetime.now(UTC))
        rows = mailboxes.each(query)
        if out:
            count = export_messages(out, rows, unmask)
            console().print(f"{out} has {count:,} message{'' if count == 1 else 's'}.")
            return
        items = [row.item for row in islice(rows, most + 1)]
        is_shown = query.box is Tab.READY or unmask
        texts = _read_texts(ledger, items[:most]) if is_shown else {}
    if len(items) > most:
        note(
            f"There are more: these are the newest {most:,}. Say which with the options, or --most."
        )
    items = items[:most]
    if as_json:
        print_json([_as_data(item, texts.get(item.name), unmask) for item in items])
        return
    console().print(f"{_TITLES[query.box]}.", style="bold")
    if items:
        console().print(_draw(query.box, items, texts, unmask))
    else:
        console().print("Nothing that matches is in it.")


def _require_none(*filters: object) -> None:
    if any(given is not None for given in filters):
        raise InvalidRequest(f"{TO_READ} is listed whole", "of the filters it takes --tenant only")


def _read_texts(ledger: Ledger, items: Iterable[MailboxItem]) -> dict[str, str]:
    found = {item.name: find_request(ledger, item.tenant, item.message_id) for item in items}
    return {name: request.body for name, request in found.items() if request}


def _as_data(item: MailboxItem, text: str | None, unmask: bool) -> dict[str, Any]:
    complete = {
        "tenant": item.tenant,
        "message_id": item.message_id,
        "box": item.box,
        "attention": item.attention,
        **{name: item.outcome.get(name) for name in _FIELDS},
        "findings": [found.model_dump(mode="json", exclude_none=True) for found in item.findings],
    }
    shown: dict[str, Any] = complete if unmask else mask(complete)
    return shown | ({"text": text} if text is not None else {})


def _draw(
    which: Tab, items: Iterable[MailboxItem], texts: Mapping[str, str], unmask: bool
) -> Table:
    has_text = unmask and which is not Tab.READY
    shown = COLUMNS[Tab.OUTBOX if which is Tab.FAILED else which]
    columns = (*shown, "text") if has_text else shown
    return table(None, columns, [_cells(item, columns, texts, unmask) for item in items])


def _cells(
    item: MailboxItem, columns: tuple[str, ...], texts: Mapping[str, str], unmask: bool
) -> list[Any]:
    outcome = item.outcome
    until = (f"{one.until:%Y-%m-%d %H:%M}" for one in item.findings if one.until)
    cells: dict[str, Any] = {
        "!": "!" if item.attention else "",
        "message": item.message_id,
        "state": outcome["state"],
        "branch": outcome.get("branch"),
        "person": outcome.get("person_id"),
        "to": format_number(item, unmask),
        "kind": outcome["kind"],
        "requested (UTC)": format_utc(outcome["requested_at"])[:16],
        "code": outcome.get("error_code"),
        "meaning": outcome.get("error_title"),
        "because": _because(item),
        "text": texts.get(item.name, "(gone)"),
        "until (UTC)": next(until, ""),
    }
    return [cells[name] for name in columns]


def _because(item: MailboxItem) -> str:
    """What its code means, or what the gate found; then what to do."""
    outcome = item.outcome
    if outcome.get("error_code"):
        return f"{outcome.get('error_title')} → {outcome.get('next_step')}"
    verdict = {"held": "hold", "rejected": "reject", "expired": "expire"}.get(outcome["state"])
    deciding = [one for one in item.findings if one.verdict == verdict]
    return mask_text("; ".join(f"{one.reason} → {one.next_step}" for one in deciding))


def format_number(item: MailboxItem, unmask: bool) -> str:
    return (item.number or "") if unmask else mask_number(item.number or "")


def confirm(what: str, count: int, show: Callable[[], None]) -> None:
    """Ask on a terminal, after they were shown.

    Raises OperationFailed for a no, and InvalidRequest where nobody can be asked."""
    question = f"{what} {count:,} text{'' if count == 1 else 's'}?"
    if not sys.stdin.isatty():
        raise InvalidRequest(
            f"{question} There is nobody to ask here: look at them with box, then say --yes"
        )
    show()
    if not typer.confirm(question, err=True):
        raise OperationFailed("Nothing was done")


def alerts(
    tenant: options.Tenant = None,
    everything: Annotated[bool, typer.Option("--all", help="Also show closed ones.")] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show what is at stake because a text did not arrive; the most urgent first.

    Example: [cyan]sayso alerts --tenant harbor[/]
    """
    now = datetime.now(UTC)
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = read_alerts(ledger, now, tenant, closed=everything)
    if as_json:
        plain = [alert_as_data(one) for one in found]
        print_json(plain if unmask else mask(plain))
        return
    if not found:
        console().print("Nothing: no text that failed leaves anybody with something to do.")
        return
    columns = ("urgency", "left", "", "number", "of", "meaning", "message")
    console().print(table(None, columns, [_alert_cells(one, now, unmask) for one in found]))


def _alert_cells(found: CurrentAlert, now: datetime, unmask: bool) -> tuple[str, ...]:
    alert = found.alert
    number = alert.to or ""
    because = alert.because or ""
    return (
        str(found.urgency if alert.open else "closed"),
        format_duration(alert.before - now) if alert.before and alert.before > now else "",
        alert.says if unmask else mask_text(alert.says),
        number if unmask else mask_number(number),
        " ".join(filter(None, (alert.person_id, alert.case_id, alert.event_id))),
        because if unmask else mask_text(because),
        f"{alert.tenant}/{alert.message_id}",
    )

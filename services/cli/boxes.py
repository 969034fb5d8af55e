"""`sayso box`: what waits for approval, what has not gone yet, what has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from services.cli import moments, options, picking
from services.cli.refused import Refused

if TYPE_CHECKING:
    from rich.table import Table

    from services.ledger import Ledger
    from services.ledger.boxes import Item

Which = Annotated[str, typer.Argument(metavar="ready|outbox|sentbox", show_default=False)]


def box(
    which: Which,
    tenant: options.Tenant = None,
    branch: picking.Branch = None,
    person: picking.Person = None,
    code: picking.Code = None,
    since: picking.Day = None,
    until: picking.Day = None,
    attention: Annotated[
        bool, typer.Option("--attention", help="Only what somebody should look at.")
    ] = False,
    most: Annotated[
        int, typer.Option("--most", min=1, help="So many at most, the newest first.")
    ] = 200,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """A mailbox: ready (to approve, with the texts), outbox (not gone yet, or failed before it could), sentbox.

    An exclamation mark is before what somebody should look at.

    Example: [cyan]sayso box outbox --branch court --attention[/]
    """
    from services.cli.kafka import ledger
    from services.cli.screen import console, note, print_json
    from services.ledger.boxes import Wanted, boxed
    from streams.mailboxes import WORDS, Box

    if which not in set(Box):
        raise Refused(f"There is no mailbox {which!r}: they are {', '.join(Box)}")
    moments.in_order(since, until, ("--since", "--until"))
    wanted = Wanted(tenant, branch, person, code, since, until)
    with ledger(bootstrap, state, tenant) as opened:
        with closing(boxed(opened, Box(which), wanted, datetime.now(UTC))) as found:
            items = list(
                islice((item for item in found if item.attention or not attention), most + 1)
            )
        texts = _texts(opened, items[:most]) if which == Box.READY or unmask else {}
    if len(items) > most:
        note(
            f"There are more: these are the newest {most:,}. Say which with the options, or --most."
        )
    if as_json:
        print_json([as_data(item, texts.get(item.name), unmask) for item in items[:most]])
        return
    console().print(f"{WORDS[Box(which)]}.", style="bold")
    if items:
        console().print(as_table(which, items[:most], texts, unmask))
    else:
        console().print("Nothing that matches is in it.")


def _texts(ledger: Ledger, items: Iterable[Item]) -> dict[str, str]:
    from services.ledger.asked import asked

    found = {item.name: asked(ledger, item.tenant, item.message_id) for item in items}
    return {name: known.body for name, known in found.items() if known}


def as_data(item: Item, text: str | None, unmask: bool) -> dict[str, Any]:
    from services.cli.masking import mask

    told = {
        "tenant": item.tenant,
        "message_id": item.message_id,
        "box": item.box,
        "attention": item.attention,
        **{name: item.outcome.get(name) for name in _TOLD},
        "findings": [found.model_dump(mode="json", exclude_none=True) for found in item.findings],
    }
    shown: dict[str, Any] = told if unmask else mask(told)
    return shown | ({"text": text} if text is not None else {})


_TOLD: Final = (
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


COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "ready": (
        "message",
        "branch",
        "person",
        "to",
        "kind",
        "requested (UTC)",
        "until (UTC)",
        "text",
    ),
    "outbox": (
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
    "sentbox": (
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


def as_table(which: str, items: Iterable[Item], texts: Mapping[str, str], unmask: bool) -> Table:
    from services.cli.screen import table

    names = (*COLUMNS[which], *(("text",) if unmask and which != "ready" else ()))
    return table(None, names, [_cells(item, names, texts, unmask) for item in items])


def _cells(item: Item, names: tuple[str, ...], texts: Mapping[str, str], unmask: bool) -> list[Any]:
    from services.cli.screen import clock

    outcome = item.outcome
    cells: dict[str, Any] = {
        "!": "!" if item.attention else "",
        "message": item.message_id,
        "state": outcome["state"],
        "branch": outcome.get("branch"),
        "person": outcome.get("person_id"),
        "to": shown_number(item, unmask),
        "kind": outcome["kind"],
        "requested (UTC)": clock(outcome["requested_at"])[:16],
        "code": outcome.get("error_code"),
        "meaning": outcome.get("error_title"),
        "because": _because(item),
        "text": texts.get(item.name, "(gone)"),
        "until (UTC)": next(
            (f"{one.until:%Y-%m-%d %H:%M}" for one in item.findings if one.until), ""
        ),
    }
    return [cells[name] for name in names]


def _because(item: Item) -> str:
    """What its code means, or what the gate found; then what to do."""
    from services.cli.masking import mask_text

    outcome = item.outcome
    if outcome.get("error_code"):
        return f"{outcome.get('error_title')} → {outcome.get('next_step')}"
    verdict = {"held": "hold", "rejected": "reject", "expired": "expire"}.get(outcome["state"])
    deciding = [one for one in item.findings if one.verdict == verdict]
    return mask_text("; ".join(f"{one.reason} → {one.next_step}" for one in deciding))


def shown_number(item: Item, unmask: bool) -> str:
    from schemas.numbers import mask_number

    return (item.number or "") if unmask else mask_number(item.number or "")

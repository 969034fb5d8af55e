"""Which messages a command is about: those that are named, or all in a mailbox that match."""

from __future__ import annotations

import getpass
import sys
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from services.cli import moments
from services.cli.refused import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.ledger import Ledger
    from services.ledger.boxes import Item
    from streams.mailboxes import Box

Ids = Annotated[list[str] | None, typer.Argument(metavar="MESSAGE_ID", show_default=False)]
Branch = Annotated[str | None, typer.Option(help="Of this branch only.")]
Person = Annotated[
    str | None, typer.Option(help="For this person only, by their id in your records.")
]
Code = Annotated[str | None, typer.Option(help="With this code only, e.g. 30005.")]
Day = Annotated[
    date | None,
    typer.Option(
        parser=moments.day,
        metavar="YYYY-MM-DD",
        show_default=False,
        help="By the day it was requested.",
    ),
]
All = Annotated[
    bool, typer.Option("--all", help="All that there are; or say which with the options above.")
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask before doing it to all that match.")
]
By = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Who does it. Default: your name on this machine."),
]


class Pick(NamedTuple):
    """As it was typed.  Of the options, what is not given matches all."""

    ids: list[str] | None
    tenant: str | None
    branch: str | None = None
    person: str | None = None
    code: str | None = None
    since: date | None = None
    until: date | None = None
    all: bool = False

    @property
    def filters(self) -> bool:
        return any((self.branch, self.person, self.code, self.since, self.until))


def picked(ledger: Ledger, pick: Pick, boxes: tuple[Box, ...], now: datetime) -> list[Item]:
    """Oldest first.  Raises Refused where nothing was said, or nobody knows a message that was named."""
    from services.ledger.boxes import Wanted, boxed, messages

    if pick.ids:
        if pick.filters or pick.all:
            raise Refused("Name messages, or say which with options, not both")
        items = list(messages(ledger, Wanted(pick.tenant, ids=tuple(pick.ids)), now))
        return [_named(ledger, items, name, pick.tenant) for name in dict.fromkeys(pick.ids)]
    moments.in_order(pick.since, pick.until, ("--since", "--until"))
    if not (pick.filters or pick.all):
        raise Refused(
            "Name the messages, or say which with --branch, --person, --since, --until or --all"
        )
    wanted = Wanted(pick.tenant, pick.branch, pick.person, pick.code, pick.since, pick.until)
    return [item for box in boxes for item in boxed(ledger, box, wanted, now)][::-1]


def _named(ledger: Ledger, items: list[Item], name: str, tenant: str | None) -> Item:
    found = [item for item in items if item.message_id == name]
    if not found and _asked_for(ledger, name, tenant):
        raise Refused(
            f"{name} is not judged yet: try again in a moment; if it stays so, see sayso lag", 1
        )
    if not found:
        raise Refused(f"No message {name!r} is on record" + (f" at {tenant}" if tenant else ""))
    if len(found) > 1:
        tenants = ", ".join(sorted(item.tenant for item in found))
        raise Refused(f"{tenants} each have a message {name!r}: say which with --tenant")
    return found[0]


def _asked_for(ledger: Ledger, name: str, tenant: str | None) -> bool:
    sql = "SELECT 1 FROM requests WHERE message_id = ? AND tenant = coalesce(?, tenant) LIMIT 1"
    return bool(ledger.rows(sql, name, tenant))


def confirmed(what: str, count: int, show: Callable[[], None]) -> None:
    """On a terminal, after they were shown.  Raises Refused for a no, and where nobody can be asked."""
    question = f"{what} {count:,} text{'' if count == 1 else 's'}?"
    if not sys.stdin.isatty():
        raise Refused(
            f"{question} There is nobody to ask here: look at them with box, then say --yes"
        )
    show()
    if not typer.confirm(question, err=True):
        raise Refused("Nothing was done", 1)


def who(by: str | None) -> str:
    try:
        return by or getpass.getuser()
    except (KeyError, OSError):
        raise Refused("Nobody knows your name on this machine: say it with --by") from None

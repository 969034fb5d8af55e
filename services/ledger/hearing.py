"""Does anybody hear what people answer to a sender?"""

from __future__ import annotations

from typing import NamedTuple

from schemas.sender import Sender
from services.ledger.ledger import Ledger
from streams.lifecycle import Group, states_of

SILENT_AFTER = 50
"""Texts: of so many people somebody answers STOP, START or thanks (a rule of thumb, not a law)."""


class Hearing(NamedTuple):
    """`sound` False: somebody has to look; `says` is what is known, and what to do."""

    sender: str
    texted: int
    heard: int
    last: str | None
    sound: bool
    says: str


def hearing(ledger: Ledger) -> list[Hearing]:
    """Every sender of the settings, by what went out from it and what came in."""
    out = ", ".join(f"'{state}'" for state in states_of(Group.OUT))
    texted = _counts(
        ledger, f"SELECT sender, count(*) AS n FROM outcomes WHERE state IN ({out}) GROUP BY sender"
    )
    heard = _counts(ledger, "SELECT sender, count(*) AS n FROM inbound GROUP BY sender")
    last = ledger.rows(
        "SELECT sender, max(json_extract(json, '$.received_at')) AS at FROM inbound GROUP BY sender"
    )
    latest = {row["sender"]: row["at"] for row in last}
    rows = ledger.rows("SELECT json FROM senders ORDER BY identity")
    senders = [Sender.model_validate_json(row["json"]) for row in rows]
    return [
        _of(one, texted.get(one.sender, 0), heard.get(one.sender, 0), latest.get(one.sender))
        for one in senders
    ]


def _of(sender: Sender, texted: int, heard: int, last: str | None) -> Hearing:
    return Hearing(sender.sender, texted, heard, last, *_judged(sender, texted, heard))


def _judged(sender: Sender, texted: int, heard: int) -> tuple[bool, str]:
    if heard:
        return True, "answers arrive"
    if not sender.hears:
        return (
            False,
            "set up as deaf: nothing is sent from it; point its inbound webhook at Sayso, then hears: true",
        )
    if texted >= SILENT_AFTER:
        return (
            False,
            f"{texted} texts and not one answer: text it yourself, and look at its inbound webhook",
        )
    return True, "not heard yet: text it yourself once"


def _counts(ledger: Ledger, sql: str) -> dict[str, int]:
    return {row["sender"]: row["n"] for row in ledger.rows(sql)}

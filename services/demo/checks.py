"""Do the books agree with those who were asked?  The simulator's own journal against what the ledger says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from schemas.numbers import masked
from services.cli.books import balanced
from services.demo.cast import Cast
from services.ledger import Ledger
from services.ledger.usage import Filter, usage
from streams.lifecycle import MEANINGS, Group


class Check(NamedTuple):
    """`says` is a whole sentence, with the counts."""

    holds: bool
    says: str


def checks(ledger: Ledger, journal: Path, asked: Cast, tenant: str) -> list[Check]:
    posts = [post for post in _posts(journal) if post["callback"].get("tenant") == tenant]
    taken = [post["callback"]["message_id"] for post in posts if post["outcome"] == "taken"]
    return [
        *_books(ledger, asked, tenant),
        _same("Texts that the provider took", set(taken), "messages that our books say are out", _out(ledger, tenant)),
        _none("texts went out twice", [name for name, count in Counter(taken).items() if count > 1]),
        _none("people were texted without their yes", _strangers(posts, asked)),
        _none("people were texted after their STOP", _insisted(posts, asked)),
    ]


def _books(ledger: Ledger, asked: Cast, tenant: str) -> list[Check]:
    found = usage(ledger, Filter(tenant))
    books = balanced(found)
    reported: Counter[str] = Counter()
    for row in found.rows:
        reported[row.state] += row.messages
    counted = {state: count for state, count in found.by_state.items() if count}
    return [
        Check(found.requested == len(asked.identities),
              f"Asked for {len(asked.identities):,} texts; the books know {found.requested:,}."),
        Check(books.residue == 0, books.sentence),
        Check(dict(reported) == counted, f"The usage report counts {reported.total():,} messages, a recount of the "
              f"outcomes {sum(counted.values()):,}, the same in every state."
              if dict(reported) == counted else f"The usage report says {dict(reported)}, the outcomes {counted}."),
    ]  # fmt: skip


def _same(what: str, some: set[str], other: str, others: set[str]) -> Check:
    if some == others:
        return Check(True, f"{what}: {len(some):,}; {other}: {len(others):,}, the very same.")
    odd = sorted(some ^ others)
    return Check(False, f"{what}: {len(some):,}; {other}: {len(others):,}; they differ in {', '.join(odd[:5])}.")


def _none(what: str, found: list[str]) -> Check:
    return Check(not found, f"{len(found) or 'No'} {what}" + (f": {', '.join(found[:5])}." if found else "."))


def _posts(journal: Path) -> list[dict[str, Any]]:
    lines = journal.read_bytes().splitlines() if journal.exists() else []
    return [entry for line in lines if (entry := orjson.loads(line))["event"] == "create"]


def _out(ledger: Ledger, tenant: str) -> set[str]:
    out = {state.value for state, meaning in MEANINGS.items() if meaning.group is Group.OUT}
    rows = ledger.rows("SELECT message_id, state FROM outcomes WHERE tenant = ?", tenant)
    return {row["message_id"] for row in rows if row["state"] in out}


def _strangers(posts: list[dict[str, Any]], asked: Cast) -> list[str]:
    said_yes = asked.numbers("agreed", "says STOP", "cannot be reached")
    return sorted({_short(post["number"]) for post in posts if post["number"] not in said_yes})


def _insisted(posts: list[dict[str, Any]], asked: Cast) -> list[str]:
    """Their first text is what they answered; the others were asked for after that."""
    texts = Counter(post["number"] for post in posts if post["number"] in asked.numbers("says STOP"))
    return sorted(_short(number) for number, count in texts.items() if count > 1)


def _short(number: str) -> str:
    return masked(number)

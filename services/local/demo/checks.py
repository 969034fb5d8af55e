"""Do the books agree with those who were asked?  The simulator's own journal against what the ledger says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from schemas.numbers import mask_number
from services.ledger import Ledger
from services.ledger.usage import UsageFilter, count_system_messages, read_usage
from services.local.demo.cast import Cast
from services.local.demo.staff import Played
from services.local.simulator.journal import read_entries
from services.operations.usage_report import reconcile
from streams.lifecycle import STATE_INFO, Group


class Check(NamedTuple):
    """`says` is a whole sentence, with the counts."""

    holds: bool
    says: str


def checks(ledger: Ledger, journal: Path, asked: Cast, tenant: str, did: Played) -> list[Check]:
    asked = asked._replace(later=frozenset(did.identities))
    posts = [post for post in _posts(journal) if post["callback"].get("tenant") == tenant]
    taken = [post["callback"]["message_id"] for post in posts if post["outcome"] == "taken"]
    return [
        *_books(ledger, asked, tenant),
        _asks(posts, asked),
        _same(
            "Texts that the provider took",
            set(taken),
            "messages that our books say are out",
            _out(ledger, tenant),
        ),
        _none(
            "texts went out twice", [name for name, count in Counter(taken).items() if count > 1]
        ),
        _none("people were texted without their yes", _strangers(posts, asked)),
        _none("people were texted after their STOP", _insisted(posts, asked)),
        *_staff(posts, taken, did, asked.clients[1].number),
    ]


def _staff(posts: list[dict[str, Any]], taken: list[str], did: Played, right: str) -> list[Check]:
    """One approved and one rejected; one that failed, and was resent to where the person is."""
    to = [post["number"] for post in posts if _id(post) == did.resent]
    return [
        Check(
            taken.count(did.approved) == 1,
            f"What was approved ({did.approved}) went out once."
            if did.approved in taken
            else f"What was approved ({did.approved}) never went.",
        ),
        Check(
            did.rejected not in taken,
            f"What was rejected ({did.rejected}) "
            f"{'went out all the same' if did.rejected in taken else 'never went'}.",
        ),
        Check(
            bool(did.resent) and to == [right],
            f"What had failed ({did.failed}) was resent to the corrected number."
            if to == [right]
            else f"What had failed ({did.failed}) was not resent to the corrected number.",
        ),
    ]


def _books(ledger: Ledger, asked: Cast, tenant: str) -> list[Check]:
    found = read_usage(ledger, UsageFilter(tenant))
    books = reconcile(found)
    reported: Counter[str] = Counter()
    for row in found.rows:
        reported[row.state] += row.messages
    counted = {state: count for state, count in found.by_state.items() if count}
    own = count_system_messages(ledger, tenant)
    return [
        Check(
            found.requested == len(asked.identities) + own,
            f"Asked for {len(asked.identities):,} texts, and Sayso "
            f"started {own:,} itself; the books know {found.requested:,}.",
        ),
        Check(books.unaccounted == 0, books.sentence),
        Check(
            dict(reported) == counted,
            f"The usage report counts {reported.total():,} messages, a recount of the "
            f"outcomes {sum(counted.values()):,}, the same in every state."
            if dict(reported) == counted
            else f"The usage report says {dict(reported)}, the outcomes {counted}.",
        ),
    ]


def _same(what: str, some: set[str], other: str, others: set[str]) -> Check:
    if some == others:
        return Check(True, f"{what}: {len(some):,}; {other}: {len(others):,}, the very same.")
    odd = sorted(some ^ others)
    return Check(
        False,
        f"{what}: {len(some):,}; {other}: {len(others):,}; they differ in {', '.join(odd[:5])}.",
    )


def _none(what: str, found: list[str]) -> Check:
    return Check(
        not found, f"{len(found) or 'No'} {what}" + (f": {', '.join(found[:5])}." if found else ".")
    )


def _posts(journal: Path) -> list[dict[str, Any]]:
    return (
        [entry for entry in read_entries(journal) if entry["event"] == "create"]
        if journal.exists()
        else []
    )


def _out(ledger: Ledger, tenant: str) -> set[str]:
    out = {state.value for state, meaning in STATE_INFO.items() if meaning.group is Group.OUT}
    rows = ledger.rows("SELECT message_id, state FROM outcomes WHERE tenant = ?", tenant)
    return {row["message_id"] for row in rows if row["state"] in out}


def _strangers(posts: list[dict[str, Any]], asked: Cast) -> list[str]:
    """Who has not said yes gets one text that nobody asked for: the opt-in request.  After it some say yes."""
    said_yes = asked.numbers("agreed", "says STOP", "cannot be reached", "client")
    first = {
        post["number"]: _id(post) for post in reversed(posts) if post["number"] not in said_yes
    }
    asked_for = {post["number"] for post in posts if _id(post) in asked.identities} - said_yes
    unasked = {number for number, name in first.items() if name in asked.identities}
    return sorted(_short(number) for number in unasked | (asked_for - asked.numbers("says START")))


def _asks(posts: list[dict[str, Any]], asked: Cast) -> Check:
    """Whoever was never asked, and nobody else, is asked once."""
    texts = Counter(
        post["number"]
        for post in posts
        if _id(post).startswith("ask-") and post["outcome"] == "taken"
    )
    wanted = Counter(asked.numbers("says START", "never answers"))
    went = f"{texts.total():,} opt-in requests went to {len(texts):,} people"
    return Check(texts == wanted, f"{went}, of {len(wanted):,} who had never been asked.")


def _insisted(posts: list[dict[str, Any]], asked: Cast) -> list[str]:
    """Their first text is what they answered; the others were asked for after that.  That their STOP was heard is
    confirmed, and is no such text."""
    stopped = asked.numbers("says STOP")
    texts = Counter(
        post["number"]
        for post in posts
        if post["number"] in stopped and _id(post) in asked.identities
    )
    return sorted(_short(number) for number, count in texts.items() if count > 1)


def _id(post: dict[str, Any]) -> str:
    return str(post["callback"]["message_id"])


def _short(number: str) -> str:
    return mask_number(number)

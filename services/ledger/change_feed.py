"""What has changed, for pages that stay up to date.

Theory of operation
-------------------
In the transaction of a batch the ledger writes one row for each thing that the batch changed: its
tenant, the part of a page that shows it, and its id. Rows have numbers that only grow, so a reader
that knows the number it has seen asks for what came after it. Nothing is sent to readers, and no
reader has state here: a page that was away for a while asks once, however much has happened.

A `LedgerPosition` is such a number together with the ledger's generation. After a rebuild the
numbers start again and rows may look otherwise, so a position of another generation is worth
nothing: `changes_since` then returns None, and the reader fetches the whole. It also does so for
a position that is older than the rows that are kept.

A change says that something may be different, not what. A repeated record may be told as a change.
While the ledger catches up, one change with the id `MANY` stands for all of its tenant and part:
nobody reads thousands of ids, and writing them cost a fifth of the ledger's speed.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from services.ledger.changes import NO_TENANT, Change, Part
from services.ledger.ledger import Ledger
from services.ledger.store import CURRENT


class InvalidPosition(ValueError):
    """It is not written as a position is."""


class LedgerPosition(NamedTuple):
    """A state of the ledger. Written as `generation-seq`."""

    generation: str
    seq: int

    def __str__(self) -> str:
        return f"{self.generation}-{self.seq}"

    @classmethod
    def parse(cls, written: str) -> LedgerPosition:
        """Raises InvalidPosition."""
        found = _POSITION.fullmatch(written)
        if not found:
            raise InvalidPosition("A position of the ledger is written as two numbers: 17-2041")
        return cls(found[1], int(found[2]))


class Changes(NamedTuple):
    changes: tuple[Change, ...]
    """Each once, in the order of its latest change."""
    position: LedgerPosition
    """Ask from here the next time."""


_POSITION: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})", re.ASCII)


def position(ledger: Ledger) -> LedgerPosition:
    """Where the ledger stands. Read it before the rows of a page: then the page holds at least
    what had come by then."""
    row = ledger.rows(_POSITION_SQL)[0]
    return LedgerPosition(row["generation"] or "0", row["seq"] or 0)


_POSITION_SQL: Final = """SELECT (SELECT value FROM meta WHERE name = 'generation') AS generation,
    (SELECT max(seq) FROM changes) AS seq, (SELECT min(seq) FROM changes) AS oldest"""


def changes_since(
    ledger: Ledger, seen: LedgerPosition, tenants: Collection[str] | None = None
) -> Changes | None:
    """What changed after `seen`, for these tenants (None: all) and what belongs to no tenant.

    None: nobody knows any more, because the ledger was rebuilt or the position is too old.
    """
    row = ledger.rows(_POSITION_SQL)[0]
    now = LedgerPosition(row["generation"] or "0", row["seq"] or 0)
    oldest = row["oldest"] or 1
    if seen.generation != now.generation or not oldest - 1 <= seen.seq <= now.seq:
        return None
    if seen.seq == now.seq:
        return Changes((), now)
    rows = ledger.rows(_CHANGES_SQL, seen.seq, now.seq)
    wanted = None if tenants is None else {*tenants, NO_TENANT}
    found = (Change(row["tenant"], Part(row["part"]), row["id"]) for row in rows)
    return Changes(tuple(one for one in found if wanted is None or one.tenant in wanted), now)


_CHANGES_SQL: Final = """SELECT tenant, part, id FROM changes WHERE seq > ? AND seq <= ?
    GROUP BY tenant, part, id ORDER BY max(seq)"""


def freshness(ledger: Ledger, now: datetime) -> float | None:
    """How many seconds ago the ledger was known to hold everything that Kafka had. None: nobody
    has brought it up to date yet.

    The process that follows the topics notes it about once a second, also when nothing comes. It
    knows it from the fetches themselves: the broker answers each with the end of the partition.
    """
    rows = ledger.rows("SELECT value FROM meta WHERE name = ?", CURRENT)
    return max(now.timestamp() - int(rows[0]["value"]) / 1000, 0.0) if rows else None

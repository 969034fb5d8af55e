"""Which process reads which partitions, where several fill one ledger.

Every process that follows the topics holds a lock that many may hold. The server tells who holds
it: these share the partitions, in the order of their connections. A process that dies loses its
connection, and with it the lock; then the others take over what it read. Nobody has to agree on
anything: for as long as two see this differently, the compare-and-set of positions lets one of them
write (`store`)."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from services.ledger.postgres.connection import Sql
from services.ledger.projection import Partition


def lock_number(schema: str, purpose: str) -> int:
    """Of an advisory lock, which a database has by numbers."""
    digest = blake2b(f"sayso/{schema}/{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


class Shares:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._lock = lock_number(sql.location.schema, "follow")
        self._pid: int | None = None
        """Of our connection, while it is one of those that share."""
        self._members: list[int] = []

    def join(self) -> None:
        if self._pid is None:
            self._sql.execute("SELECT pg_advisory_lock_shared(?)", (self._lock,))
            self._pid = self._sql.value("SELECT pg_backend_pid()")

    @property
    def is_alone(self) -> bool:
        """Nobody else follows the topics, or this process is one that does."""
        return self._pid is not None or not self._list_members()

    def find(self, partitions: Sequence[Partition]) -> frozenset[Partition]:
        """What this process has to read. One that does not follow, such as a command, reads
        everything where nobody follows, and else nothing: it waits for those who do."""
        self._members = self._list_members()
        if self._pid is None:
            return frozenset() if self._members else frozenset(partitions)
        place, count = self._members.index(self._pid), len(self._members)
        return frozenset(one for at, one in enumerate(sorted(partitions)) if at % count == place)

    def note(self, at_ms: int) -> None:
        """By then this process had read its share to the end, as shares were found last."""
        self._sql.execute(_NOTE, (self._pid, _write(self._members), at_ms))

    def earliest(self) -> int | None:
        """Of what all have noted. None: they do not agree, or one has not noted anything yet."""
        members = self._list_members()
        rows = self._sql.execute(_NOTED, (_write(members),)).fetchall()
        noted = {row["pid"]: row["at_ms"] for row in rows}
        return (
            min(noted[pid] for pid in members) if members and noted.keys() >= {*members} else None
        )

    def _list_members(self) -> list[int]:
        high, low = (self._lock >> 32) & 0xFFFFFFFF, self._lock & 0xFFFFFFFF
        return [row["pid"] for row in self._sql.execute(_MEMBERS, (high, low)).fetchall()]


def _write(members: Sequence[int]) -> str:
    return " ".join(map(str, members))


_MEMBERS: Final = """SELECT pid::bigint AS pid FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND mode = 'ShareLock' AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid::bigint = ? AND objid::bigint = ? ORDER BY pid"""
_NOTE: Final = """INSERT INTO followers VALUES (?, ?, ?)
    ON CONFLICT (pid) DO UPDATE SET members = excluded.members, at_ms = excluded.at_ms"""
_NOTED: Final = "SELECT pid, at_ms FROM followers WHERE members = ?"

"""How far the topics are read, and whether they are still the topics that were read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from services.event_webhooks.store import Store
from services.ledger.projection import Partition, Record
from streams.partition.changelog import LastRecord, checksum_of


class Positions:
    """Each method is one step; callers put several into a transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[Partition, int] = {}
        """What this process, the only one that moves them, has written."""

    def all(self) -> dict[Partition, int]:
        found = self._store.rows("SELECT topic, part, next_off FROM positions")
        return {Partition(row["topic"], row["part"]): row["next_off"] for row in found}

    def last_records(self) -> dict[Partition, LastRecord]:
        found = self._store.rows("SELECT * FROM positions WHERE last_off IS NOT NULL")
        return {
            Partition(row["topic"], row["part"]): LastRecord(
                row["last_off"], row["last_ms"], row["last_sum"]
            )
            for row in found
        }

    def find_recreated(self, ids: Mapping[str, str]) -> set[str]:
        """Topics that have another id than the one that was read."""
        found = self._store.rows("SELECT name, id FROM topics")
        return {row["name"] for row in found if ids.get(row["name"], row["id"]) != row["id"]}

    def find_moved(self, reached: Mapping[Partition, int]) -> dict[Partition, int]:
        return {one: to for one, to in reached.items() if to > self._known.get(one, -1)}

    def reset(
        self,
        positions: Mapping[Partition, int],
        ids: Mapping[str, str],
        anew: Collection[str] = (),
    ) -> None:
        """Go there.  `anew`: topics of which nothing that is known holds any more."""
        for topic in anew:
            self._store.execute("DELETE FROM positions WHERE topic = ?", topic)
        for (topic, part), at in positions.items():
            self._store.execute(
                "INSERT INTO positions (topic, part, next_off) VALUES (?, ?, ?)"
                " ON CONFLICT (topic, part) DO UPDATE SET next_off = excluded.next_off",
                topic,
                part,
                at,
            )
        for name, identity in ids.items():
            self._store.execute("INSERT OR REPLACE INTO topics VALUES (?, ?)", name, identity)
        self._known = dict(positions)

    def move(self, moved: Mapping[Partition, int], records: Sequence[Record]) -> None:
        for (topic, part), to in moved.items():
            self._store.execute(
                "UPDATE positions SET next_off = ? WHERE topic = ? AND part = ?", to, topic, part
            )
        for (topic, part), last in {one.partition: one for one in records}.items():
            self._store.execute(
                "UPDATE positions SET last_off = ?, last_ms = ?, last_sum = ?"
                " WHERE topic = ? AND part = ?",
                last.offset,
                last.at_ms,
                checksum_of(last.key, last.value),
                topic,
                part,
            )
        self._known |= moved


def find_lost(
    known: Mapping[Partition, int], starts: Mapping[Partition, int], anew: Collection[str]
) -> set[str]:
    """Where retention has deleted what was not read, named as workers name a loss."""
    return {
        f"{one.topic}/{one.number}@{start}"
        for one, start in starts.items()
        if one.topic not in anew and one in known and known[one] < start
    }

"""However records come in - in any batches, some again, by several processes, with a crash
between any two writes - the file holds what one reader who took them one by one would have."""

from __future__ import annotations

import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.topics import Topic
from services.ledger.projection import Partition, Record
from services.ledger.store import Store
from services.ledger.tables import FACET_COLUMNS, TABLES
from tests.adapters.ledger_filler import apply_records, make_record
from tests.adapters.ledger_messages import TopicMessage, make_decision, make_outcome, make_request

facts = st.one_of(
    st.builds(make_request, st.sampled_from(["m1", "m2"])),
    st.builds(make_decision, st.sampled_from(["m1", "m2"]), seq=st.integers(1, 3)),
    st.builds(
        make_outcome,
        st.sampled_from(["m1", "m2"]),
        st.sampled_from(["held", "sent", "delivered"]),
        version=st.integers(1, 3),
    ),
)


def entries(told: Sequence[tuple[Topic[Any], Any]]) -> dict[Partition, list[Record]]:
    found: defaultdict[Partition, list[Record]] = defaultdict(list)
    for topic, message in told:
        place = Partition(topic.name, int(message.message_id[1:]))
        offset = 2 * len(found[place])  # every other one: markers and compaction leave gaps
        found[place].append(make_record(topic, offset, message, partition=place.number, at_ms=0))
    return found


def held(store: Store) -> dict[str, list[Any]]:
    """All rows of all tables. A facet stands for its values, since its number depends on which of
    them came first."""
    facets = {
        row["id"]: tuple(row[name] for name in FACET_COLUMNS)
        for row in store.rows("SELECT * FROM facets")
    }
    tables: dict[str, list[Any]] = {
        name: [dict(row) for row in store.rows(f"SELECT * FROM {name}")]
        for name in (*(table.name for table in TABLES), "positions", "unreadable")
    }
    for outcome in tables["outcomes"]:
        outcome["facet"] = facets[outcome["facet"]]
    counted = store.rows("SELECT * FROM facets WHERE count != 0")
    tables["facets"] = [(facets[row["id"]], row["count"]) for row in counted]
    return {name: sorted(rows, key=repr) for name, rows in tables.items()}


class Crash(Exception):
    """The process is gone."""


class Mortal:
    """A connection that writes so many times more."""

    def __init__(self, sql: sqlite3.Connection, left: int) -> None:
        self._sql, self._left = sql, left

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sql, name)

    def executemany(self, *given: Any) -> None:
        if self._left == 0:
            raise Crash
        self._left -= 1
        self._sql.executemany(*given)


def crashing(store: Store, batch: list[Record], writes: int) -> bool:
    """Whether it ended before it was done."""
    connection = store._connection
    store._connection = Mortal(connection, writes)  # type: ignore[assignment]
    try:
        apply_records(store, *batch)
    except Crash:
        return True
    finally:
        store._connection = connection
    return False


@settings(max_examples=30, deadline=None)
@given(st.lists(facts, min_size=1, max_size=14), st.data())
def test_the_file_is_the_same_however_it_was_filled(
    told: list[TopicMessage], data: st.DataObject
) -> None:
    topics = entries(told)
    with tempfile.TemporaryDirectory() as folder:
        plain, *several = (Store(Path(folder) / name) for name in ("once", "several", "several"))
        for records in topics.values():
            for entry in records:
                apply_records(plain, entry)
        done = dict.fromkeys(topics, 0)
        while batch := _some(topics, done, data):
            store = data.draw(st.sampled_from(several))
            before = held(store)
            if data.draw(st.booleans()):
                if crashing(store, batch, data.draw(st.integers(0, 4))):
                    assert held(store) == before
            else:
                apply_records(store, *batch)
            reached = several[0].positions()
            done = {
                place: sum(e.offset < reached.get(place, 0) for e in records)
                for place, records in topics.items()
            }
        assert held(several[1]) == held(plain)
        for store in (plain, *several):
            store.close()


def _some(
    topics: dict[Partition, list[Record]], done: dict[Partition, int], data: st.DataObject
) -> list[Record]:
    """What comes next on some of them, and before it some that was read already; nothing once
    all is done."""
    left = [place for place, records in topics.items() if done[place] < len(records)]
    found = []
    for place in (
        data.draw(st.lists(st.sampled_from(left), min_size=1, unique=True)) if left else ()
    ):
        back = data.draw(st.integers(0, done[place]))
        found += topics[place][back : data.draw(st.integers(done[place] + 1, len(topics[place])))]
    return found

"""A changelog that lost rows is noticed before anything is judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.partition import changelog
from streams.partition.changelog import POSITIONS, encode_positions
from tests.core.partition.test_standstill import OTHER, commit, feed, task
from tests.core.partition.test_task import THEN, entry
from tests.simulation.log import Log

ROW = changelog.pack_value(0, b"{}")


@pytest.mark.parametrize(
    ("items", "words"),
    [
        pytest.param(
            [(b"k\x00row", ROW)], "1 entries but no positions", id="rows without positions"
        ),
        pytest.param(
            [(POSITIONS, encode_positions({"t": 7}, 2, 3)), (b"k\x00row", ROW)],
            "1 entries where 2 were written",
            id="a row is missing",
        ),
        pytest.param(
            [(POSITIONS, encode_positions({"t": 7}, 1, 3))],
            "0 entries where 1",
            id="positions without rows",
        ),
    ],
)
def test_damage_has_a_name(items: list[tuple[bytes, bytes | None]], words: str) -> None:
    with pytest.raises(changelog.Damaged, match=words):
        changelog.collapse(items)


def test_the_last_value_of_a_key_holds_and_a_tombstone_deletes() -> None:
    state = changelog.collapse(
        [
            (b"a\x00row", ROW),
            (b"b\x00row", ROW),
            (b"a\x00row", None),
            (POSITIONS, encode_positions({"t": 7}, 1, 3)),
        ]
    )
    assert state == ({b"b\x00row": ROW}, {"t": 7}, 3, None, None, {}, {})


def test_what_is_known_of_the_input_topics_comes_back() -> None:
    known = {
        "t": changelog.InputTopic("0f" * 16, changelog.LastRecord(6, 1_700_000_000_000, 99)),
        "u": changelog.InputTopic(),
    }
    record = encode_positions({"t": 7}, 0, 3, inputs=known)
    assert changelog.collapse([(POSITIONS, record)]).inputs == known


def test_an_empty_changelog_is_a_new_partition() -> None:
    assert changelog.collapse([]) == ({}, {}, 0, None, None, {}, {})


@pytest.mark.parametrize("entity_key", ["acme/+14155550100", "odd\x00family", ""])
def test_keys_come_apart_as_they_were_put_together(entity_key: str) -> None:
    assert changelog.split_key(changelog.join_key(entity_key, "msg/1")) == (entity_key, "msg/1")


def test_no_last_record_is_kept_of_a_compacted_topic() -> None:
    """A newer record of its key may take it away: that says nothing of the log."""
    compacted = replace(OTHER, compacted=True)
    log, one = Log(1), task(topics=(THEN, compacted))
    for of in (THEN, compacted):
        entry(log, of, "word")
        feed(log, one, of)
    _, rows = commit(one)
    kept = changelog.collapse(rows).inputs
    assert set(kept) == {THEN.name}

"""What a page that stays up to date is told: changes since a position, and how old it is."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas import topics
from services.ledger import Ledger, LedgerError, changes, store
from services.ledger.change_feed import (
    InvalidPosition,
    LedgerPosition,
    changes_since,
    freshness,
    position,
)
from services.ledger.changes import Change, Part
from tests.adapters.ledger_filler import LedgerFiller, make_record
from tests.adapters.ledger_messages import ANA, make_history, make_outcome

THREAD = Change("acme", Part.THREAD, ANA)


@pytest.fixture
def filler(tmp_path: Path):
    filler = LedgerFiller(tmp_path / "ledger.sqlite")
    yield filler
    filler.ledger.close()


def test_a_batch_tells_each_thing_once_and_a_page_asks_from_where_it_stands(filler: LedgerFiller):
    before = position(filler.ledger)
    filler.apply(*(make_record(*one) for one in _at_offsets(*make_history("m1"))))
    found = changes_since(filler.ledger, before)
    assert found is not None
    assert sorted(found.changes) == sorted({Change("acme", Part.MESSAGE, "m1"), THREAD})
    assert found.position == position(filler.ledger)
    again = changes_since(filler.ledger, found.position)
    assert again is not None
    assert again.changes == ()


def test_a_change_is_told_to_its_tenant_only(filler: LedgerFiller):
    before = position(filler.ledger)
    for one in (*make_history("m1"), *make_history("m2", tenant="harbor")):
        filler.add(*one)
    filler.add(topics.SENDERS, {"sender": "72975"})
    found = changes_since(filler.ledger, before, {"harbor"})
    assert found is not None
    assert {one.tenant for one in found.changes} <= {"harbor", ""}
    assert Change("harbor", Part.MESSAGE, "m2") in found.changes
    everybody = changes_since(filler.ledger, before)
    assert everybody is not None
    assert Change("acme", Part.MESSAGE, "m1") in everybody.changes


def test_a_text_changes_its_conversation_its_person_and_its_case(filler: LedgerFiller):
    before = position(filler.ledger)
    filler.add(*make_outcome("m1", person_id="p1", case_id="c1"))
    found = changes_since(filler.ledger, before)
    assert found is not None
    assert set(found.changes) == {
        Change("acme", Part.MESSAGE, "m1"),
        THREAD,
        Change("acme", Part.PERSON, "p1"),
        Change("acme", Part.CASE, "c1"),
    }


def test_a_person_who_is_deleted_is_a_change(filler: LedgerFiller):
    before = position(filler.ledger)
    filler.apply(make_record(topics.PEOPLE, 1, None, b"acme/p1"))
    found = changes_since(filler.ledger, before)
    assert found is not None
    assert found.changes == (Change("acme", Part.PERSON, "p1"),)


def test_a_large_batch_tells_what_kinds_of_things_it_changed(
    filler: LedgerFiller, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(changes, "MOST_RECORDS", 3)
    before = position(filler.ledger)
    tombstone = make_record(topics.PEOPLE, 1, None, b"acme/p1")
    messages = [make_outcome(f"m{n}") for n in range(4)]
    filler.apply(tombstone, *(make_record(*one) for one in _at_offsets(*messages)))
    found = changes_since(filler.ledger, before)
    assert found is not None
    assert Change("acme", Part.MESSAGE, changes.MANY) in found.changes
    assert Change("acme", Part.PERSON, "p1") in found.changes
    assert len(found.changes) == 5


def test_nobody_knows_what_came_before_a_rebuild_or_long_ago(
    filler: LedgerFiller, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(store, "KEPT_CHANGES", 3)
    before = position(filler.ledger)
    for n in range(2):
        filler.add(*make_outcome(f"m{n}"))
    assert changes_since(filler.ledger, before) is None  # 4 changes, 3 kept
    seen = position(filler.ledger)
    ahead = seen._replace(seq=seen.seq + 1)
    assert changes_since(filler.ledger, ahead) is None
    filler.store.rebuild("cluster")
    assert changes_since(filler.ledger, seen) is None
    assert position(filler.ledger).generation != seen.generation


def test_a_file_that_was_deleted_and_made_again_is_another_generation(tmp_path: Path):
    generations = set()
    for _ in range(2):
        path = tmp_path / "ledger.sqlite"
        path.unlink(missing_ok=True)
        ledger = Ledger.open(path)
        generations.add(position(ledger).generation)
        ledger.close()
    assert len(generations) == 2


def test_a_position_is_read_as_it_is_written():
    at = LedgerPosition("17", 2041)
    assert LedgerPosition.parse(str(at)) == at
    for wrong in ("", "17", "17-", "-3", "a-1", "1-1-1", "1-1 ", f"1-{'9' * 40}"):
        with pytest.raises(InvalidPosition):
            LedgerPosition.parse(wrong)


def test_freshness_is_known_once_somebody_was_at_the_ends(filler: LedgerFiller):
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert freshness(filler.ledger, now) is None
    generation = filler.store.meta("generation")
    filler.store.note_current(round(now.timestamp() * 1000), generation)
    assert freshness(filler.ledger, now + timedelta(seconds=3)) == 3
    filler.store.note_current(round(now.timestamp() * 1000) - 9000, generation)
    filler.store.note_current(round(now.timestamp() * 1000) + 9000, "another")
    assert freshness(filler.ledger, now + timedelta(seconds=3)) == 3


# Readers of their own.


def test_readers_of_several_threads_see_what_is_written_and_change_nothing(filler: LedgerFiller):
    reader = Ledger.open_for_reading(filler.store.path)
    seen: list[int] = []

    def count() -> None:
        seen.append(reader.rows("SELECT count(*) AS n FROM outcomes")[0]["n"])

    filler.add(*make_outcome("m1"))
    filler.store._sql.execute("BEGIN IMMEDIATE")  # a writer at work
    threads = [threading.Thread(target=count) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    filler.store._sql.execute("ROLLBACK")
    assert seen == [1] * 4
    with pytest.raises(LedgerError):
        reader.rows("DELETE FROM outcomes")
    reader.close()


def test_a_snapshot_stays_as_it_is_while_the_ledger_goes_on(filler: LedgerFiller):
    reader = Ledger.open_for_reading(filler.store.path)
    with reader.snapshot():
        at = position(reader)
        filler.add(*make_outcome("m1"))
        assert position(reader) == at
    assert position(reader) != at
    reader.close()


def test_a_reader_says_what_is_missing(tmp_path: Path):
    with pytest.raises(LedgerError, match="There is no ledger"):
        Ledger.open_for_reading(tmp_path / "none.sqlite")
    filler = LedgerFiller(tmp_path / "ledger.sqlite")
    filler.store._sql.execute("UPDATE meta SET value = 'old' WHERE name = 'version'")
    with pytest.raises(LedgerError, match="another version"):
        Ledger.open_for_reading(tmp_path / "ledger.sqlite")
    filler.ledger.close()


def _at_offsets(*messages):
    return [(topic, offset, value) for offset, (topic, value) in enumerate(messages, 1)]

"""A full disk, a file that nobody may write, a page that rotted: one sentence, and nothing half
done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.topics import SEND_REQUESTS
from services.cli.app import run
from services.ledger.ledger import FILE, Ledger, LedgerError
from services.ledger.projection import ParsedRecord, Partition, parse
from services.ledger.store import Store
from services.ledger.usage import count_requested
from tests.adapters.ledger_filler import fill_ledger, make_record
from tests.adapters.ledger_messages import make_history, make_request

AT = Partition(SEND_REQUESTS.name, 0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / FILE)
    yield opened
    opened.close()


def batch(first: int, records: int) -> list[ParsedRecord]:
    found = []
    for offset in range(first, first + records):
        topic, message = make_request(f"m{offset}", body="x" * 3000)
        found.append(parse(make_record(topic, offset, message)))
    return found


def test_a_full_disk_rolls_back_and_writing_can_go_on(store: Store) -> None:
    generation, ledger = store.meta("generation"), Ledger(store)
    [(pages,)] = [tuple(row) for row in store.rows("PRAGMA page_count")]
    store.rows(f"PRAGMA max_page_count = {pages + 8}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        store.apply(batch(0, 100), {AT: 100}, generation)
    assert (store.positions(), count_requested(ledger)) == ({}, 0)
    store.rows("PRAGMA max_page_count = 1000000")
    assert store.apply(batch(0, 100), {AT: 100}, generation) == 100
    assert (store.positions(), count_requested(ledger)) == ({AT: 100}, 100)


def test_a_commit_that_fails_leaves_no_transaction_open(store: Store) -> None:
    """As it does where the disk fails just then: here, because a foreign key is only looked at
    in the end."""
    store.rows("PRAGMA foreign_keys = ON")
    store.rows(
        "CREATE TABLE whole (n INTEGER REFERENCES meta (name) DEFERRABLE INITIALLY DEFERRED)"
    )
    store.rows(
        "CREATE TRIGGER fails AFTER INSERT ON requests BEGIN INSERT INTO whole VALUES (1); END"
    )
    with pytest.raises(sqlite3.IntegrityError):
        store.apply(batch(0, 1), {AT: 1}, store.meta("generation"))
    store.rows("DROP TRIGGER fails")
    assert store.apply(batch(0, 1), {AT: 1}, store.meta("generation")) == 1


def test_a_page_that_rotted_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill_ledger(tmp_path, *[fact for i in range(300) for fact in make_history(f"m{i}")])
    file = tmp_path / FILE
    sqlite3.connect(file).execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    with file.open("r+b") as opened:
        opened.seek(8192)
        opened.write(b"\xff" * (file.stat().st_size - 8192))
    code = run(["usage", "--state", str(tmp_path)])
    said = capsys.readouterr().err.splitlines()[-1]
    assert code in (1, 2)
    assert "delete it, it is rebuilt" in said


def test_a_fault_of_ours_is_not_put_on_the_file(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        Ledger(store).rows("SELECT * FROM nowhere")


def test_a_folder_that_cannot_be_created_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match="cannot be created"):
        Ledger.open(tmp_path / "file" / FILE)

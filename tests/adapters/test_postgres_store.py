"""Several processes fill one ledger on PostgreSQL, and any of them may die."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.topics import DECISIONS, OUTCOMES, SEND_REQUESTS
from services.ledger import Ledger, LedgerError
from services.ledger.ledger import FILE
from services.ledger.location import PostgresLocation
from services.ledger.message_pages import MessageFilter, count_messages, read_messages
from services.ledger.projection import Partition, Record, parse
from services.ledger.unusable import LedgerRebuilt
from services.settings import SettingsError
from tests.adapters.ledger_filler import apply_records, make_record
from tests.adapters.ledger_messages import make_decision, make_outcome, make_request
from tests.adapters.ledger_reads import NOW, ask_everything
from tests.adapters.postgres_kills import SEED
from tests.adapters.test_postgres_answers import make_records
from tests.postgres_server import new_location


def house(message_id: str, offset: int) -> list[Record]:
    told = [
        make_request(message_id),
        make_decision(message_id, seq=1),
        make_outcome(message_id, "delivered", version=1),
    ]
    return [make_record(topic, offset, message) for topic, message in told]


def wait_until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.01)


def count_rows(ledger: Ledger) -> dict[str, int]:
    names = ("requests", "decisions", "outcomes", "outcome_history", "texts", "changes")
    return {name: ledger.rows(f"SELECT count(*) AS n FROM {name}")[0]["n"] for name in names}


def test_of_two_on_one_partition_the_second_writes_nothing(postgres: str) -> None:
    location = new_location(postgres)
    one, other = Ledger.open(location), Ledger.open(location)
    batch = [parse(record) for record in house("m1", 5)]
    reached = {each.record.partition: 6 for each in batch}
    generation = one._store.meta("generation")
    assert one._store.apply(batch, reached, generation, {}) == 3
    before = count_rows(one)
    with pytest.raises(LedgerRebuilt):
        other._store.apply(batch, reached, generation, {})
    later = [parse(record) for record in house("m2", 6)]
    beyond = dict.fromkeys(reached, 7)
    assert one._store.apply(later, beyond, generation, reached) == 3
    for known in (reached, {}):  # it has read from where the first one was
        with pytest.raises(LedgerRebuilt):
            other._store.apply(later, beyond, generation, known)
    after = count_rows(one)
    assert after == {name: 2 * n for name, n in before.items()}
    assert other.positions() == dict.fromkeys(reached, 7)
    # What it took back is not remembered either: it goes on from where the other one is.
    assert apply_records(other._store, *house("m3", 7)) == 3
    assert count_messages(one, MessageFilter(), NOW).number == 3
    one.close()
    other.close()


def test_partitions_are_shared_among_those_who_follow(postgres: str) -> None:
    location = new_location(postgres)
    partitions = [Partition(topic.name, n) for topic in (SEND_REQUESTS, OUTCOMES) for n in range(4)]
    first, second, command = (Ledger.open(location) for _ in range(3))
    assert command._store.share(partitions) == {*partitions}  # nobody else follows
    first.join()
    assert first._store.share(partitions) == {*partitions}
    second.join()
    shares = [one._store.share(partitions) for one in (first, second)]
    assert [len(share) for share in shares] == [4, 4]
    assert shares[0] | shares[1] == {*partitions}
    assert command._store.share(partitions) == frozenset()
    first.close()
    wait_until(lambda: second._store.share(partitions) == {*partitions})
    second.close()
    command.close()


def test_how_current_it_is_all_who_follow_have_to_say(postgres: str) -> None:
    location = new_location(postgres)
    first, second = (Ledger.open(location) for _ in range(2))
    generation = first._store.meta("generation")
    partitions = [Partition(DECISIONS.name, n) for n in range(2)]

    def note(ledger: Ledger, at_ms: int) -> str | None:
        ledger._store.note_share_current(at_ms, generation)
        return ledger._store.meta("current_ms")

    first.join()
    first._store.share(partitions)
    assert note(first, 1000) == "1000"
    second.join()
    assert note(first, 2000) == "1000"  # it does not know of the second yet
    for one in (first, second):
        one._store.share(partitions)
    assert note(first, 3000) == "1000"
    assert note(second, 2500) == "2500"
    first.close()  # of which the server hears in a moment
    wait_until(lambda: second._store.share(partitions) == {*partitions})
    assert note(second, 4000) == "4000"
    second.close()


def test_readers_see_the_old_one_until_the_new_one_is_complete(postgres: str) -> None:
    location = new_location(postgres)
    builder = Ledger.open(location)
    apply_records(builder._store, *house("m1", 1))
    reader = Ledger.open_for_reading(location)
    before = reader.rows("SELECT value FROM meta WHERE name = 'generation'")[0]["value"]
    store = builder._store
    assert store.may_rebuild()
    store.rebuild("cluster")
    assert builder.positions() == {}
    apply_records(store, *house("m2", 1), *house("m3", 2))
    with reader.snapshot():
        names = [row["message_id"] for row in reader.rows("SELECT message_id FROM outcomes")]
    assert names == ["m1"]
    store.finish_rebuild()
    with reader.snapshot():
        page = read_messages(reader, MessageFilter(), NOW)
        after = reader.rows("SELECT value FROM meta WHERE name = 'generation'")[0]["value"]
    assert sorted(item.message_id for item in page.rows) == ["m2", "m3"]
    assert int(after) > int(before)
    with pytest.raises(LedgerRebuilt):  # somebody who still writes to the old one
        store.apply([], {}, before)
    names = [
        row[0] for row in builder.rows("SELECT schema_name::text FROM information_schema.schemata")
    ]
    assert [name for name in names if name.startswith(location.schema)] == [location.schema]
    reader.close()
    builder.close()


@pytest.mark.long
def test_a_projector_that_is_killed_in_mid_batch_leaves_right_sums(
    postgres: str, tmp_path: Path
) -> None:
    location = new_location(postgres)
    command = [
        sys.executable,
        "-m",
        "tests.adapters.postgres_kills",
        postgres,
        location.schema,
        "5",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["5"]
    plain, database = Ledger.open(tmp_path / FILE), Ledger.open(location)
    apply_records(plain._store, *make_records(SEED))
    for table in ("outcomes", "decisions", "requests", "people", "person_index", "case_calendar"):
        sql = f"SELECT count(*) AS n FROM {table}"
        assert database.rows(sql)[0]["n"] == plain.rows(sql)[0]["n"], table
    sums = """SELECT sum(f.count) AS kept, (SELECT count(*) FROM outcomes) AS counted
        FROM facets f"""
    assert [*database.rows(sums)[0]] == [*plain.rows(sums)[0]]
    wrong = """SELECT f.id FROM facets f WHERE f.count <> (SELECT count(*) FROM outcomes o
        WHERE o.facet = f.id)"""
    assert database.rows(wrong) == []
    of_lists = "SELECT sum(count) AS n FROM person_tallies"
    assert database.rows(of_lists)[0]["n"] == plain.rows(of_lists)[0]["n"]
    counts = [dict(ask_everything(one, NOW)) for one in (plain, database)]
    for name in ("usage None", "verdicts None", "codes None", "segments None"):
        assert repr(counts[0][name]) == repr(counts[1][name])
    plain.close()
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(
            "postgresql://sayso:secret@127.0.0.1:1/none?connect_timeout=1", id="no server"
        ),
        pytest.param("postgresql://sayso:secret@no-such-host.invalid/none", id="no host"),
    ],
)
def test_a_server_that_is_not_there_is_named_without_its_password(url: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(LedgerError) as refused:
        Ledger.open(PostgresLocation(url))
    assert "/none" in str(refused.value)
    assert "secret" not in f"{refused.value} {PostgresLocation(url)!r}"


@pytest.mark.parametrize("url", ["mysql://host/db", "postgresql://host/db?schema=Bad-Name"])
def test_a_url_that_cannot_be_meant_is_refused(url: str) -> None:
    from services.ledger.location import read_location

    with pytest.raises(SettingsError, match="SAYSO_LEDGER_URL"):
        read_location(url)

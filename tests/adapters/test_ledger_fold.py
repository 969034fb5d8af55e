"""The ledger's file without Kafka: records in, rows and positions out."""

from __future__ import annotations

import itertools
import stat
from pathlib import Path

import orjson
import pytest

from schemas import topics
from services.ledger.explain import Ambiguous, Explained, Unknown, explain
from services.ledger.fold import LONGEST, Entry, Place, Read, read
from services.ledger.ledger import Ledger, LedgerError
from services.ledger.store import Store, Superseded
from services.ledger.usage import Filter, by_state, by_verdict, requested, usage

NOON = "2026-11-21T12:00:00Z"
NUMBER = "+14155550100"


def entry(
    topic: topics.Topic,
    offset: int,
    value: dict | bytes | None,
    key: bytes = b"k",
    partition: int = 0,
) -> Entry:
    raw = orjson.dumps(value) if isinstance(value, dict) else value
    return Entry(Place(topic.name, partition), offset, 1_700_000_000_000 + offset, key, raw)


def request(message_id: str = "m1", tenant: str = "acme", **more: object) -> dict:
    return {
        "message_id": message_id,
        "tenant": tenant,
        "to": NUMBER,
        "body": "hi",
        "kind": "direct",
        "requested_at": NOON,
    } | more


def decision(message_id: str = "m1", verdict: str = "send", seq: int = 1) -> dict:
    return {
        "message_id": message_id,
        "tenant": "acme",
        "to": NUMBER,
        "kind": "direct",
        "requested_at": NOON,
        "verdict": verdict,
        "decided_at": NOON,
        "policy_version": "p",
        "consent_epoch": 1,
        "seq": seq,
        "evidence": {"topic": "sms.send-requests", "partition": 0, "offset": 0},
    }


def outcome(message_id: str = "m1", state: str = "delivered", version: int = 1) -> dict:
    return {
        "message_id": message_id,
        "tenant": "acme",
        "kind": "direct",
        "requested_at": NOON,
        "state": state,
        "final": True,
        "version": version,
        "at": NOON,
    }


def usage_row(state: str = "delivered", messages: int = 3) -> dict:
    return {
        "tenant": "acme",
        "branch": "",
        "sender": "72976",
        "period": "2026-11-21",
        "kind": "direct",
        "state": state,
        "messages": messages,
        "segments": messages * 2,
        "final": True,
    }


class Shelf:
    """A store, and folding into it in the order of the records."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path)
        self.ledger = Ledger(self.store)

    def fold(self, *entries: Entry) -> int:
        reached = {one.place: one.offset + 1 for one in entries}
        return self.store.fold(
            [read(one) for one in entries], reached, self.store.meta("generation")
        )


@pytest.fixture
def shelf(tmp_path: Path):
    shelf = Shelf(tmp_path / "state" / "ledger.sqlite")
    yield shelf
    shelf.ledger.close()


def test_a_record_counts_once_whoever_folds_it(shelf: Shelf, tmp_path: Path):
    again = Shelf(tmp_path / "state" / "ledger.sqlite")
    records = [entry(topics.SEND_REQUESTS, at, request(f"m{at}")) for at in range(5)]
    assert shelf.fold(*records[:3]) == 3
    assert again.fold(*records) == 2
    assert shelf.fold(*records) == 0
    assert requested(shelf.ledger) == 5
    assert shelf.store.positions() == {Place("sms.send-requests", 0): 5}
    again.ledger.close()


@pytest.mark.parametrize("versions", list(itertools.product([1, 2], repeat=3)))
def test_a_batch_leaves_what_its_records_leave_one_by_one(
    versions: tuple[int, ...], tmp_path: Path
):
    records = [
        entry(topics.OUTCOMES, at, outcome(state=f"s{at}", version=each))
        for at, each in enumerate(versions)
    ]
    together, apart = Shelf(tmp_path / "together.sqlite"), Shelf(tmp_path / "apart.sqlite")
    together.fold(*records)
    for record in records:
        apart.fold(record)
    assert kept(together) == kept(apart)
    together.ledger.close()
    apart.ledger.close()


def kept(shelf: Shelf) -> list[tuple[object, ...]]:
    tables = ("outcomes", "outcome_history")
    return [tuple(row) for table in tables for row in shelf.ledger.rows(f"SELECT * FROM {table}")]


def test_rows_and_positions_stand_or_fall_together(shelf: Shelf):
    good = read(entry(topics.SEND_REQUESTS, 0, request()))
    place = good.entry.place
    with pytest.raises(OverflowError):
        shelf.store.fold([good], {place: 1 << 70}, shelf.store.meta("generation"))
    assert shelf.store.positions() == {}
    assert requested(shelf.ledger) == 0


def test_a_rebuild_elsewhere_stops_a_folder_that_has_not_seen_it(shelf: Shelf):
    generation = shelf.store.meta("generation")
    shelf.store.rebuild("another-cluster")
    with pytest.raises(Superseded):
        shelf.store.fold([read(entry(topics.SEND_REQUESTS, 7, request()))], {}, generation)


def test_only_its_owner_may_read_the_file(shelf: Shelf):
    shelf.fold(entry(topics.SEND_REQUESTS, 0, request()))
    assert {stat.S_IMODE(file.stat().st_mode) for file in shelf.store.path.parent.iterdir()} == {
        0o600
    }
    assert stat.S_IMODE(shelf.store.path.parent.stat().st_mode) == 0o700


def test_a_file_of_another_version_is_made_anew(tmp_path: Path):
    old = Shelf(tmp_path / "ledger.sqlite")
    old.fold(entry(topics.SEND_REQUESTS, 0, request()))
    old.store._sql.execute("UPDATE meta SET value = 'old' WHERE name = 'version'")
    old.ledger.close()
    new = Shelf(tmp_path / "ledger.sqlite")
    assert (requested(new.ledger), new.store.positions()) == (0, {})
    new.ledger.close()


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        pytest.param(topics.SEND_REQUESTS, b"not json", id="not JSON"),
        pytest.param(topics.SEND_REQUESTS, b"\xff\xfe", id="not UTF-8"),
        pytest.param(topics.SEND_REQUESTS, request(tenant="a/b"), id="a slash in an identity"),
        pytest.param(topics.SEND_REQUESTS, b'{"message_id": "\\ud800"}', id="a lone surrogate"),
        pytest.param(
            topics.OUTCOMES,
            orjson.dumps(outcome()).replace(b'"version":1', b'"version":' + b"9" * 30),
            id="a number beyond 64 bits",
        ),
        pytest.param(topics.USAGE_REPORT, b"[]", id="a list"),
    ],
)
def test_what_cannot_be_read_is_noted_and_the_next_is_folded(
    shelf: Shelf, topic: topics.Topic, value: object
):
    after = outcome("next") if topic is topics.OUTCOMES else request("next")
    other = topic if topic is not topics.USAGE_REPORT else topics.SEND_REQUESTS
    shelf.fold(entry(topic, 0, value), entry(other, 1, after))  # type: ignore[arg-type]
    noted = shelf.ledger.rows("SELECT topic, off, why FROM unreadable")
    assert [(row["topic"], row["off"]) for row in noted] == [(topic.name, 0)]
    assert noted[0]["why"]
    assert isinstance(explain(shelf.ledger, "next"), Explained)


def test_a_huge_value_is_kept_cut(shelf: Shelf):
    shelf.fold(entry(topics.SEND_REQUESTS, 0, request(body="x" * 1_000_000, unknown="y" * 100_000)))
    found = explain(shelf.ledger, "m1")
    assert isinstance(found, Explained)
    assert found.events[0].data["body"] == "x" * LONGEST


def test_a_tombstone_takes_the_latest_row_away_and_nothing_later(shelf: Shelf):
    key = b"acme//72976/2026-11-21/direct/delivered/"
    shelf.fold(
        entry(topics.USAGE_REPORT, 0, usage_row(), key), entry(topics.USAGE_REPORT, 1, None, key)
    )
    assert usage(shelf.ledger).rows == ()
    shelf.fold(
        entry(topics.USAGE_REPORT, 2, None, key), entry(topics.USAGE_REPORT, 3, usage_row(), key)
    )
    assert usage(shelf.ledger).messages == 3


def test_usage_counts_the_last_version_of_each_row(shelf: Shelf):
    shelf.fold(
        *(
            entry(topics.USAGE_REPORT, at, row)
            for at, row in enumerate(
                [
                    usage_row("sent", 5),
                    usage_row("sent", 0),
                    usage_row("delivered", 3),
                    usage_row("failed", 2),
                ]
            )
        ),
        *(entry(topics.SEND_REQUESTS, at, request(f"m{at}")) for at in range(4)),
        entry(topics.SEND_REQUESTS, 4, request("m1")),
        entry(topics.DECISIONS, 0, decision("own")),
    )
    found = usage(shelf.ledger)
    assert (found.messages, found.segments, found.requested) == (5, 10, 5)
    assert [row.state for row in usage(shelf.ledger, Filter(state="failed")).rows] == ["failed"]
    assert usage(shelf.ledger, Filter(tenant="nobody")).requested == 0


def test_the_last_outcome_and_the_last_decision_count(shelf: Shelf):
    shelf.fold(
        entry(topics.OUTCOMES, 0, outcome(state="sent", version=1)),
        entry(topics.OUTCOMES, 1, outcome(state="delivered", version=2)),
        entry(topics.OUTCOMES, 2, outcome(state="sent", version=1)),
        entry(topics.DECISIONS, 0, decision(verdict="hold", seq=1)),
        entry(topics.DECISIONS, 1, decision(verdict="send", seq=2)),
    )
    assert by_state(shelf.ledger) == {"delivered": 1}
    assert by_verdict(shelf.ledger) == {"send": 1}


def test_a_message_is_explained_in_the_order_of_its_life(shelf: Shelf):
    consent = {
        "tenant": "acme",
        "number": NUMBER,
        "event_id": "e",
        "action": "opt_in",
        "source": "form",
        "was": "unknown",
        "now": "opted_in",
        "applied": True,
        "reason": "first",
        "consent_epoch": 1,
        "claimed_at": NOON,
        "at": NOON,
    }
    receipt = {
        "message_id": "m1",
        "tenant": "acme",
        "attempt": 1,
        "provider_id": "SM1",
        "status": "delivered",
        "received_at": "2026-11-21T12:00:09Z",
    }
    attempt = {"message_id": "m1", "tenant": "acme", "attempt": 1, "sender": "72976", "at": NOON}
    shelf.fold(
        entry(topics.DELIVERY_RECEIPTS, 0, receipt),
        entry(topics.ATTEMPTS, 0, attempt | {"state": "sending"}),
        entry(topics.ATTEMPTS, 1, attempt | {"state": "accepted"}),
        entry(topics.OUTCOMES, 0, outcome() | {"at": "2026-11-21T12:00:09Z"}),
        entry(topics.DECISIONS, 0, decision()),
        entry(topics.SEND_REQUESTS, 0, request()),
        entry(topics.CONSENT_LOG, 0, consent),
    )
    found = explain(shelf.ledger, "m1")
    assert isinstance(found, Explained)
    assert [event.what for event in found.events] == [
        "request",
        "decision",
        "attempt",
        "attempt",
        "receipt",
        "outcome",
    ]
    assert [event.data["state"] for event in found.events if event.what == "attempt"] == [
        "sending",
        "accepted",
    ]
    assert found.outcome is not None
    assert found.outcome["state"] == "delivered"
    assert [event.data["now"] for event in found.consent] == ["opted_in"]


def test_an_id_that_several_tenants_use_needs_the_tenant(shelf: Shelf):
    shelf.fold(
        entry(topics.SEND_REQUESTS, 0, request()),
        entry(topics.SEND_REQUESTS, 1, request(tenant="beta")),
    )
    assert explain(shelf.ledger, "m1") == Ambiguous("m1", ("acme", "beta"))
    found = explain(shelf.ledger, "m1", "beta")
    assert isinstance(found, Explained)
    assert [event.data["tenant"] for event in found.events] == ["beta"]
    assert explain(shelf.ledger, "m1", "gamma") == Unknown("m1")


def test_there_is_no_ledger_to_read_before_something_ran(tmp_path: Path):
    with pytest.raises(LedgerError, match="sayso up"):
        Ledger.open(tmp_path / "ledger.sqlite", existing=True)


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path):
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database, sorry" * 100)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite cannot be used .*: delete it"):
        Ledger.open(tmp_path / "ledger.sqlite")


def test_every_public_topic_has_a_table():
    from services.ledger.tables import BY_TOPIC

    assert {name for name, tables in BY_TOPIC.items() if not tables} == set()
    assert Read(entry(topics.INBOUND, 0, None), None).why == ""

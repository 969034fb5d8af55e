"""The ledger's file without Kafka: records in, rows and positions out."""

from __future__ import annotations

import itertools
import stat
from pathlib import Path

import orjson
import pytest

from schemas import topics
from services.ledger.explain import AmbiguousMessage, Explanation, UnknownMessage, explain
from services.ledger.ledger import Ledger, LedgerError
from services.ledger.projection import MAX_STRING, ParsedRecord, Partition, parse
from services.ledger.store import LedgerRebuilt
from services.ledger.usage import (
    UsageFilter,
    count_by_state,
    count_by_verdict,
    count_requested,
    read_usage,
)
from tests.adapters.ledger_filler import LedgerFiller, make_record

NOON = "2026-11-21T12:00:00Z"
NUMBER = "+14155550100"


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


@pytest.fixture
def filler(tmp_path: Path):
    filler = LedgerFiller(tmp_path / "state" / "ledger.sqlite")
    yield filler
    filler.ledger.close()


def test_a_record_counts_once_whichever_process_applies_it(filler: LedgerFiller, tmp_path: Path):
    again = LedgerFiller(tmp_path / "state" / "ledger.sqlite")
    records = [make_record(topics.SEND_REQUESTS, at, request(f"m{at}")) for at in range(5)]
    assert filler.apply(*records[:3]) == 3
    assert again.apply(*records) == 2
    assert filler.apply(*records) == 0
    assert count_requested(filler.ledger) == 5
    assert filler.store.positions() == {Partition("sms.send-requests", 0): 5}
    again.ledger.close()


@pytest.mark.parametrize("versions", list(itertools.product([1, 2], repeat=3)))
def test_a_batch_leaves_what_its_records_leave_one_by_one(
    versions: tuple[int, ...], tmp_path: Path
):
    records = [
        make_record(topics.OUTCOMES, at, outcome(state=f"s{at}", version=each))
        for at, each in enumerate(versions)
    ]
    together, apart = (
        LedgerFiller(tmp_path / "together.sqlite"),
        LedgerFiller(tmp_path / "apart.sqlite"),
    )
    together.apply(*records)
    for record in records:
        apart.apply(record)
    assert kept(together) == kept(apart)
    together.ledger.close()
    apart.ledger.close()


def kept(filler: LedgerFiller) -> list[tuple[object, ...]]:
    tables = ("outcomes", "outcome_history")
    rows = [dict(row) for table in tables for row in filler.ledger.rows(f"SELECT * FROM {table}")]
    facets = filler.ledger.rows("SELECT state, count FROM facets WHERE count > 0")
    return [tuple((row | {"facet": None}).items()) for row in rows] + [tuple(one) for one in facets]


def test_rows_and_positions_are_committed_together(filler: LedgerFiller):
    good = parse(make_record(topics.SEND_REQUESTS, 0, request()))
    place = good.record.partition
    with pytest.raises(OverflowError):
        filler.store.apply([good], {place: 1 << 70}, filler.store.meta("generation"))
    assert filler.store.positions() == {}
    assert count_requested(filler.ledger) == 0


def test_a_process_notices_that_another_rebuilt_the_file(filler: LedgerFiller):
    generation = filler.store.meta("generation")
    filler.store.rebuild("another-cluster")
    with pytest.raises(LedgerRebuilt):
        filler.store.apply([parse(make_record(topics.SEND_REQUESTS, 7, request()))], {}, generation)


def test_only_its_owner_may_read_the_file(filler: LedgerFiller):
    filler.apply(make_record(topics.SEND_REQUESTS, 0, request()))
    assert {stat.S_IMODE(file.stat().st_mode) for file in filler.store.path.parent.iterdir()} == {
        0o600
    }
    assert stat.S_IMODE(filler.store.path.parent.stat().st_mode) == 0o700


def test_a_file_of_another_version_is_rebuilt(tmp_path: Path):
    old = LedgerFiller(tmp_path / "ledger.sqlite")
    old.apply(make_record(topics.SEND_REQUESTS, 0, request()))
    old.store._sql.execute("UPDATE meta SET value = 'old' WHERE name = 'version'")
    old.ledger.close()
    new = LedgerFiller(tmp_path / "ledger.sqlite")
    assert (count_requested(new.ledger), new.store.positions()) == (0, {})
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
def test_an_unreadable_record_is_noted_and_the_next_applied(
    filler: LedgerFiller, topic: topics.Topic, value: object
):
    after = outcome("next") if topic is topics.OUTCOMES else request("next")
    other = topic if topic is not topics.USAGE_REPORT else topics.SEND_REQUESTS
    filler.apply(make_record(topic, 0, value), make_record(other, 1, after))  # type: ignore[arg-type]
    noted = filler.ledger.rows("SELECT topic, off, why FROM unreadable")
    assert [(row["topic"], row["off"]) for row in noted] == [(topic.name, 0)]
    assert noted[0]["why"]
    assert isinstance(explain(filler.ledger, "next"), Explanation)


def test_a_huge_value_is_kept_cut(filler: LedgerFiller):
    filler.apply(
        make_record(topics.SEND_REQUESTS, 0, request(body="x" * 1_000_000, unknown="y" * 100_000))
    )
    found = explain(filler.ledger, "m1")
    assert isinstance(found, Explanation)
    assert found.events[0].data["body"] == "x" * MAX_STRING


def test_a_tombstone_takes_the_latest_row_away_and_nothing_later(filler: LedgerFiller):
    key = b"acme//72976/2026-11-21/direct/delivered/"
    filler.apply(
        make_record(topics.USAGE_REPORT, 0, usage_row(), key),
        make_record(topics.USAGE_REPORT, 1, None, key),
    )
    assert read_usage(filler.ledger).rows == ()
    filler.apply(
        make_record(topics.USAGE_REPORT, 2, None, key),
        make_record(topics.USAGE_REPORT, 3, usage_row(), key),
    )
    assert read_usage(filler.ledger).messages == 3


def test_usage_counts_the_last_version_of_each_row(filler: LedgerFiller):
    filler.apply(
        *(
            make_record(topics.USAGE_REPORT, at, row)
            for at, row in enumerate(
                [
                    usage_row("sent", 5),
                    usage_row("sent", 0),
                    usage_row("delivered", 3),
                    usage_row("failed", 2),
                ]
            )
        ),
        *(make_record(topics.SEND_REQUESTS, at, request(f"m{at}")) for at in range(4)),
        make_record(topics.SEND_REQUESTS, 4, request("m1")),
        make_record(topics.DECISIONS, 0, decision("own")),
    )
    found = read_usage(filler.ledger)
    assert (found.messages, found.segments, found.requested) == (5, 10, 5)
    assert [row.state for row in read_usage(filler.ledger, UsageFilter(state="failed")).rows] == [
        "failed"
    ]
    assert read_usage(filler.ledger, UsageFilter(tenant="nobody")).requested == 0


def test_the_last_outcome_and_the_last_decision_count(filler: LedgerFiller):
    filler.apply(
        make_record(topics.OUTCOMES, 0, outcome(state="sent", version=1)),
        make_record(topics.OUTCOMES, 1, outcome(state="delivered", version=2)),
        make_record(topics.OUTCOMES, 2, outcome(state="sent", version=1)),
        make_record(topics.DECISIONS, 0, decision(verdict="hold", seq=1)),
        make_record(topics.DECISIONS, 1, decision(verdict="send", seq=2)),
    )
    assert count_by_state(filler.ledger) == {"delivered": 1}
    assert count_by_verdict(filler.ledger) == {"send": 1}


def test_a_message_is_explained_in_the_order_of_its_life(filler: LedgerFiller):
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
    filler.apply(
        make_record(topics.DELIVERY_RECEIPTS, 0, receipt),
        make_record(topics.ATTEMPTS, 0, attempt | {"state": "sending"}),
        make_record(topics.ATTEMPTS, 1, attempt | {"state": "accepted"}),
        make_record(topics.OUTCOMES, 0, outcome() | {"at": "2026-11-21T12:00:09Z"}),
        make_record(topics.DECISIONS, 0, decision()),
        make_record(topics.SEND_REQUESTS, 0, request()),
        make_record(topics.CONSENT_LOG, 0, consent),
    )
    found = explain(filler.ledger, "m1")
    assert isinstance(found, Explanation)
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


def test_an_id_that_several_tenants_use_needs_the_tenant(filler: LedgerFiller):
    filler.apply(
        make_record(topics.SEND_REQUESTS, 0, request()),
        make_record(topics.SEND_REQUESTS, 1, request(tenant="beta")),
    )
    assert explain(filler.ledger, "m1") == AmbiguousMessage("m1", ("acme", "beta"))
    found = explain(filler.ledger, "m1", "beta")
    assert isinstance(found, Explanation)
    assert [event.data["tenant"] for event in found.events] == ["beta"]
    assert explain(filler.ledger, "m1", "gamma") == UnknownMessage("m1")


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
    assert ParsedRecord(make_record(topics.INBOUND, 0, None), None).error == ""

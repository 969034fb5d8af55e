"""What waits, by cause; what of it is stuck."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from schemas import topics
from services.cli.waiting import format_seconds
from services.ledger.waiting import ABOUT, Waiting, list_waiting
from streams.rule_names import HOLDS, RuleName
from tests.adapters.ledger_filler import NOON, LedgerFiller


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class WaitingFiller(LedgerFiller):
    def message(
        self,
        name: str,
        state: str,
        rule: str = "",
        until: datetime | None = None,
        at: datetime = NOON,
        sender: str = "24365",
        segments: int = 1,
        code: str | None = None,
    ) -> None:
        common = {"message_id": name, "tenant": "acme", "kind": "direct", "requested_at": iso(at)}
        found = [{"rule": rule, "verdict": "hold", "reason": "r"}] if rule else []
        self.add(
            topics.DECISIONS,
            common
            | {
                "verdict": "hold" if rule else "send",
                "findings": found,
                "decided_at": iso(at),
                "policy_version": "p",
                "consent_epoch": 1,
                "seq": 1,
                "evidence": {"topic": "t", "partition": 0, "offset": 0},
                **({"until": iso(until)} if until else {}),
            },
        )
        self.add(
            topics.OUTCOMES,
            common
            | {
                "state": state,
                "final": False,
                "version": 1,
                "at": iso(at),
                "sender": sender,
                "segments": segments,
                "error_code": code,
            },
        )

    def found(self, now: datetime = NOON) -> dict[str, Waiting]:
        return {line.cause: line for line in list_waiting(self.ledger, "acme", now.timestamp())}


@pytest.fixture
def books(tmp_path: Path) -> WaitingFiller:
    made = WaitingFiller(tmp_path / "ledger.sqlite")
    made.add(topics.SENDERS, {"sender": "24365", "kind": "short_code", "pace": 2, "owner": "acme"})
    return made


@pytest.mark.parametrize(
    ("state", "rule", "cause"),
    [
        ("held", "not_opted_in", "consent"),
        ("held", "awaiting_approval", "approval"),
        ("held", "no_number", "number"),
        ("held", "quiet_hours", "hours"),
        ("held", "not_before", "scheduled"),
        ("queued", "", "pace"),
        ("sending", "", "under way"),
        ("deferred", "", "provider"),
        ("in_doubt", "", "in doubt"),
    ],
)
def test_cause(books: WaitingFiller, state: str, rule: str, cause: str) -> None:
    books.message("m1", state, rule)
    line = books.found()[cause]
    assert (line.messages, line.oldest, line.stuck) == (1, "m1", 0)


def test_what_is_out_or_done_with_does_not_wait(books: WaitingFiller) -> None:
    books.message("m1", "delivered")
    books.message("m2", "rejected", "opted_out")
    assert books.found() == {}


def test_a_queue_drains_at_the_senders_pace_and_names_the_oldest(books: WaitingFiller) -> None:
    books.message("young", "queued", at=NOON, segments=3)
    books.message("old", "queued", at=NOON - timedelta(minutes=1), segments=5)
    line = books.found()["pace"]
    assert (line.segments, line.drain, line.oldest, line.since) == (
        8,
        4.0,
        "old",
        NOON - timedelta(minutes=1),
    )


def test_a_paused_sender_is_a_cause_of_its_own_and_no_alarm(books: WaitingFiller) -> None:
    books.add(topics.SENDER_STATUS, {"sender": "24365", "state": "paused", "at": iso(NOON)})
    books.message("m1", "queued")
    line = books.found(NOON + timedelta(hours=5))["paused"]
    assert (line.messages, line.stuck, line.drain) == (1, 0, None)


@pytest.mark.parametrize(
    ("state", "rule", "until", "late", "stuck"),
    [
        pytest.param(
            "held", "not_opted_in", None, timedelta(days=20), 0, id="consent may take its time"
        ),
        pytest.param(
            "held", "quiet_hours", NOON, timedelta(seconds=30), 0, id="the morning has just come"
        ),
        pytest.param(
            "held",
            "quiet_hours",
            NOON,
            timedelta(minutes=6),
            1,
            id="the morning came and nothing happened",
        ),
        pytest.param("sending", "", None, timedelta(minutes=2), 1, id="no call takes that long"),
        pytest.param(
            "in_doubt", "", None, timedelta(minutes=10), 0, id="a doubt is being cleared up"
        ),
        pytest.param("in_doubt", "", None, timedelta(minutes=30), 1, id="a doubt needs a person"),
        pytest.param("deferred", "", None, timedelta(minutes=6), 1, id="the provider is down"),
        pytest.param("queued", "", None, timedelta(minutes=4), 0, id="its turn may come"),
        pytest.param("queued", "", None, timedelta(minutes=6), 1, id="its turn is long past"),
    ],
)
def test_stuck(
    books: WaitingFiller, state: str, rule: str, until: datetime | None, late: timedelta, stuck: int
) -> None:
    books.message("m1", state, rule, until)
    assert [line.stuck for line in books.found(NOON + late).values()] == [stuck]


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, ""), (5, "5 s"), (150, "2 min"), (9000, "2 h"), (3e5, "3 d")]
)
def test_spell(seconds: float | None, words: str) -> None:
    assert format_seconds(seconds) == words


@pytest.mark.parametrize("rule", HOLDS)
def test_each_rule_waits_for_what_it_declares(rule: RuleName, books: WaitingFiller) -> None:
    books.message("m1", "held", rule.value)
    cause = HOLDS[rule].holds_for
    assert list(books.found()) == [cause]
    assert cause in ABOUT


def test_the_provider_s_own_code_is_named(books: WaitingFiller) -> None:
    """Of a text that it did not take, and of those behind it in a queue that rests for it."""
    books.message("m1", "deferred", code="20003")
    books.message("m2", "queued")
    books.add(
        topics.SENDER_STATUS,
        {
            "sender": "24365",
            "state": "resting",
            "last_error": {"code": "20003", "at": iso(NOON)},
            "at": iso(NOON),
        },
    )
    found = books.found()
    for cause in ("provider", "pace"):
        assert found[cause].code == "20003"
        assert "20003: The provider does not accept our password" in found[cause].because

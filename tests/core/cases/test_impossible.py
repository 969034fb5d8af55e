"""Changes that no case can follow: each becomes a dead letter with the reason, and the partition
goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.dead_letter import DeadLetter
from schemas.person import PersonRequest
from schemas.topics import CASES
from streams.cases import view_size
from tests.core.cases.world import ANA, ANAS, DAY, NOW, CaseHarness, build_case, change
from tests.core.cases.world import utc as at_utc

TO_CLIENTS: dict[str, Any] = {"task_id": "t", "audience": {"roles": ["client"]}}


def launched() -> CaseHarness:
    case = build_case()
    case.open()
    case.add(ANA, ANAS)
    case.do("launched")
    return case


@pytest.mark.parametrize(
    "at", [datetime(1, 1, 1, tzinfo=UTC), at_utc("1989-12-31T00:00"), NOW + 2 * DAY, datetime.max]
)
@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("launched", {}),
        ("task_scheduled", {**TO_CLIENTS, "body": "Hello."}),
        ("task_scheduled", {**TO_CLIENTS, "body": "Hello.", "when": {"offset": "1 day after"}}),
        ("party_added", {"person_id": ANA, "role": "client"}),
        ("case_closed", {}),
    ],
)
def test_a_change_of_an_impossible_time_is_refused(
    kind: str, fields: dict[str, Any], at: datetime
) -> None:
    """One from far ahead would hold against all that is ever said after it."""
    case = build_case()
    case.open()
    case.do("task_scheduled", **TO_CLIENTS, body="Bye.", when={"offset": "2 days after"})
    case.feed(change(kind, at=at.replace(tzinfo=UTC), **fields))
    (letter,) = case.take(DeadLetter)
    assert (letter.cause, letter.topic) == ("invalid", "sms.case-events")
    case.add(ANA, ANAS)
    case.do("launched")
    case.run_until(NOW + 3 * DAY)
    assert [one.body for one in case.take(PersonRequest)] == ["Bye."]


def test_a_clock_that_is_a_little_ahead_is_taken() -> None:
    case = launched()
    case.do("task_scheduled", **TO_CLIENTS, body="Hello.", at=NOW + DAY / 2)
    assert [case.take(DeadLetter), case.take(PersonRequest)] == [[], []]
    assert [one.body for one in case.requests_until("2026-10-02T12:00")] == ["Hello."]


def test_a_long_number_is_refused() -> None:
    """People would refuse the request, and nobody would be told."""
    case = build_case()
    case.do("party_added", person_id=ANA, role="client", number="1" * 5000)
    (letter,) = case.take(DeadLetter)
    assert letter.cause == "too_large"


def test_a_long_name_of_whoever_schedules_is_cut() -> None:
    """People takes no request with a file in a field, and an entry must stay small."""
    case = launched()
    case.do("task_scheduled", **TO_CLIENTS, body="Hello.", by="x" * 20_000)
    (request,) = case.take(PersonRequest)
    assert len(request.requested_by) == 200
    case.do("task_changed", task_id="t", body="\u0001" * 3_900)
    many = [f"{number:03}-{'p' * 110}" for number in range(190)]
    case.do("task_changed", task_id="t", audience={"roles": [], "person_ids": many})
    assert max(map(len, case.state.raw.values())) < 60_000


@pytest.mark.parametrize(
    ("most", "parties", "tasks"),
    [(30_000, 41, 12), (20_000, 41, 12), (12_000, 25, 12), (6_000, 0, 10)],
)
def test_a_case_that_is_too_large_for_one_record_is_published_in_part(
    most: int, parties: int, tasks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that the broker refuses would end the worker with each try."""
    case = launched()
    for number in range(40):
        case.add(f"p{number:02}", f"+121255503{number:02}")
    monkeypatch.setattr(view_size, "LARGEST", most)
    for number in range(12):
        case.do("task_scheduled", **{**TO_CLIENTS, "task_id": f"t{number}"}, body="x" * 900)
    assert len(CASES.encode(case.case)) <= most
    shown = len(case.case.parties), len(case.case.tasks)
    assert (*shown, case.case.is_cut) == (parties, tasks, most < 30_000)
    assert len({one.person_id for one in case.take(PersonRequest)}) == 41


def test_tasks_alone_may_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_size, "LARGEST", 3_000)
    case = build_case()
    many = [f"{number:03}-{'p' * 110}" for number in range(50)]
    case.do("task_scheduled", task_id="t", body="Hello.", audience={"person_ids": many})
    assert (case.case.tasks, case.case.is_cut) == ((), True)

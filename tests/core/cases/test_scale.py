"""A case with 10,000 parties: everything is done once, in steps of some hundred."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest

from schemas.base import Message
from schemas.case import Case, CaseLink, CaseNumber
from schemas.consent import ConsentEvent
from streams.cases.processor import cases, cases_finish, cases_on_timer
from streams.processing import InputRecord, StateStore, StepResult
from streams.state_entry import dump
from tests.core.cases.world import MINUTE, NOW, NY, change, person_record, settings

PARTIES = 10_000
IN_A_BATCH = 300
MOST_OF_A_STEP = 3 * IN_A_BATCH
SETTINGS = settings()


class Batches:
    """Feeds many records a batch, as the runtime does: the harness has one each."""

    def __init__(self) -> None:
        self.state = StateStore("acme/c1")
        self.timers: dict[str, datetime] = {}
        self.published: list[Message] = []
        self.now = NOW
        self.largest = 0

    def feed(self, values: Iterable[Any], due: Iterable[str] = ()) -> None:
        changed: set[str] = set()
        for value in values:
            record = InputRecord(value, "sms.case-events", 0, 0, 0)
            changed |= self._apply(cases(self.state, record, self.now, SETTINGS))
        for name in due:
            changed |= self._apply(cases_on_timer(self.state, name, self.now, SETTINGS))
        if self.state.pending is not None:
            last = cases_finish(self.state, self.now, SETTINGS)
            self.state.pending = None
            changed |= self._apply(last)
        for name in changed & self.state.raw.keys():
            self.state.raw[name] = dump(self.state.raw[name])

    def feed_all(self, values: list[Any]) -> None:
        for start in range(0, len(values), IN_A_BATCH):
            self.feed(values[start : start + IN_A_BATCH])

    def run_until(self, moment: datetime) -> None:
        while due := [name for name, at in self.timers.items() if at <= moment]:
            self.now = max(self.now, min(self.timers[name] for name in due))
            due = [name for name in due if self.timers[name] <= self.now]
            for name in due:
                del self.timers[name]
            self.feed((), due)
        self.now = moment

    def take(self, kind: type[Message]) -> list[Any]:
        found = [one for one in self.published if isinstance(one, kind)]
        self.published = [one for one in self.published if not isinstance(one, kind)]
        return found

    def _apply(self, step: StepResult) -> set[str]:
        self.largest = max(self.largest, len(step.publish))
        self.published += [value for _, value in step.publish]
        for name, entry in step.state.items():
            if entry is None:
                self.state.raw.pop(name, None)
                self.timers.pop(name, None)
            else:
                self.state.raw[name] = entry
        for name, at in step.timers.items():
            self.timers.pop(name, None)
            if at is not None and name in self.state.raw:
                self.timers[name] = at
        return set(step.state)


def test_a_launch_of_ten_thousand_parties() -> None:
    """One opt-in request a number, and no step that holds up timers and other cases."""
    case = Batches()
    opened = change("case_opened", title="In re Everybody", time_zone=NY)
    task = {"body": "Hi", "audience": {"roles": ["client"]}, "when": {"offset": "9 days after"}}
    case.feed([opened, change("task_scheduled", task_id="t", **task)])
    people = [f"p{number:05}" for number in range(PARTIES)]
    case.feed_all([change("party_added", person_id=one, role="client") for one in people])
    assert len(case.take(CaseLink)) == PARTIES
    numbers = [f"+1212{5_550_000 + number // 2}" for number in range(PARTIES)]  # two share each
    case.feed_all([person_record(*one) for one in zip(people, numbers, strict=True)])
    assert len(case.take(CaseNumber)) == PARTIES
    case.largest = 0

    case.feed([change("launched", at=case.now)])
    first = len([one for one in case.published if isinstance(one, ConsentEvent)])
    assert 0 < first < MOST_OF_A_STEP
    case.run_until(case.now + MINUTE)
    asked = [one.number for one in case.take(ConsentEvent)]
    assert sorted(asked) == sorted(set(numbers))
    assert case.largest < MOST_OF_A_STEP
    views = case.take(Case)
    assert len(views[-1].parties) == PARTIES
    assert len(views) < PARTIES / IN_A_BATCH  # not with every batch

    case.feed([change("launched", at=NOW)])
    case.run_until(case.now + MINUTE)
    assert case.take(ConsentEvent) == []


@pytest.mark.parametrize(("body", "parties"), [(4000, 10), (10, 400)])
def test_a_case_is_never_larger_than_a_record(
    body: int, parties: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.cases.view_size.LARGEST", 50_000)
    case = Batches()
    case.feed([change("party_added", person_id=f"p{n}", role="client") for n in range(parties)])
    task = {"body": "x" * body, "audience": {"roles": ["client"]}}
    case.feed([change("task_scheduled", task_id=f"t{n}", **task) for n in range(20)])
    view = case.take(Case)[-1]
    assert view.is_cut
    assert len(view.model_dump_json()) <= 50_000
    assert len(view.tasks) == 20
    assert len(view.parties) > parties / 4

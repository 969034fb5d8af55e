"""Dispatch tells the inbox what leaves, before the call, and what was not taken."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.send_request import SystemKind
from schemas.sender import Sender, SenderKind
from schemas.topics import CONTACTS
from streams.dispatch import dispatch, dispatch_on_timer
from streams.dispatch.provider_calls import Result
from streams.processing import build_settings
from tests.core.dispatch.texts import (
    ANA,
    CODE,
    PAUSE,
    RESUME,
    answer_lookups,
    cancel,
    order,
    processor,
    reply,
)
from tests.core.harness import START, ProcessorHarness, on_topic


def shared() -> ProcessorHarness:
    sender = Sender(sender=CODE, kind=SenderKind.SHORT_CODE, pace=100.0, shared_by=("acme", "bolt"))
    return ProcessorHarness(dispatch, dispatch_on_timer, CODE, build_settings({}, {CODE: sender}))


def told(harness: ProcessorHarness) -> list[tuple[str, bool, bool | None]]:
    return [(one.tenant, one.asked, one.untaken) for one in harness.published_on(CONTACTS)]


def request(message_id: str = "m1", **changes: Any) -> Any:
    return order(message_id, kind=SystemKind.CONSENT_ASK, **changes)


def test_a_text_of_a_shared_sender_is_told_in_the_step_of_its_call() -> None:
    harness = shared()
    step = harness.feed(order(tenant="bolt"))
    (contact,) = on_topic(CONTACTS, list(step.publish))
    assert len(step.calls) == 1
    assert (contact.sender, contact.number, contact.tenant, contact.at) == (
        CODE,
        ANA,
        "bolt",
        START,
    )
    assert (contact.asked, contact.queued, contact.untaken) == (False, None, None)
    reply(harness, Result.ACCEPTED, provider_id="SM1")
    assert len(told(harness)) == 1


def test_of_a_sender_of_one_tenant_only_opt_in_requests_are_told() -> None:
    harness = processor()
    harness.feed(order())
    harness.feed(request("m2"))
    assert told(harness) == [("acme", True, None)]


def test_nothing_is_told_while_it_waits() -> None:
    harness = shared()
    harness.feed(PAUSE)
    harness.feed(request())
    harness.wait(60)
    assert told(harness) == []
    harness.feed(RESUME)
    harness.wait(1)
    assert told(harness) == [("acme", True, None)]


@pytest.mark.parametrize(
    ("result", "again"),
    [(Result.REFUSED, False), (Result.LIMITED, True), (Result.UNSENT, True)],
)
def test_what_was_not_taken_is_taken_back(result: Result, again: bool) -> None:
    harness = shared()
    harness.feed(request())
    reply(harness, result)
    harness.wait(5)
    first, back, *more = harness.published_on(CONTACTS)
    assert (back.at, back.asked, back.untaken) == (first.at, True, True)
    assert [one.untaken for one in more] == ([None] if again else [])
    assert all(one.at > first.at for one in more), "each call is told with its own time"


def test_what_is_in_doubt_may_have_arrived_until_its_absence_is_proven() -> None:
    harness = shared()
    harness.feed(request())
    reply(harness, Result.IN_DOUBT)
    harness.wait(21)
    answer_lookups(harness)
    assert told(harness) == [("acme", True, None)]
    harness.wait(61)
    answer_lookups(harness)
    assert told(harness) == [("acme", True, None), ("acme", True, True)]


def test_what_a_crash_cut_off_may_have_arrived() -> None:
    harness = shared()
    harness.feed(request())
    harness.crash()
    assert told(harness) == [("acme", True, None)]


def test_what_is_canceled_in_the_queue_is_not_told() -> None:
    harness = shared()
    harness.feed(PAUSE)
    harness.feed(request())
    harness.feed(cancel())
    harness.feed(RESUME)
    harness.wait(5)
    assert told(harness) == []

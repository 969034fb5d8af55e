"""A Recall: what is queued returns to the gate.  Nothing is canceled, and nothing goes twice."""

from __future__ import annotations

import pytest

from schemas.controls import Recall
from schemas.send import Send
from schemas.topics import RETURNED
from streams.dispatch.provider_calls import Result
from tests.core.dispatch.texts import (
    ANA,
    BEN,
    CODE,
    PAUSE,
    RESUME,
    calls_made,
    order,
    processor,
    reply,
    states,
    stop,
)
from tests.core.harness import START, ProcessorHarness


def recall(epoch: int = 2, number: str = ANA, tenant: str = "acme") -> Recall:
    return Recall(sender=CODE, number=number, tenant=tenant, consent_epoch=epoch, at=START)


def returned(harness: ProcessorHarness) -> list[tuple[str, str]]:
    return [(one.order.message_id, one.code) for one in harness.published_on(RETURNED)]


CASES = [
    pytest.param(recall(2), order(), True, id="decided under a lower epoch"),
    pytest.param(recall(1), order(), False, id="decided under the same epoch"),
    pytest.param(recall(2), order(consent_epoch=2), False, id="written by hand since"),
    pytest.param(recall(2), order(to=BEN), False, id="another number"),
    pytest.param(recall(2), order(tenant="other"), False, id="another tenant"),
    pytest.param(recall(2, "+1 (415) 555-0101"), order(), True, id="written with blanks"),
]


@pytest.mark.parametrize(("control", "given", "recalled"), CASES)
@pytest.mark.parametrize("queued_first", [True, False])
def test_an_order_returns_whichever_comes_first(
    control: Recall, given: Send, recalled: bool, queued_first: bool
) -> None:
    harness = processor()
    harness.feed(PAUSE)
    for record in (given, control) if queued_first else (control, given):
        harness.feed(record)
    harness.feed(RESUME)
    harness.wait(60)
    end = "0 expired recalled" if recalled else "1 sending"
    assert states(harness) == ["0 queued", end]
    assert returned(harness) == ([("m1", "recalled")] if recalled else [])


@pytest.mark.parametrize("result", [Result.LIMITED, Result.UNSENT])
def test_a_call_that_took_nothing_is_not_repeated(result: Result) -> None:
    harness = processor()
    harness.feed(order())
    harness.feed(recall())
    assert harness.cancelled == {("acme", "m1", 1)}
    reply(harness, result)
    harness.wait(600)
    assert calls_made(harness) == ["m1#1"]
    assert returned(harness) == [("m1", "recalled")]


def test_what_the_provider_took_by_then_is_out() -> None:
    harness = processor()
    harness.feed(order())
    harness.feed(recall())
    reply(harness, Result.ACCEPTED)
    assert returned(harness) == []
    assert states(harness)[-1] == "1 accepted"


def test_it_is_sent_once_when_the_gate_gives_it_again() -> None:
    harness = processor()
    harness.feed(PAUSE)
    harness.feed(order())
    harness.feed(recall())
    harness.feed(RESUME)
    harness.wait(5)
    again = order(consent_epoch=2, issued_at=harness.now)
    harness.feed(again)
    harness.feed(again)
    assert calls_made(harness) == ["m1#1"]


def test_a_stop_outweighs_it() -> None:
    harness = processor()
    harness.feed(recall(2))
    harness.feed(stop(3))
    harness.feed(order())
    assert states(harness) == ["0 canceled stopped"]
    assert returned(harness) == []


def test_the_next_owner_obeys_it_and_it_is_forgotten_in_the_end() -> None:
    harness = processor()
    harness.feed(recall())
    harness.crash()
    harness.wait(47 * 3600)
    harness.feed(order())
    assert returned(harness) == [("m1", "recalled")]
    harness.wait(150 * 3600)
    assert set(harness.state.raw) <= {"queue"}

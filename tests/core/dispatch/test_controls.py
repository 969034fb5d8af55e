"""Controls: what takes a text back, stops a sender, or says what became of a text."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.controls import Stop, UnknownControl
from schemas.numbers import e164
from schemas.send import Send
from streams.dispatch.on_order import find_stop
from streams.dispatch.provider_calls import Result
from streams.dispatch.sender_queue import SenderQueue
from streams.dispatch.state import stop_name, stop_names
from streams.dispatch.step_builder import StepBuilder
from streams.processing import UnreadableRecord
from tests.core.dispatch.texts import (
    ANA,
    BEN,
    CODE,
    PAUSE,
    RESUME,
    calls_made,
    cancel,
    late_receipt,
    order,
    processor,
    reply,
    states,
    stop,
)
from tests.core.harness import START

STOPS = [
    pytest.param(stop(2), order(), True, id="decided under a lower epoch"),
    pytest.param(
        stop(1), order(), False, id="decided under the same epoch: the confirmation of a STOP"
    ),
    pytest.param(
        stop(1), order(consent_epoch=2), False, id="decided under a higher epoch: opted in again"
    ),
    pytest.param(stop(2), order(to=BEN), False, id="another number"),
    pytest.param(stop(2), order(tenant="other"), False, id="another tenant"),
    pytest.param(stop(2, number="+1 (415) 555-0101"), order(), True, id="written with blanks"),
    pytest.param(stop(9, tenant=None), order(), True, id="for every tenant, issued at that time"),
    pytest.param(
        stop(9, tenant=None),
        order(issued_at=START + timedelta(seconds=1)),
        False,
        id="for every tenant, issued later",
    ),
]


@pytest.mark.parametrize(("control", "given", "stopped"), STOPS)
def test_a_stop_refuses_a_later_order(control: Stop, given: Send, stopped: bool) -> None:
    harness = processor()
    harness.feed(control)
    harness.feed(given)
    assert states(harness) == (["0 canceled stopped"] if stopped else ["1 sending"])


@pytest.mark.parametrize(("control", "given", "stopped"), STOPS)
def test_a_stop_takes_back_what_is_queued(control: Stop, given: Send, stopped: bool) -> None:
    harness = processor()
    harness.feed(PAUSE)
    harness.feed(given)
    harness.feed(control)
    harness.feed(RESUME)
    harness.wait(60)
    assert states(harness) == (
        ["0 queued", "0 canceled stopped"] if stopped else ["0 queued", "1 sending"]
    )


def test_a_stop_takes_back_what_was_deferred() -> None:
    harness = processor()
    harness.feed(order())
    reply(harness, Result.LIMITED)
    harness.feed(stop())
    harness.wait(60)
    assert states(harness)[1:] == ["1 deferred 429", "1 canceled stopped"]
    assert calls_made(harness) == ["m1#1"]


@pytest.mark.parametrize("control", [stop(), cancel()], ids=["stop", "cancel"])
@pytest.mark.parametrize("result", [Result.LIMITED, Result.UNSENT])
def test_a_call_in_flight_is_not_retried_after(control: Stop, result: Result) -> None:
    harness = processor()
    harness.feed(order())
    harness.feed(control)
    reply(harness, result)
    harness.wait(600)
    assert calls_made(harness) == ["m1#1"]
    assert states(harness)[-1].startswith("1 canceled")


@pytest.mark.parametrize("control", [stop(), cancel()], ids=["stop", "cancel"])
def test_a_released_call_that_has_not_begun_is_canceled(control: Stop) -> None:
    harness = processor()
    harness.feed(order())
    harness.feed(control)
    assert harness.cancelled == {("acme", "m1", 1)}


def test_a_stop_marks_what_is_in_doubt() -> None:
    harness = processor()
    harness.feed(order())
    reply(harness, Result.IN_DOUBT)
    harness.feed(stop())
    assert b'"barred":"stopped"' in harness.state.raw["msg/acme/m1"]
    assert states(harness)[-1] == "1 in_doubt"


def test_the_highest_stop_epoch_counts() -> None:
    harness = processor()
    harness.feed(stop(5))
    harness.feed(stop(2))
    harness.feed(order(consent_epoch=4))
    assert states(harness) == ["0 canceled stopped"]


def test_a_stop_outlives_every_order_that_may_come() -> None:
    harness = processor()
    harness.feed(stop())
    harness.wait(48 * 3600)
    harness.feed(order())
    assert states(harness) == ["0 canceled stopped"]
    harness.wait(73 * 3600)
    assert set(harness.state.raw) <= {"queue"}


def test_a_stop_is_obeyed_by_the_next_owner() -> None:
    harness = processor(pace=0.1)
    harness.feed(order("m1"))
    harness.feed(order("m2"))
    harness.crash()
    harness.feed(stop())
    harness.wait(60)
    assert calls_made(harness) == ["m1#1"]
    assert states(harness, "m2") == ["0 queued", "0 canceled stopped"]


def test_a_cancel_takes_back_one_text() -> None:
    harness = processor()
    harness.feed(PAUSE)
    harness.feed(order("m1"))
    harness.feed(order("m2"))
    harness.feed(cancel("m1"))
    harness.feed(RESUME)
    harness.wait(60)
    assert states(harness, "m1") == ["0 queued", "0 canceled canceled"]
    assert calls_made(harness) == ["m2#1"]


def test_a_cancel_that_overtakes_its_order_waits_for_it() -> None:
    harness = processor()
    harness.feed(cancel())
    harness.feed(order())
    harness.feed(order())
    assert states(harness) == ["0 canceled canceled"]
    assert calls_made(harness) == []


def test_a_cancel_reaches_a_returned_order() -> None:
    harness = processor()
    harness.feed(order(send_before=START))
    harness.feed(cancel())
    harness.feed(order(issued_at=START + timedelta(seconds=1)))
    assert calls_made(harness) == []
    assert states(harness)[-1] == "1 canceled canceled"


def test_a_cancel_comes_too_late_for_what_was_accepted() -> None:
    harness = processor()
    harness.feed(order())
    reply(harness, Result.ACCEPTED)
    assert harness.feed(cancel()).publish == ()


@pytest.mark.parametrize("result", [Result.IN_DOUBT, Result.LIMITED])
def test_a_late_receipt_settles_the_attempt(result: Result) -> None:
    harness = processor()
    harness.feed(order())
    reply(harness, result)
    harness.feed(late_receipt())
    harness.feed(late_receipt())
    harness.wait(600)
    assert states(harness)[-1] == "1 accepted"
    assert states(harness).count("1 accepted") == 1
    assert calls_made(harness) == ["m1#1"]


@pytest.mark.parametrize(
    "seen", [late_receipt("nobody"), late_receipt(attempt=2), late_receipt(attempt=0)]
)
def test_a_late_receipt_of_another_attempt_does_nothing(seen: object) -> None:
    harness = processor()
    harness.feed(order())
    reply(harness, Result.IN_DOUBT)
    assert harness.feed(seen).publish == ()  # type: ignore[arg-type]


def test_a_new_owner_keeps_the_sender_paused() -> None:
    harness = processor()
    harness.feed(PAUSE)
    harness.feed(order())
    harness.crash()
    harness.wait(3600)
    assert calls_made(harness) == []
    harness.feed(RESUME)
    harness.wait(1)
    assert calls_made(harness) == ["m1#1"]


def test_controls_and_results_start_no_call() -> None:
    """The runtime reads all controls before it fires the timer, so a STOP after a RESUME still
    counts."""
    harness = processor()
    harness.feed(PAUSE)
    harness.feed(order())
    harness.feed(RESUME)
    harness.feed(stop())
    harness.wait(60)
    assert calls_made(harness) == []


@pytest.mark.parametrize(
    "odd",
    [UnknownControl(type="dance", sender=CODE), UnreadableRecord(cause="invalid", reason="?")],
)
def test_an_unknown_record_changes_nothing(odd: object) -> None:
    harness = processor()
    harness.feed(order())
    assert harness.feed(odd) == ({}, (), {}, ())  # type: ignore[arg-type]


def test_a_stop_cancels_a_thousand_texts() -> None:
    harness = processor(pace=1)
    harness.feed(PAUSE)
    for number in range(2_000):
        harness.feed(order(f"m{number}", to=ANA if number % 2 else BEN))
    step = harness.feed(stop())
    assert len(step.publish) == 1_000


def test_a_stop_for_an_endless_number_has_a_short_name() -> None:
    """The name is part of a record's key: a megabyte would fail every transaction."""
    harness, endless = processor(), "+1" + "é" * 300_000
    harness.feed(stop(2, number=endless))
    assert max(len(name) for name in harness.state.raw) < 200
    assert (
        find_stop(StepBuilder(harness.state, SenderQueue(), START), order(to=endless)) == "stopped"
    )


@given(
    st.from_regex(r"\+[0-9]{0,200}", fullmatch=True)
    | st.text(max_size=120)
    | st.just("+" + "1" * 98)
)
def test_a_stop_is_named_by_quoted_number_or_hash(
    number: str,
) -> None:
    written = quote(e164(number))
    kept = written if len(written) <= 100 else hashlib.sha256(written.encode()).hexdigest()
    assert stop_names("acme", number) == (f"stop/acme/{kept}", f"stop/*/{kept}")
    assert (stop_name("acme", number), stop_name(None, number)) == stop_names("acme", number)

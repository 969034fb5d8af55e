"""A tenant's opt-in requests, an hour at a time."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.send import Priority, Send
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from schemas.topics import ATTEMPTS, RETURNED
from streams.dispatch import dispatch, dispatch_on_timer
from streams.dispatch.opt_in_budget import CLOCK_MARGIN, HOUR, MAX_HOURS_AHEAD
from streams.dispatch.provider_calls import Result
from streams.processing import build_settings
from tests.core.dispatch.texts import CODE, calls_made, cancel, order, reply, states, stop
from tests.core.harness import START, ProcessorHarness


def processor(budget: int) -> ProcessorHarness:
    tenants = {
        name: TenantSettings(tenant=name, name=name, sender=CODE, asks_per_hour=budget)
        for name in ("acme", "bolt")
    }
    sender = Sender(sender=CODE, kind=SenderKind.SHORT_CODE, pace=100, owner="acme")
    return ProcessorHarness(
        dispatch, dispatch_on_timer, CODE, build_settings(tenants, {CODE: sender})
    )


def ask(name: str, at: datetime = START, **changed: Any) -> Send:
    known = {
        "kind": "consent_ask",
        "lane": Priority.REPLY,
        "issued_at": at,
        "send_before": at + HOUR,
    }
    return order(name, **(known | changed))


def asked(harness: ProcessorHarness, *orders: Send) -> None:
    for one in orders:
        harness.feed(one)
        reply(harness, Result.ACCEPTED)


def back(harness: ProcessorHarness) -> list[tuple[str, datetime]]:
    return [
        (returned.order.message_id, returned.until) for returned in harness.published_on(RETURNED)
    ]


def hours(count: int) -> datetime:
    """When a request may come again that is promised a place in so many hours."""
    return START + count * HOUR + CLOCK_MARGIN


def test_beyond_the_budget_a_request_returns_with_a_time() -> None:
    harness = processor(2)
    asked(harness, ask("a"), ask("b"), ask("c"))
    assert calls_made(harness) == ["a#1", "b#1"]
    assert states(harness, "c") == ["0 queued", "0 expired ask_budget"]
    assert harness.published_on(ATTEMPTS)[-1].evidence == "this hour's opt-in requests are used up"
    assert back(harness) == [("c", hours(1))]


def test_places_are_promised_in_order_of_arrival() -> None:
    harness = processor(2)
    asked(harness, *(ask(name) for name in "abcdefg"))
    assert back(harness) == [
        ("c", hours(1)),
        ("d", hours(1)),
        ("e", hours(2)),
        ("f", hours(2)),
        ("g", hours(3)),
    ]


def test_promised_places_go_before_new_requests() -> None:
    harness = processor(2)
    asked(harness, *(ask(name) for name in "abcd"))
    harness.run_until(hours(1))
    asked(harness, ask("new", harness.now), ask("c", harness.now), ask("d", harness.now))
    assert calls_made(harness) == ["a#1", "b#1", "c#1", "d#1"]
    assert back(harness)[-1] == ("new", hours(2))


def test_each_return_raises_the_attempt_number() -> None:
    harness = processor(1)
    asked(harness, ask("a"), ask("b"))
    again = START + timedelta(minutes=1)
    harness.run_until(again)
    asked(harness, ask("b", again))
    harness.run_until(hours(2))
    asked(harness, ask("b", harness.now))
    assert states(harness, "b") == [
        "0 queued",
        "0 expired ask_budget",
        "1 queued",
        "1 expired ask_budget",
        "2 sending",
        "2 accepted",
    ]


@pytest.mark.parametrize("crash", [False, True])
def test_a_repeat_counts_once_also_for_a_new_owner(crash: bool) -> None:
    harness = processor(3)
    for name in ("a", "a", "a", "b"):
        asked(harness, ask(name))
        if crash:
            harness.crash()
    asked(harness, ask("c"), ask("d"))
    assert [name for name, _ in back(harness)] == ["d"]


def test_a_canceled_request_takes_no_place() -> None:
    harness = processor(1)
    harness.feed(cancel("a"))
    harness.feed(stop())
    asked(harness, ask("a"), ask("b", consent_epoch=1), ask("c", consent_epoch=2))
    assert calls_made(harness) == ["c#1"]


def test_only_opt_in_requests_count_by_tenant() -> None:
    harness = processor(1)
    asked(harness, order("x"), order("y"), ask("a"), ask("b", tenant="bolt"), order("z"), ask("c"))
    assert [name for name, _ in back(harness)] == ["c"]


def test_a_tenant_without_settings_has_the_usual_budget() -> None:
    harness = processor(1)
    asked(harness, *(ask(f"m{n}", tenant="unknown") for n in range(501)))
    assert [name for name, _ in back(harness)] == ["m500"]


def test_a_clock_that_is_set_back_gives_no_new_budget() -> None:
    harness = processor(1)
    asked(harness, ask("a"))
    harness.now = START - 2 * HOUR
    asked(harness, ask("b", harness.now))
    assert back(harness) == [("b", hours(1))]


def test_the_entry_stays_small_and_is_forgotten() -> None:
    harness = processor(1)
    asked(harness, *(ask(f"m{n}") for n in range(100)))
    assert max(until for _, until in back(harness)) == hours(MAX_HOURS_AHEAD)
    assert len(harness.state.raw["asks/acme"]) < 200
    harness.wait(73 * 3600)
    assert "asks/acme" not in harness.state.raw


def test_many_days_of_requests_each_return_about_daily() -> None:
    harness = processor(2)
    due = [(START, f"m{n}") for n in range(200)]
    went: Counter[datetime] = Counter()
    while due:
        due.sort()
        at, name = due.pop(0)
        harness.run_until(at)
        before = len(harness.published_on(RETURNED))
        asked(harness, ask(name, at))
        if len(harness.published_on(RETURNED)) > before:
            due.append((back(harness)[-1][1], name))
        else:
            went[at.replace(minute=0, second=0)] += 1
    assert set(went.values()) == {2}
    assert (max(went) - min(went)) / HOUR == 99, "no hour was left unused"
    assert max(Counter(name for name, _ in back(harness)).values()) <= 200 / 2 / MAX_HOURS_AHEAD + 1


def test_hours_of_a_clock_far_ahead_do_not_count() -> None:
    harness = processor(1)
    harness.now = START + timedelta(days=365)
    asked(harness, ask("a", harness.now), ask("b", harness.now))
    harness.now = START
    asked(harness, ask("c"))
    assert back(harness)[-1] == ("c", hours(2)), "after b, for which there is a place in an hour"
    harness.now = hours(2)
    asked(harness, ask("c", harness.now))
    assert calls_made(harness) == ["a#1", "c#1"]
    harness.wait(73 * 3600)
    assert "asks/acme" not in harness.state.raw

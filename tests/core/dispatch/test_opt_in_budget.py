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
from tests.core.drive import START, Drive


def processor(budget: int) -> Drive:
    tenants = {
        name: TenantSettings(tenant=name, name=name, sender=CODE, asks_per_hour=budget)
        for name in ("acme", "bolt")
    }
    sender = Sender(sender=CODE, kind=SenderKind.SHORT_CODE, pace=100, owner="acme")
    return Drive(dispatch, dispatch_on_timer, CODE, build_settings(tenants, {CODE: sender}))


def ask(name: str, at: datetime = START, **changed: Any) -> Send:
    known = {
        "kind": "consent_ask",
        "lane": Priority.REPLY,
        "issued_at": at,
        "send_before": at + HOUR,
    }
    return order(name, **(known | changed))


def asked(drive: Drive, *orders: Send) -> None:
    for one in orders:
        drive.tell(one)
        reply(drive, Result.ACCEPTED)


def back(drive: Drive) -> list[tuple[str, datetime]]:
    return [(returned.order.message_id, returned.until) for returned in drive.all(RETURNED)]


def hours(count: int) -> datetime:
    """When a request may come again that is promised a place in so many hours."""
    return START + count * HOUR + CLOCK_MARGIN


def test_beyond_the_budget_a_request_returns_with_a_time() -> None:
    drive = processor(2)
    asked(drive, ask("a"), ask("b"), ask("c"))
    assert calls_made(drive) == ["a#1", "b#1"]
    assert states(drive, "c") == ["0 queued", "0 expired ask_budget"]
    assert drive.all(ATTEMPTS)[-1].evidence == "this hour's opt-in requests are used up"
    assert back(drive) == [("c", hours(1))]


def test_places_are_promised_in_order_of_arrival() -> None:
    drive = processor(2)
    asked(drive, *(ask(name) for name in "abcdefg"))
    assert back(drive) == [
        ("c", hours(1)),
        ("d", hours(1)),
        ("e", hours(2)),
        ("f", hours(2)),
        ("g", hours(3)),
    ]


def test_promised_places_go_before_new_requests() -> None:
    drive = processor(2)
    asked(drive, *(ask(name) for name in "abcd"))
    drive.until(hours(1))
    asked(drive, ask("new", drive.now), ask("c", drive.now), ask("d", drive.now))
    assert calls_made(drive) == ["a#1", "b#1", "c#1", "d#1"]
    assert back(drive)[-1] == ("new", hours(2))


def test_each_return_raises_the_attempt_number() -> None:
    drive = processor(1)
    asked(drive, ask("a"), ask("b"))
    again = START + timedelta(minutes=1)
    drive.until(again)
    asked(drive, ask("b", again))
    drive.until(hours(2))
    asked(drive, ask("b", drive.now))
    assert states(drive, "b") == [
        "0 queued",
        "0 expired ask_budget",
        "1 queued",
        "1 expired ask_budget",
        "2 sending",
        "2 accepted",
    ]


@pytest.mark.parametrize("crash", [False, True])
def test_a_repeat_counts_once_also_for_a_new_owner(crash: bool) -> None:
    drive = processor(3)
    for name in ("a", "a", "a", "b"):
        asked(drive, ask(name))
        if crash:
            drive.crash()
    asked(drive, ask("c"), ask("d"))
    assert [name for name, _ in back(drive)] == ["d"]


def test_a_canceled_request_takes_no_place() -> None:
    drive = processor(1)
    drive.tell(cancel("a"))
    drive.tell(stop())
    asked(drive, ask("a"), ask("b", consent_epoch=1), ask("c", consent_epoch=2))
    assert calls_made(drive) == ["c#1"]


def test_only_opt_in_requests_count_by_tenant() -> None:
    drive = processor(1)
    asked(drive, order("x"), order("y"), ask("a"), ask("b", tenant="bolt"), order("z"), ask("c"))
    assert [name for name, _ in back(drive)] == ["c"]


def test_a_tenant_without_settings_has_the_usual_budget() -> None:
    drive = processor(1)
    asked(drive, *(ask(f"m{n}", tenant="unknown") for n in range(501)))
    assert [name for name, _ in back(drive)] == ["m500"]


def test_a_clock_that_is_set_back_gives_no_new_budget() -> None:
    drive = processor(1)
    asked(drive, ask("a"))
    drive.now = START - 2 * HOUR
    asked(drive, ask("b", drive.now))
    assert back(drive) == [("b", hours(1))]


def test_the_entry_stays_small_and_is_forgotten() -> None:
    drive = processor(1)
    asked(drive, *(ask(f"m{n}") for n in range(100)))
    assert max(until for _, until in back(drive)) == hours(MAX_HOURS_AHEAD)
    assert len(drive.state.raw["asks/acme"]) < 200
    drive.rest(73 * 3600)
    assert "asks/acme" not in drive.state.raw


def test_many_days_of_requests_each_return_about_daily() -> None:
    drive = processor(2)
    due = [(START, f"m{n}") for n in range(200)]
    went: Counter[datetime] = Counter()
    while due:
        due.sort()
        at, name = due.pop(0)
        drive.until(at)
        before = len(drive.all(RETURNED))
        asked(drive, ask(name, at))
        if len(drive.all(RETURNED)) > before:
            due.append((back(drive)[-1][1], name))
        else:
            went[at.replace(minute=0, second=0)] += 1
    assert set(went.values()) == {2}
    assert (max(went) - min(went)) / HOUR == 99, "no hour was left unused"
    assert max(Counter(name for name, _ in back(drive)).values()) <= 200 / 2 / MAX_HOURS_AHEAD + 1


def test_hours_of_a_clock_far_ahead_do_not_count() -> None:
    drive = processor(1)
    drive.now = START + timedelta(days=365)
    asked(drive, ask("a", drive.now), ask("b", drive.now))
    drive.now = START
    asked(drive, ask("c"))
    assert back(drive)[-1] == ("c", hours(2)), "after b, for which there is a place in an hour"
    drive.now = hours(2)
    asked(drive, ask("c", drive.now))
    assert calls_made(drive) == ["a#1", "c#1"]
    drive.rest(73 * 3600)
    assert "asks/acme" not in drive.state.raw

"""What the gate keeps of an order that came back, for the next one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.returned import Returned
from schemas.topics import DECISIONS, DISPATCH_ORDERS
from tests.core.gate.cases import BRANCH, HOUR, MINUTE, NOON, SENDERS, opt_in, played, request
from tests.core.playing import Played


def ordered(**changes: object) -> Played:
    room = played()
    room.tell(opt_in())
    room.tell(request(message_id="m1", **changes))
    return room


def orders(room: Played) -> list[tuple[str, int]]:
    return [(order.sender, order.attempt) for order in room.all(DISPATCH_ORDERS)]


def verdicts(room: Played) -> list[str]:
    return [str(one.verdict) for one in room.all(DECISIONS)]


def come_back(room: Played, attempt: int, **more: object) -> None:
    order = room.all(DISPATCH_ORDERS)[-1]
    room.tell(Returned(order=order, reason="late", at=room.now, attempt=attempt, **more))  # type: ignore[arg-type]


def test_the_next_order_goes_on_counting_attempts_whatever_sender_it_goes_to() -> None:
    room = ordered()
    gone = {name: sender for name, sender in SENDERS.items() if name != orders(room)[0][0]}
    tenants = {"acme": room.settings.tenants["acme"].model_copy(update={"sender": BRANCH})}
    room.settings = room.settings._replace(senders=gone, tenants=tenants)
    room.now = NOON + HOUR
    come_back(room, 1)
    assert orders(room) == [("24273", 0), (BRANCH, 2)]


def test_it_does_so_after_a_wait_too_and_never_counts_back() -> None:
    room = ordered()
    come_back(room, 3, until=NOON + HOUR)
    room.until(NOON + HOUR)
    come_back(room, 0)
    assert [attempt for _, attempt in orders(room)] == [0, 4, 4]


def test_one_that_came_back_uncalled_is_reported_above_what_was_said_of_it() -> None:
    room = ordered()
    come_back(room, 0)
    assert [attempt for _, attempt in orders(room)] == [0, 1]


# --- its time is over by dispatch's clock, and not by this one


def over_there(room: Played, ahead: timedelta) -> None:
    """As dispatch, whose clock is ahead, hands back what has no time left."""
    order = room.all(DISPATCH_ORDERS)[-1]
    at = max(room.now + ahead, order.send_before)
    room.tell(Returned(order=order, reason="out of time", code="out_of_time", at=at))


def bounced(room: Played, ahead: timedelta, hours: float) -> int:
    """How often it is ordered in these hours, by a dispatch that hands back at once what is over by its clock."""
    end, known = room.now + hours * HOUR, 0
    while known < 50 and (orders := len(room.all(DISPATCH_ORDERS))) > known:
        known = orders
        if room.now + ahead >= room.all(DISPATCH_ORDERS)[-1].send_before:
            over_there(room, ahead)
        while (
            len(room.all(DISPATCH_ORDERS)) == known
            and (due := min(room.wakes.values(), default=end)) < end
        ):
            room.until(due)
    return known


def test_what_is_over_by_the_clock_over_there_waits_and_is_tried_a_few_times_only() -> None:
    room = ordered(valid_until=NOON + HOUR)
    assert bounced(room, 2 * HOUR, hours=24) == 6
    assert verdicts(room) == ["send", "hold"] * 6 + ["expire"]
    last = room.all(DECISIONS)[-1]
    assert (last.verdict, last.findings[0].rule) == ("expire", "expired")


def test_it_goes_when_the_clock_over_there_is_right_again() -> None:
    room = ordered(valid_until=NOON + HOUR)
    over_there(room, 2 * HOUR)
    held = room.all(DECISIONS)[-1]
    assert (held.verdict, held.findings[0].rule, held.until) == (
        "hold",
        "clock_skew",
        NOON + HOUR / 2,
    )
    room.until(NOON + HOUR / 2)
    assert len(orders(room)) == 2


def test_a_few_milliseconds_cost_one_decision_more() -> None:
    room = ordered(valid_until=NOON + HOUR)
    room.now = NOON + HOUR - timedelta(milliseconds=20)
    over_there(room, timedelta(milliseconds=20))
    room.until(NOON + HOUR)
    assert verdicts(room) == ["send", "hold", "expire"]
    assert room.all(DECISIONS)[-1].findings[0].rule == "expired"


def test_an_ask_waits_out_its_hour() -> None:
    room = played()
    room.tell(request(message_id="m1"))
    assert bounced(room, 2 * HOUR, hours=5) == 5
    held = [
        one for one in room.all(DECISIONS) if one.kind == "consent_ask" and one.verdict == "hold"
    ]
    assert {found.rule for one in held for found in one.findings} == {"clock_skew"}


def test_what_comes_back_before_its_time_is_over_is_judged_at_once() -> None:
    room = ordered(valid_until=NOON + HOUR)
    come_back(room, 1)
    assert verdicts(room) == ["send", "send"]


def test_an_ask_that_finds_too_much_before_it_says_so_and_not_that_the_budget_is_used_up() -> None:
    room = played()
    room.tell(request(message_id="m1"))
    come_back(room, 0, code="no_room", until=NOON + HOUR)
    held = [one for one in room.all(DECISIONS) if one.kind == "consent_ask"][-1]
    assert (held.findings[0].rule, held.until) == ("sender_crowded", NOON + HOUR)
    room.until(NOON + HOUR)
    assert len(orders(room)) == 2
    come_back(room, 0, code="ask_budget", until=NOON + 2 * HOUR)
    held = [one for one in room.all(DECISIONS) if one.kind == "consent_ask"][-1]
    assert held.findings[0].rule == "ask_budget"


@pytest.mark.parametrize("code", ["ask_budget", "no_room"])
@pytest.mark.parametrize("asks", [True, False])
def test_where_there_was_room_long_ago_by_the_clock_over_there_it_is_tried_once_a_minute(
    code: str, asks: bool
) -> None:
    """That clock is behind, or it lay in between for so long."""
    room = played()
    if not asks:
        room.tell(opt_in())
    room.tell(request(message_id="m1"))
    for count in range(1, 4):
        assert len(orders(room)) == count
        come_back(room, count, code=code, until=NOON - HOUR)
        assert len(orders(room)) == count
        room.until(room.now + MINUTE)

"""An order that came back because too much stands before it at its sender."""

from __future__ import annotations

from datetime import timedelta

from schemas.decision import Decision
from schemas.returned import Returned
from schemas.topics import DECISIONS, DISPATCH_ORDERS
from tests.core.gate.cases import NOON, decided, opt_in, played, reply, request

HOUR = timedelta(hours=1)


def test_it_waits_until_there_is_room_and_is_ordered_anew() -> None:
    room = played()
    room.tell(opt_in())
    room.tell(request(message_id="m1", case_id="c-7"))
    order = room.all(DISPATCH_ORDERS)[0]
    assert order.case_id == "c-7"
    told = room.tell(Returned(order=order, reason="crowded", at=room.now, until=NOON + HOUR))
    assert decided(told) == [("m1", "hold", ["sender_crowded"])]
    room.until(NOON + HOUR - timedelta(seconds=1))
    assert len(room.all(DISPATCH_ORDERS)) == 1
    room.until(NOON + HOUR)
    again = room.all(DISPATCH_ORDERS)
    assert [one.message_id for one in again] == ["m1", "m1"]
    assert again[1].issued_at >= NOON + HOUR


def test_it_is_tried_again_half_way_where_room_comes_too_late_and_ends_when_no_time_is_left() -> (
    None
):
    room = played()
    room.tell(opt_in())
    room.tell(request(message_id="m1", valid_until=NOON + HOUR))
    verdicts, moments = [], []
    while not verdicts or verdicts[-1] == "hold":
        order = room.all(DISPATCH_ORDERS)[-1]
        moments.append(room.now - NOON)
        told = room.tell(Returned(order=order, reason="crowded", at=room.now, until=NOON + HOUR))
        last: Decision = room.all(DECISIONS)[-1]
        verdicts.append(decided(told)[0][1])
        if last.until:
            room.until(last.until)
    assert verdicts == ["hold"] * 5 + ["expire"]
    assert [round(moment / timedelta(minutes=1)) for moment in moments] == [0, 30, 45, 52, 56, 58]
    assert last.findings[0].next_step == "use a faster sender, or ask earlier"


def test_a_stop_ends_what_waits_for_room() -> None:
    room = played()
    room.tell(opt_in())
    room.tell(request(message_id="m1"))
    room.tell(
        Returned(
            order=room.all(DISPATCH_ORDERS)[0], reason="crowded", at=room.now, until=NOON + HOUR
        )
    )
    assert ("m1", "reject", ["opted_out"]) in decided(room.tell(reply("STOP")))


def test_what_comes_back_after_a_stop_does_not_wait_for_the_next_start() -> None:
    room = played()
    room.tell(opt_in())
    room.tell(request(message_id="m1"))
    room.tell(reply("STOP"))
    told = room.tell(
        Returned(
            order=room.all(DISPATCH_ORDERS)[0], reason="crowded", at=room.now, until=NOON + HOUR
        )
    )
    assert decided(told) == [("m1", "reject", ["opted_out"])]
    room.until(NOON + HOUR / 2)
    room.tell(reply("START"))
    assert [one.message_id for one in room.all(DISPATCH_ORDERS) if one.message_id == "m1"] == ["m1"]

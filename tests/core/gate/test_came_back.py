"""What the gate keeps of an order that came back, for the next one."""

from __future__ import annotations

from schemas.returned import Returned
from schemas.topics import DISPATCH_ORDERS
from tests.core.gate.cases import BRANCH, HOUR, NOON, SENDERS, opt_in, played, request
from tests.core.playing import Played


def ordered() -> Played:
    room = played()
    room.tell(opt_in())
    room.tell(request(message_id="m1"))
    return room


def orders(room: Played) -> list[tuple[str, int]]:
    return [(order.sender, order.attempt) for order in room.all(DISPATCH_ORDERS)]


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

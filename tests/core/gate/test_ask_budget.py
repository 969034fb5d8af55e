"""An opt-in request that came back for want of room in the tenant's budget."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from schemas.consent_status import ConsentState
from schemas.decision import Decision, Finding, Verdict
from schemas.returned import Returned
from schemas.topics import DECISIONS
from streams.gate.limits import ASK_LIFE
from streams.gate.rows import Ask, Asking
from streams.gate.rules.ask_budget import ask_budget
from tests.core.gate.cases import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    ask,
    ask_failed,
    case,
    decided,
    opt_in,
    opt_out,
    reply,
    request,
)
from tests.core.gate.test_asking import answers, asked_once, asks, status
from tests.core.playing import Played, of

ROOM = NOON + HOUR


def turned_away(until: datetime = ROOM, **policy: Any) -> Played:
    room = asked_once(**policy)
    come_back(room, until)
    return room


def come_back(room: Played, until: datetime | None) -> None:
    room.tell(Returned(order=asks(room)[-1], reason="no room", at=room.now, until=until))


def last(room: Played, kind: str) -> Decision:
    decisions: list[Decision] = [one for one in room.all(DECISIONS) if one.kind == kind]
    return decisions[-1]


def test_it_waits_until_there_is_room_and_is_issued_anew_by_itself() -> None:
    room = turned_away()
    held = last(room, "consent_ask")
    assert (held.verdict, held.until, held.findings) == (
        Verdict.HOLD,
        ROOM,
        (
            Finding(
                rule="ask_budget",
                verdict=Verdict.HOLD,
                reason="This hour's opt-in requests are used up",
                next_step="raise asks_per_hour, or wait: it goes by itself",
                until=ROOM,
            ),
        ),
    )
    room.until(ROOM - SECOND)
    assert len(asks(room)) == 1
    room.until(ROOM)
    one, other = asks(room)
    assert (one.message_id, other.issued_at) == (other.message_id, ROOM)
    assert [found.rule for found in last(room, "consent_ask").findings] == ["ready"]


def test_nobody_has_been_asked_meanwhile_and_the_day_counts_from_the_order_that_stays_out() -> None:
    room = turned_away()
    told = status(room)
    assert (told.state, told.asked_at, told.ask_again_at) == (ConsentState.NONE, None, None)
    room.until(ROOM + MINUTE)
    told = status(room)
    assert (told.state, told.asked_at, told.ask_again_at) == (
        ConsentState.PENDING,
        ROOM,
        ROOM + DAY,
    )


def test_the_texts_that_wait_for_the_answer_say_when_they_are_asked() -> None:
    room = turned_away()
    (found,) = last(room, "reminder").findings
    assert (found.rule, found.verdict, f"{found.reason}: {found.next_step}") == (
        "not_opted_in",
        Verdict.HOLD,
        "The recipient hasn't opted in yet: wait: this hour's opt-in requests are used up; they are asked by text from "
        "2026-11-21 13:00 EST",
    )
    told = room.tell(request(message_id="b"))
    assert decided(told) == [("b", "hold", ["not_opted_in"])]
    assert of(DECISIONS, told)[0].findings == (found,)
    room.until(ROOM + SECOND)
    assert "used up" not in last(room, "reminder").findings[0].next_step
    assert last(room, "reminder").until is None


def test_it_may_be_turned_away_again_and_again() -> None:
    room = turned_away()
    for hour in range(1, 6):
        room.until(NOON + hour * HOUR)
        come_back(room, NOON + (hour + 1) * HOUR)
        assert (len(asks(room)), status(room).state) == (hour + 1, ConsentState.NONE)
    room.until(NOON + 6 * HOUR)
    assert len({order.message_id for order in asks(room)}) == 1
    assert status(room).asked_at == NOON + 6 * HOUR


def test_what_is_held_and_a_crash_of_dispatch_do_not_make_it_two() -> None:
    """The same order handed back twice, and texts that come while it waits."""
    room = asked_once()
    order = asks(room)[0]
    for _ in range(2):
        room.tell(Returned(order=order, reason="no room", at=room.now, until=ROOM))
        room.tell(request())
    room.tell(opt_in(source="web_form"))
    room.until(ROOM + MINUTE)
    room.tell(Returned(order=order, reason="no room", at=room.now, until=ROOM + DAY))
    assert [one.issued_at for one in asks(room)] == [NOON, ROOM]
    assert status(room).state is ConsentState.PENDING


def test_staff_hear_that_it_is_on_its_way() -> None:
    room = turned_away()
    room.tell(ask())
    assert answers(room)[-1] == ("manual", False, "a request to opt in is on its way already")


@pytest.mark.parametrize(
    ("said", "verdict", "text"),
    [
        pytest.param(
            reply("START"), Verdict.CANCEL, Verdict.SEND, id="they text START by themselves"
        ),
        pytest.param(opt_in(), Verdict.CANCEL, Verdict.SEND, id="they opt in by a form"),
        pytest.param(opt_out(), Verdict.REJECT, Verdict.REJECT, id="they opt out"),
        pytest.param(reply("yes"), Verdict.HOLD, Verdict.HOLD, id="a yes to what was never asked"),
    ],
)
def test_what_they_say_meanwhile_counts(said: Any, verdict: Verdict, text: Verdict) -> None:
    room = turned_away()
    room.tell(said, at=NOON + MINUTE)
    assert (last(room, "consent_ask").verdict, last(room, "reminder").verdict) == (verdict, text)
    if verdict is not Verdict.HOLD:
        room.until(ROOM + DAY)
        assert len(asks(room)) == 1


def test_a_second_ask_that_is_turned_away_leaves_the_first_as_it_was() -> None:
    """It was asked a day ago: a YES still answers that."""
    room = asked_once()
    room.until(NOON + DAY)
    room.tell(ask())
    come_back(room, NOON + DAY + HOUR)
    assert (status(room).state, status(room).asked_at) == (ConsentState.PENDING, NOON)
    assert decided(room.tell(reply("yes"), at=NOON + DAY + MINUTE))[-1] == ("a", "send", ["ready"])


def test_the_night_still_counts() -> None:
    room = asked_once(when={"quiet_hours": {"before": "08:00", "after": "12:30"}})
    assert len(asks(room)) == 1, "it is 09:00 in California"
    come_back(room, NOON + 5 * HOUR)
    room.until(NOON + 6 * HOUR)
    assert last(room, "consent_ask").findings[0].rule == "quiet_hours"
    room.until(NOON + DAY)
    assert len(asks(room)) == 2


def test_one_that_only_came_too_late_does_not_wait_for_room() -> None:
    room = asked_once()
    room.until(NOON + ASK_LIFE)
    come_back(room, None)
    assert len(asks(room)) == 2
    room.tell(ask_failed(message_id=asks(room)[0].message_id))
    assert status(room).state is ConsentState.NONE


@pytest.mark.parametrize("kind", ["reminder", "consent_ask"])
def test_a_text_of_a_producer_never_waits_for_it(kind: str) -> None:
    assert (
        ask_budget(
            case(kind=kind, known={"asking": Asking(count=1, last=Ask.WAITING, no_room_until=ROOM)})
        )
        is None
    )


def test_an_earlier_ask_that_comes_back_after_the_next_is_not_issued_again() -> None:
    """Dispatch stood still for a day: both together would be two in a day."""
    room = asked_once()
    first = asks(room)[0]
    room.until(NOON + DAY)
    room.tell(ask())
    room.tell(Returned(order=first, reason="late", at=room.now))
    assert (len(asks(room)), last(room, "consent_ask").findings[0].rule) == (2, "replaced")
    assert (status(room).state, status(room).asked_at) == (ConsentState.PENDING, NOON + DAY)
    room.tell(ask_failed(message_id=asks(room)[1].message_id))
    assert status(room).state is ConsentState.NONE, "neither has reached them"

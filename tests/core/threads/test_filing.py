"""Which case a reply is filed with: rows 13, 14 and 22 of the cases to get right."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.thread import FiledText
from tests.core.threads.conversations import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    end_of,
    holder,
    last_thread,
    message,
    moved,
    party,
    reply,
    run_all,
)

CASES = ("a", "b")
AT = NOON - HOUR
LATER = NOON - HOUR / 2


def filed(*values: Any) -> FiledText:
    thread = end_of(*values)
    assert thread.last_inbound is not None
    return thread.last_inbound


@pytest.mark.parametrize(
    ("known", "case_id", "others"),
    [
        ([], None, ()),
        ([party("a")], "a", ()),
        ([party("a"), party("b")], None, ("b", "a")),
        ([party("a"), party("b"), message("m", at=AT, case_id="a")], "a", ("b",)),
        (
            [
                party("a"),
                party("b"),
                message("m", at=AT, case_id="b"),
                message("n", at=LATER, case_id="a"),
            ],
            "a",
            ("b",),
        ),
        ([message("m", at=AT, case_id="x")], "x", ()),
        ([party("a"), message("m", at=AT, case_id="x")], "x", ("a",)),
        ([party("a"), party("b", closed=True), message("m", at=AT, case_id="b")], "a", ()),
        ([party("a"), party("b", left=True), message("m", at=AT, case_id="b")], "a", ()),
        ([party("a", left=True), message("m", at=AT, case_id="a")], None, ()),
        ([party("a", left=True), party("a", "luis")], "a", ()),
        ([party("a"), party("b", at=NOON + MINUTE)], "a", ()),
        ([party("a", at=NOON + HOUR)], "a", ()),
        ([party("a", at=NOON + 2 * DAY)], None, ()),
        ([holder(), party("a", at=NOON + HOUR)], "a", ()),
        ([party("a"), party("a", at=NOON + MINUTE, closed=True)], "a", ()),
    ],
)
def test_a_reply_is_filed_with_the_open_case_that_texted_last(
    known: list[Any], case_id: str | None, others: tuple[str, ...]
) -> None:
    found = filed(*known, reply("What time?"))
    assert (found.case_id, found.others, found.on_closed_case) == (case_id, others, False)


@pytest.mark.parametrize(
    ("state", "case_id"),
    [
        ("queued", "b"),
        ("accepted", "b"),
        ("delivered", "b"),
        ("held", "a"),
        ("canceled", "a"),
        ("rejected", "a"),
        ("refused", "a"),
        ("undelivered", "a"),
    ],
)
def test_a_text_that_did_not_go_or_arrive_has_not_spoken(state: str, case_id: str) -> None:
    texts = [message("m", at=AT, case_id="a"), message("n", state, LATER, case_id="b")]
    assert filed(party("a"), party("b"), *texts, reply("Thanks")).case_id == case_id


def test_a_text_that_waited_speaks_when_it_leaves() -> None:
    """Requested at night, it was still at the gate when they wrote."""
    requested = {"case_id": "b", "requested_at": AT}
    known = [
        party("a"),
        party("b"),
        message("n", "held", AT, **requested),
        message("n", "queued", NOON + HOUR, version=2, **requested),
        message("m", at=AT - HOUR, case_id="a"),
    ]
    assert filed(*known, reply("Thanks")).case_id == "a"
    assert filed(*known, reply("Thanks", at=NOON + 2 * HOUR)).case_id == "b"


def test_a_text_whose_outcome_comes_late_has_spoken() -> None:
    """Outcomes were down: the text had long arrived when they answered it."""
    late = message("n", at=NOON + HOUR, case_id="b", requested_at=NOON - MINUTE)
    known = [party("a"), party("b"), message("m", at=AT, case_id="a"), late]
    assert filed(*known, reply("Thanks")).case_id == "b"


def test_two_cases_the_one_that_spoke_last_and_the_other_is_named() -> None:
    """Row 13: one entry, waiting once; moving it moves the mark."""
    known = [party("a"), party("b"), message("m", at=AT, case_id="a")]
    processor = run_all(*known, reply("Can we meet?"))
    before = last_thread(processor)
    assert (before.waiting_texts, before.cases) == (1, ("a", "b"))
    processor.feed(moved("SM1", "b"))
    after = last_thread(processor)
    assert after.last_inbound is not None
    assert (after.last_inbound.case_id, after.last_inbound.others) == ("b", ("a",))
    assert (after.waiting_since, after.waiting_texts) == (NOON, 1)
    assert after.cases == ("b", "a")


def test_what_follows_a_move_belongs_to_the_case_too() -> None:
    known = [party("a"), party("b"), message("m", at=AT, case_id="a"), reply("Can we meet?")]
    found = filed(*known, moved("SM1", "b"), reply("At 5", "SM2", NOON + 2 * HOUR))
    assert found.case_id == "b"


def test_what_came_before_a_move_stays() -> None:
    known = [party("a"), party("b"), message("m", at=AT, case_id="a"), reply("Can we meet?")]
    found = filed(*known, reply("At 5", "SM2", NOON + MINUTE), moved("SM1", "b"))
    assert found.case_id == "a"


def test_the_last_move_holds() -> None:
    moves = [moved("SM1", "b", NOON + 2 * HOUR), moved("SM1", None, NOON + HOUR)]
    assert filed(party("a"), reply("Hello"), *moves).case_id == "b"
    assert filed(party("a"), *moves[1:], reply("Hello")).case_id is None


def test_a_number_that_was_put_on_a_person_a_minute_ago() -> None:
    """Row 14: no text was ever sent."""
    found = filed(holder(at=NOON - MINUTE), reply("Is this the office?"))
    assert (found.case_id, found.person_ids) == (None, ("ana",))


def test_a_new_number_that_staff_put_on_a_record_soon_after() -> None:
    """They look among the unknown texts, and find whose it is."""
    assert filed(reply("My new number, Ana"), holder(at=NOON + HOUR)).person_ids == ("ana",)
    assert filed(reply("My new number, Ana"), holder(at=NOON + 2 * DAY)).person_ids == ()


def test_a_case_of_a_worker_whose_clock_is_ahead() -> None:
    """It stands in the thread at once, and not with the next record."""
    thread = end_of(reply("Hello"), party("a", at=NOON + 13 * HOUR))
    assert (thread.cases, thread.person_ids) == (("a",), ("ana",))


def test_who_has_the_number_is_who_had_it_then() -> None:
    known = [holder("ana"), holder("ana", NOON + MINUTE, left=True), holder("luis", NOON + MINUTE)]
    thread = end_of(*known, reply("Hello"))
    assert thread.last_inbound is not None
    assert thread.last_inbound.person_ids == ("ana",)
    assert thread.person_ids == ("luis",)


def test_a_text_on_a_closed_case_does_not_open_it() -> None:
    """Row 22: two days later the client texts "thanks"."""
    known = [party("a"), party("a", at=NOON - 2 * HOUR, closed=True)]
    thread = end_of(*known, reply("thanks"))
    assert thread.last_inbound is not None
    assert (thread.last_inbound.case_id, thread.last_inbound.on_closed_case) == ("a", True)
    assert (thread.waiting_texts, thread.cases) == (1, ())


def test_of_closed_cases_the_one_that_texted_last() -> None:
    known = [party("a", closed=True), party("b", closed=True), message("m", at=AT, case_id="a")]
    assert filed(*known, reply("thanks")).case_id == "a"


def test_what_becomes_known_late_counts_for_a_day() -> None:
    """Then a text stays where it is, also when what it was filed by is forgotten."""
    processor = run_all(party("a"), reply("Hello"))
    processor.feed(message("m", at=AT, case_id="x"))
    filed_text = last_thread(processor).last_inbound
    assert filed_text is not None
    assert filed_text.case_id == "x"
    processor.run_until(NOON + 2 * DAY)
    processor.feed(message("n", at=LATER, case_id="y"))
    filed_text = last_thread(processor).last_inbound
    assert filed_text is not None
    assert filed_text.case_id == "x"
    processor.feed(moved("SM1", "y", NOON + 2 * DAY))
    filed_text = last_thread(processor).last_inbound
    assert filed_text is not None
    assert filed_text.case_id == "y"

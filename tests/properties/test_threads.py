"""Whatever is said of a conversation, on five topics, in any order and again: it stands the same."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.inbound import Reply
from schemas.thread import Thread
from schemas.topics import MAIL_REQUESTS, THREADS
from streams.lifecycle import State
from tests.core.harness import ProcessorHarness
from tests.core.threads.conversations import (
    DAY,
    MINUTE,
    NOON,
    assigned,
    awaited,
    handled,
    holder,
    message,
    moved,
    needs_none,
    note,
    party,
    reply,
    run_all,
)
from tests.properties.retold import told_twice

TEXTS = ("SM1", "SM2", "SM3")
CASES = st.sampled_from(["a", "b", "c"])
PEOPLE = st.sampled_from(["ana", "luis"])
SENT = {
    "m": {"case_id": "a"},
    "n": {"case_id": "b", "written_by": "dana"},
    "o": {"written_by": "sam"},
    "p": {"case_id": "x"},
}
STATES = st.sampled_from([*map(str, State)])
ONCE = st.sampled_from([(0, "Hello"), (1, "Liked “Court is on Tuesday”"), (2, "What time?")])


def _parties(draw: st.DrawFn, at: datetime) -> Any:
    changes = draw(st.sampled_from([{}, {}, {"closed": True}, {"left": True}]))
    return party(draw(CASES), draw(PEOPLE), at, **changes)


def _messages(draw: st.DrawFn, at: datetime) -> Any:
    message_id = draw(st.sampled_from(sorted(SENT)))
    version = (at - NOON) // MINUTE
    requested = draw(st.sampled_from([None, NOON + 5 * MINUTE, at]))
    return message(
        message_id, draw(STATES), at, version=version, requested_at=requested, **SENT[message_id]
    )


def _staff(draw: st.DrawFn, at: datetime) -> Any:
    about = draw(st.sampled_from([None, *TEXTS]))
    kind = draw(st.sampled_from(["note", "handled", "needs_none", "assigned", "moved"]))
    match kind:
        case "handled":
            return handled(at, about)
        case "needs_none":
            return needs_none(at, about)
        case "assigned":
            return assigned(draw(st.sampled_from(["sam", "dana", None])), at)
        case "moved":
            return moved(about or "SM1", draw(st.none() | CASES), at)
    return note(at)


def _holders(draw: st.DrawFn, at: datetime) -> Any:
    return holder(draw(PEOPLE), at, left=draw(st.booleans()))


def _replies(draw: st.DrawFn, at: datetime) -> Any:
    """Each text comes at a time of its own; a repeat is the same."""
    place, body = draw(ONCE)
    return reply(body, TEXTS[place], NOON + (200 * place + 100) * MINUTE)


@st.composite
def lives(draw: st.DrawFn) -> list[Any]:
    """No two records of one instant: of such, the last that comes holds."""
    minutes = draw(st.lists(st.integers(0, 600), min_size=1, max_size=14, unique=True))
    kinds = (_parties, _messages, _staff, _holders, _replies)
    records = [draw(st.sampled_from(kinds))(draw, NOON + minute * MINUTE) for minute in minutes]
    return [*records, _replies(draw, NOON)]


@settings(deadline=None, max_examples=150)
@given(told_twice(lives(), 5))
def test_order_and_repeats_do_not_matter(lives: tuple[list[Any], list[Any]]) -> None:
    once, twice = lives
    assert stands(run_all(*once)) == stands(run_all(*twice))


@settings(deadline=None, max_examples=50)
@given(told_twice(lives(), 5), st.integers(0, 20))
def test_a_crash_changes_nothing(lives: tuple[list[Any], list[Any]], step: int) -> None:
    _, records = lives
    processor = run_all(*records[:step])
    processor.crash()
    for record in records[step:]:
        processor.feed(record)
    assert stands(processor) == stands(run_all(*records))


@st.composite
def confirmed_lives(draw: st.DrawFn) -> list[Any]:
    """Two hearings of two cases that wait for one word, and texts around their reminders."""
    records: list[Any] = [reply("Hello", "SM0", NOON + 500 * MINUTE)]
    for place, case in enumerate("ab"):
        at = NOON + (300 * place + draw(st.integers(0, 99))) * MINUTE
        records.append(party(case, draw(PEOPLE), at, awaits=[awaited(case, "CK"[place])]))
        body = draw(st.sampled_from("CKH"))
        came = NOON + (200 * place + draw(st.integers(100, 199))) * MINUTE
        records.append(reply(body, f"SM{place + 1}", came))
    return [*records, needs_none(NOON + DAY / 2, "SM0")]


@settings(deadline=None, max_examples=50)
@given(told_twice(confirmed_lives(), 3))
def test_a_reminder_and_its_answer_may_come_in_any_order(
    lives: tuple[list[Any], list[Any]],
) -> None:
    once, twice = lives
    before, after = run_all(*once), run_all(*twice)
    assert stands(before) == stands(after)
    assert replies(before) == replies(after)


@settings(deadline=None, max_examples=100)
@given(told_twice(lives(), 5))
def test_a_version_says_something_new(lives: tuple[list[Any], list[Any]]) -> None:
    threads = run_all(*lives[1]).published_on(THREADS)
    assert [one.version for one in threads] == list(range(1, len(threads) + 1))
    for before, after in pairwise(threads):
        assert said(before) != said(after)
    for one in threads:
        assert (one.waiting_since is None) == (one.waiting_texts == 0)


@settings(deadline=None, max_examples=100)
@given(told_twice(lives(), 5), st.sampled_from([0, 10]))
def test_a_text_is_mailed_once(lives: tuple[list[Any], list[Any]], bundle: int) -> None:
    processor = run_all(*lives[1], mail={"to": "office@acme.example", "bundle_minutes": bundle})
    mails = processor.published_on(MAIL_REQUESTS)
    assert len({one.mail_id for one in mails}) == len(mails)
    came = {
        one.provider_id for one in lives[0] if isinstance(one, Reply) and "Liked" not in one.body
    }
    told = {one.inbound_id for one in mails}
    assert told == came if bundle == 0 else told <= came


def stands(processor: ProcessorHarness) -> dict[str, Any]:
    threads = processor.published_on(THREADS)
    return said(threads[-1]) if threads else {}


def said(thread: Thread) -> dict[str, Any]:
    return thread.model_dump(exclude={"version", "at"})


def replies(processor: ProcessorHarness) -> set[tuple[str, ...]]:
    return {
        (one.case_id, one.person_id, one.event_id, one.provider_id)
        for topic, one in processor.published
        if topic.name.endswith("case-replies")
    }

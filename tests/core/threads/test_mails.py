"""Mails to staff about replies, and about those that still wait."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.thread import MailRequest
from schemas.topics import MAIL_REQUESTS
from streams.local_time.business_days import add_working_hours
from streams.processing import Settings
from tests.core.harness import ProcessorHarness
from tests.core.threads.conversations import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    awaited,
    handled,
    message,
    moved,
    needs_none,
    party,
    reply,
    settings,
    thread_processor,
)

OFFICE = "office@acme.example"
OWN = "rivera@acme.example"
CASE_A = party("a", notify_email=OWN)


def mailer(*known: Any, **mail: Any) -> ProcessorHarness:
    processor = thread_processor(mail={"to": OFFICE} | mail)
    for value in known:
        processor.feed(value)
    return processor


def mails(processor: ProcessorHarness) -> list[MailRequest]:
    found: list[MailRequest] = processor.published_on(MAIL_REQUESTS)
    return found


def sent(processor: ProcessorHarness) -> list[tuple[str, str, str, int]]:
    return [(one.to, one.reason, one.inbound_id, one.texts) for one in mails(processor)]


def test_a_reply_is_mailed_to_the_case_s_own_address() -> None:
    processor = mailer(CASE_A, reply("Hello"), reply("Anybody there?", "SM2", NOON + MINUTE))
    assert sent(processor) == [(OWN, "reply", "SM1", 1), (OWN, "reply", "SM2", 1)]
    [first, second] = mails(processor)
    assert (first.case_id, first.case_title, first.names) == ("a", "In re a", ("Ana",))
    assert (first.last_digits, first.waiting_since) == ("0142", NOON)
    assert first.mail_id != second.mail_id
    assert "Hello" not in first.model_dump_json()


@pytest.mark.parametrize(
    ("known", "to"),
    [
        ([], [OFFICE]),
        ([party("a")], [OFFICE]),
        ([CASE_A, party("a", "luis", NOON - HOUR)], [OFFICE]),
        ([CASE_A, party("b", closed=True, notify_email="b@acme.example")], [OWN]),
        ([CASE_A, party("b"), message("m", case_id="a")], [OWN, OFFICE]),
        ([CASE_A, party("b", notify_email=OWN), message("m", case_id="a")], [OWN]),
        ([party("a", closed=True, notify_email=OWN)], [OWN]),
    ],
)
def test_one_mail_to_each_address_of_the_cases_that_it_may_be_about(
    known: list[Any], to: list[str]
) -> None:
    """Row 13."""
    processor = mailer(*known, reply("Hello"))
    assert [one.to for one in mails(processor)] == to
    assert len({one.mail_id for one in mails(processor)}) == len(to)


def test_without_an_address_there_is_no_mail_then_or_later() -> None:
    processor = thread_processor()
    processor.feed(reply("Hello"))
    processor.settings = settings(mail={"to": OFFICE})
    processor.feed(reply("Hello again", "SM2", NOON + MINUTE))
    assert [one.inbound_id for one in mails(processor)] == ["SM2"]


@pytest.mark.parametrize(
    ("body", "count", "waiting_since"),
    [
        ("Hello", 1, NOON),
        ("STOP", 1, None),
        ("START", 1, None),
        ("HELP", 1, None),
        ("C", 1, None),
        ("Liked “Court is on Tuesday”", 0, None),
    ],
)
def test_every_text_but_reactions_is_mailed(
    body: str, count: int, waiting_since: datetime | None
) -> None:
    processor = mailer(party("a", awaits=[awaited()]), reply(body))
    assert [one.waiting_since for one in mails(processor)] == [waiting_since] * count


def test_a_keyword_does_not_say_that_another_text_waits() -> None:
    processor = mailer(reply("Hello"), reply("HELP", "SM2", NOON + MINUTE))
    assert [one.waiting_since for one in mails(processor)] == [NOON, None]


def test_digits_are_shown_where_the_tenant_wants_it() -> None:
    assert mails(mailer(reply("Hello"), show_last_digits=False))[0].last_digits is None


def test_a_repeat_has_the_same_id() -> None:
    def ids() -> list[str]:
        return [one.mail_id for one in mails(mailer(CASE_A, reply("Hello")))]

    assert ids() == ids()
    processor = mailer(CASE_A, reply("Hello"), reply("Hello"), CASE_A)
    assert len(mails(processor)) == 1


# --- bursts


def burst(**mail: Any) -> ProcessorHarness:
    return mailer(
        CASE_A,
        reply("Hello"),
        reply("Are you there?", "SM2", NOON + 2 * MINUTE),
        reply("Liked “Court is on Tuesday”", "SM3", NOON + 3 * MINUTE),
        bundle_minutes=10,
        **mail,
    )


def test_one_mail_for_a_burst() -> None:
    processor = burst()
    processor.run_until(NOON + 9 * MINUTE)
    assert mails(processor) == []
    processor.run_until(NOON + 10 * MINUTE)
    assert sent(processor) == [(OWN, "reply", "SM2", 2)]
    processor.run_until(NOON + DAY)
    assert len(mails(processor)) == 1


def test_no_mail_if_it_was_answered_meanwhile() -> None:
    processor = burst()
    processor.feed(message("m", "queued", NOON + 5 * MINUTE, written_by="dana"))
    processor.run_until(NOON + HOUR)
    assert mails(processor) == []


def test_what_came_after_the_answer_is_mailed() -> None:
    processor = burst()
    processor.feed(needs_none(NOON + 3 * MINUTE, "SM1"))
    processor.run_until(NOON + HOUR)
    assert sent(processor) == [(OWN, "reply", "SM2", 1)]


def test_the_next_burst_has_a_mail_of_its_own() -> None:
    processor = burst()
    processor.run_until(NOON + 10 * MINUTE)
    processor.feed(reply("Hello?", "SM4", NOON + 11 * MINUTE))
    processor.run_until(NOON + HOUR)
    assert [one.inbound_id for one in mails(processor)] == ["SM2", "SM4"]


def test_texts_of_a_burst_go_to_the_address_of_their_case() -> None:
    processor = burst()
    processor.feed(moved("SM2", None, NOON + 5 * MINUTE))
    processor.run_until(NOON + HOUR)
    assert sent(processor) == [(OWN, "reply", "SM1", 1), (OFFICE, "reply", "SM2", 1)]


def test_a_crash_does_not_lose_a_burst() -> None:
    processor = burst()
    processor.crash()
    processor.run_until(NOON + HOUR)
    assert len(mails(processor)) == 1


# --- still unanswered


def test_a_second_mail_after_working_hours() -> None:
    """From noon on Tuesday, eight hours are 12 on Wednesday: 5 and then 3 from 9 on."""
    processor = mailer(CASE_A, reply("Hello"), unanswered_hours=8)
    due = datetime(2026, 12, 2, 17, tzinfo=UTC)
    processor.run_until(due - MINUTE)
    assert [one.reason for one in mails(processor)] == ["reply"]
    processor.run_until(due)
    assert sent(processor)[1:] == [(OWN, "unanswered", "SM1", 1)]
    assert mails(processor)[1].waiting_since == NOON
    processor.feed(reply("Still there?", "SM2", due + HOUR))
    processor.run_until(due + 30 * DAY)
    assert [one.reason for one in mails(processor)].count("unanswered") == 1


def test_the_next_time_of_waiting_has_its_own() -> None:
    processor = mailer(reply("Hello"), unanswered_hours=1)
    processor.run_until(NOON + 2 * HOUR)
    processor.feed(handled(NOON + 2 * HOUR))
    processor.feed(reply("And now?", "SM2", NOON + 3 * HOUR))
    processor.run_until(NOON + 30 * DAY)
    unanswered = [one.inbound_id for one in mails(processor) if one.reason == "unanswered"]
    assert unanswered == ["SM1", "SM2"]


@pytest.mark.parametrize(
    "answer",
    [handled(NOON + HOUR), needs_none(), message("m", at=NOON + HOUR, written_by="dana")],
)
def test_no_second_mail_once_it_is_answered(answer: Any) -> None:
    processor = mailer(reply("Hello"), answer, unanswered_hours=2)
    processor.run_until(NOON + 30 * DAY)
    assert [one.reason for one in mails(processor)] == ["reply"]


def test_the_second_mail_goes_by_the_case_that_it_was_moved_to() -> None:
    processor = mailer(
        CASE_A, party("b", notify_email="b@acme.example"), reply("Hello"), unanswered_hours=2
    )
    processor.feed(moved("SM1", "b", NOON + HOUR))
    processor.run_until(NOON + 3 * HOUR)
    assert [one.to for one in mails(processor) if one.reason == "unanswered"] == ["b@acme.example"]


def test_a_tenant_that_wants_it_later_is_told_of_what_waits() -> None:
    """The runtime looks again at every thread when settings change, and keeps timers."""
    processor = mailer(reply("Hello"))
    processor.settings = wants_second_mail(1)
    processor.on_timer(processor.state, "thread", processor.now, processor.settings)
    processor.feed(reply("Liked “Hello”", "SM2", NOON))
    processor.run_until(NOON + HOUR)
    assert [one.reason for one in mails(processor)] == ["reply", "unanswered"]


def test_what_was_left_unanswered_long_ago_is_not_mailed() -> None:
    """A version that is new here reads a month of replies, or a tenant begins with mails."""
    processor = thread_processor(now=NOON + 30 * DAY, mail={"to": OFFICE, "unanswered_hours": 1})
    processor.feed(reply("Hello"))
    processor.feed(reply("Hello?", "SM2", NOON + 29 * DAY))
    processor.run_until(NOON + 60 * DAY)
    assert sent(processor) == [(OFFICE, "reply", "SM2", 1), (OFFICE, "unanswered", "SM2", 2)]


def test_a_look_for_new_settings_keeps_the_timer() -> None:
    processor = mailer(reply("Hello"), unanswered_hours=2)
    step = processor.on_timer(processor.state, "thread", NOON + MINUTE, processor.settings)
    assert step.timers == {"thread": NOON + 2 * HOUR}


def wants_second_mail(hours: int) -> Settings:
    return settings(mail={"to": OFFICE, "unanswered_hours": hours})


@pytest.mark.parametrize(
    ("at", "hours", "due"),
    [
        ("2026-12-01T10:00", 1, "2026-12-01T11:00"),
        ("2026-12-01T10:00", 7, "2026-12-01T17:00"),
        ("2026-12-01T10:00", 8, "2026-12-02T10:00"),
        ("2026-12-01T05:00", 1, "2026-12-01T10:00"),
        ("2026-12-01T17:00", 1, "2026-12-02T10:00"),
        ("2026-12-04T16:00", 2, "2026-12-07T10:00"),
        ("2026-12-05T12:00", 1, "2026-12-07T10:00"),
        ("2026-12-24T16:30", 1, "2026-12-28T09:30"),
        ("2026-10-30T16:00", 2, "2026-11-02T10:00"),
        ("2026-12-01T09:00", 24, "2026-12-03T17:00"),
    ],
)
def test_working_hours_are_those_of_the_office(at: str, hours: int, due: str) -> None:
    """Of New York: weekends, Christmas and the change of clocks are between."""
    zone = settings().tenants["acme"].zone
    begin = datetime.fromisoformat(at).replace(tzinfo=zone)
    assert add_working_hours(begin, hours, zone) == datetime.fromisoformat(due).replace(tzinfo=zone)

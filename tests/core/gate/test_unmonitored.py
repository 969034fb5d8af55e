"""A sender that nobody reads says whom to contact, to those who may be texted."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.person import NumberFact
from schemas.topics import DECISIONS, DISPATCH_ORDERS
from streams.processing import Publication
from tests.core.gate.cases import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    OWN,
    PHONE,
    gate_processor,
    opt_in,
    opt_out,
    reply,
    request,
)
from tests.core.harness import ProcessorHarness, on_topic

KIND = "unmonitored_answer"


def answers(published: list[Publication]) -> list[str]:
    return [order.body for order in on_topic(DISPATCH_ORDERS, published) if order.kind == KIND]


def consented(**policy: Any) -> ProcessorHarness:
    processor = gate_processor(contact="+1 212 555 0100", **policy)
    processor.feed(opt_in())
    return processor


def ask(processor: ProcessorHarness, body: str = "What time?", **changes: Any) -> list[str]:
    return answers(processor.publish_from(reply(body, unmonitored=True, **changes)))


TEXT = "This number isn't monitored. Please contact Acme at +1 212 555 0100."


def test_it_says_whom_to_contact() -> None:
    processor = consented()
    assert ask(processor) == [TEXT]
    [order] = [one for one in processor.published_on(DISPATCH_ORDERS) if one.kind == KIND]
    assert (order.sender, order.send_before) == (OWN, NOON + 5 * MINUTE)
    [decision] = [one for one in processor.published_on(DECISIONS) if one.kind == KIND]
    assert (decision.verdict, decision.requested_by) == ("send", "sayso")


@pytest.mark.parametrize(
    ("contact", "text"),
    [
        ("", "This number isn't monitored. Please contact Acme."),
        ("Dana, 555-0100.", "This number isn't monitored. Please contact Acme at Dana, 555-0100."),
    ],
)
def test_without_a_contact_it_names_the_tenant(contact: str, text: str) -> None:
    processor = gate_processor(contact=contact)
    processor.feed(opt_in())
    assert ask(processor) == [text]


def test_the_inbox_decides_whether_it_is_time() -> None:
    processor = consented()
    assert answers(processor.publish_from(reply("What time?"))) == []
    assert ask(processor, provider_id="SM1") == [TEXT]
    assert ask(processor, provider_id="SM1") == []
    assert ask(processor) == [TEXT]
    ids = [one.message_id for one in processor.published_on(DISPATCH_ORDERS) if one.kind == KIND]
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    "before",
    [
        opt_out(),
        reply("STOP"),
        reply("I might not want these texts any more"),
        NumberFact(tenant="acme", number=PHONE, landline=True, at=NOON),
        NumberFact(tenant="acme", number=PHONE, type="voicemail", at=NOON),
        NumberFact(tenant="acme", number=PHONE, suppressed=True, at=NOON),
        NumberFact(tenant="acme", number=PHONE, sms_enabled=False, at=NOON),
    ],
)
def test_not_to_somebody_who_may_not_be_texted(before: Any) -> None:
    processor = consented()
    processor.feed(before)
    assert ask(processor) == []
    assert [one for one in processor.published_on(DECISIONS) if one.kind == KIND] == []


def test_nobody_who_has_not_opted_in_is_texted_or_asked() -> None:
    processor = gate_processor(contact="+1 212 555 0100")
    assert ask(processor) == []
    assert processor.published_on(DECISIONS) == []


def test_a_tenant_that_may_not_text_answers_nothing() -> None:
    assert ask(consented(entitled=False)) == []


@pytest.mark.parametrize("body", ["STOP", "HELP", "START", "please remove me from the list", "🛑"])
def test_a_keyword_has_its_own_answer(body: str) -> None:
    assert ask(consented(), body) == []


@pytest.mark.parametrize(("minutes", "count"), [(0, 0), (59, 0), (60, 1)])
def test_not_within_an_hour_of_a_person_s_text(minutes: int, count: int) -> None:
    processor = consented()
    processor.feed(request(kind="direct", written_by="dana"))
    at = NOON + minutes * MINUTE
    processor.run_until(at)
    published = processor.publish_from(reply("Thanks!", unmonitored=True, received_at=at), at=at)
    assert len(answers(published)) == count


def test_automatic_texts_do_not_hold_it() -> None:
    processor = consented()
    processor.feed(request())
    assert ask(processor) == [TEXT]


def test_quiet_hours_do_not_hold_an_immediate_answer() -> None:
    processor = consented(when={})
    night = NOON + DAY / 2
    processor.run_until(night)
    published = processor.publish_from(reply("Hello", unmonitored=True), at=night)
    assert answers(published) == [TEXT]


def test_a_late_answer_is_none() -> None:
    """The gate was down when it was written."""
    processor = consented()
    processor.run_until(NOON + HOUR)
    late = reply("Hello", unmonitored=True, appended_at=NOON)
    assert answers(processor.publish_from_stamped(late, NOON)) == []

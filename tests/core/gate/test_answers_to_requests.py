"""Answers to an opt-in request that are no keyword: a "no" may be a STOP, an "ok" is no consent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.consent import ConsentState
from schemas.send import Returned
from schemas.send_request import Kind
from schemas.topics import CONSENT_LOG, CONTACTS, DECISIONS, DISPATCH_ORDERS
from streams.gate import opt_in_state
from streams.processing import Publication
from tests.core.gate.cases import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    ask,
    gate_processor,
    number_state,
    opt_in,
    reply,
    request,
)
from tests.core.harness import ProcessorHarness, on_topic

REFUSALS = [
    *("no", "No.", "NO!!!", "nooo", "nope", "No thanks", "no thank you", "no not me", "not now"),
    "No I do not know who this is",
    *("non merci", "nein", "não", "нет", "لا", "不要", "いいえ", "아니요", "नहीं", "không", "hindi"),
    *("🛑", "🛑🛑", "✋", "👎", "👎🏽", "😡", "😠", "🤬", "ok 😡", "fine 🙄😤", "who is this 😠"),
    *("Yes 🛑", "START 😡", "yes 👎"),
]
SOFT = [
    *(
        "Yes please",
        "yes please!",
        "ok",
        "OK",
        "Ok.",
        "okay",
        "k",
        "si",
        "Sí",
        "sure",
        "yeah",
        "yep",
    ),
    *(
        "oui",
        "ja",
        "да",
        "好的",
        "はい",
        "네",
        "👍",
        "👍🏽",
        "start please",
        "Yes I would",
        "no problem",
    ),
]
FOR_PEOPLE = ["who is this?", "call me", "I will think about it", "yes but what about my case then"]


def asked(**policy: Any) -> ProcessorHarness:
    processor = gate_processor(**policy)
    processor.feed(request(message_id="first"), at=NOON)
    assert number_state(processor).state is ConsentState.PENDING
    return processor


def kinds(published: list[Publication]) -> list[str]:
    return [order.kind for order in on_topic(DISPATCH_ORDERS, published)]


@pytest.mark.parametrize("body", REFUSALS)
def test_a_no_is_never_a_yes_and_at_least_possible(body: str) -> None:
    processor = asked()
    published = processor.publish_from(reply(body), at=NOON + MINUTE)
    (entry,) = on_topic(CONSENT_LOG, published)
    assert entry.action in ("maybe_revoked", "opt_out")
    assert number_state(processor).state is not ConsentState.OPTED_IN
    assert kinds(published) in ([], ["stop_confirmation"])
    assert entry.read_by


@pytest.mark.parametrize("body", ["no", "nope", "No thanks"])
def test_without_a_request_a_no_is_for_people(body: str) -> None:
    processor = gate_processor()
    processor.feed(opt_in(), at=NOON)
    assert processor.publish_from(reply(body), at=NOON + MINUTE) == []


@pytest.mark.parametrize("body", SOFT)
def test_a_soft_yes_is_no_consent_and_gets_one_hint(body: str) -> None:
    processor = asked()
    published = processor.publish_from(reply(body), at=NOON + MINUTE)
    assert kinds(published) == ["opt_in_hint"]
    (order,) = on_topic(DISPATCH_ORDERS, published)
    assert "reply START" in order.body
    assert on_topic(CONSENT_LOG, published) == []
    assert number_state(processor).state is ConsentState.PENDING
    assert processor.publish_from(reply(body), at=NOON + 2 * MINUTE) == []


@pytest.mark.parametrize("body", FOR_PEOPLE)
def test_anything_else_is_for_people(body: str) -> None:
    assert asked().publish_from(reply(body), at=NOON + MINUTE) == []


@pytest.mark.parametrize("body", ["ok", "Yes please", "si"])
def test_a_tenant_may_list_them(body: str) -> None:
    processor = asked(keywords={"yes": ["ok", "yes please"]}, locales=["es"])
    published = processor.publish_from(reply(body), at=NOON + MINUTE)
    assert kinds(published) == ["start_confirmation", "reminder"]


def test_yes_answers_our_request_as_ever() -> None:
    assert kinds(asked().publish_from(reply("YES"), at=NOON + MINUTE)) == [
        "start_confirmation",
        "reminder",
    ]


def test_a_hint_is_no_opt_in_request() -> None:
    processor = asked()
    before = opt_in_state.opt_in_requests(number_state(processor))
    published = processor.publish_from(reply("ok"), at=NOON + MINUTE)
    after = opt_in_state.opt_in_requests(number_state(processor))
    assert after == before.model_copy(update={"hinted": True})
    assert on_topic(CONTACTS, published) == []
    assert opt_in_state.next_request_at(number_state(processor)) == NOON + DAY


def test_the_next_request_may_have_its_own_hint() -> None:
    processor = asked()
    processor.feed(reply("ok"), at=NOON + MINUTE)
    processor.feed(ask(), at=NOON + DAY + MINUTE)
    published = processor.publish_from(reply("sure"), at=NOON + DAY + HOUR)
    assert kinds(published) == ["opt_in_hint"]
    assert len({d.message_id for d in processor.published_on(DECISIONS)}) == 5


@pytest.mark.parametrize("answer", ["START", "STOP"])
def test_at_night_it_waits_and_a_real_answer_ends_it(answer: str) -> None:
    night = NOON + timedelta(hours=14)
    processor = gate_processor(when={"quiet_hours": {"from": "21:00", "until": "08:00"}})
    processor.feed(request(message_id="first"), at=NOON)
    published = processor.publish_from(reply("ok"), at=night)
    (decision,) = on_topic(DECISIONS, published)
    assert (decision.kind, decision.verdict) == ("opt_in_hint", "hold")
    published = processor.publish_from(reply(answer), at=night + MINUTE)
    ended = [d.verdict for d in on_topic(DECISIONS, published) if d.kind == "opt_in_hint"]
    assert ended in (["cancel"], ["reject"])


def test_without_an_answer_the_hint_goes_in_the_morning() -> None:
    processor = gate_processor(when={"quiet_hours": {"from": "21:00", "until": "08:00"}})
    processor.feed(request(message_id="first"), at=NOON)
    processor.feed(reply("ok"), at=NOON + timedelta(hours=14))
    assert kinds(processor.run_until(NOON + DAY)) == ["opt_in_hint"]


def test_no_producer_may_send_one() -> None:
    processor = gate_processor()
    processor.feed(opt_in(), at=NOON)
    (decision,) = on_topic(DECISIONS, processor.publish_from(request(kind="opt_in_hint")))
    assert decision.verdict == "reject"
    assert "opt_in_hint" not in set(Kind)


def test_after_a_no_there_is_no_hint() -> None:
    processor = asked()
    processor.feed(reply("no"), at=NOON + MINUTE)
    assert kinds(processor.publish_from(reply("ok"), at=NOON + 2 * MINUTE)) == []


def test_before_the_request_was_out_nothing_answers_it() -> None:
    processor = asked()
    assert processor.publish_from(reply("no", appended_at=NOON - HOUR)) == []
    assert processor.publish_from(reply("ok", appended_at=NOON - HOUR)) == []


def test_a_hint_that_could_not_leave_is_not_sent_late() -> None:
    processor = asked()
    (order,) = on_topic(DISPATCH_ORDERS, processor.publish_from(reply("ok"), at=NOON + MINUTE))
    late = Returned(order=order, reason="late", code="no_room", at=NOON + HOUR, until=NOON + DAY)
    (decision,) = on_topic(DECISIONS, processor.publish_from(late, at=NOON + HOUR))
    assert decision.verdict == "expire"

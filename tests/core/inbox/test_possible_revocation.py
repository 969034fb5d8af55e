"""On a shared sender: what may be a STOP pauses every tenant that a STOP would reach, and a STOP of
several tenants is confirmed once."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.inbound import Reply
from schemas.tenant_settings import TenantSettings
from schemas.topics import CONSENT_EVENTS, REPLIES
from streams.processing import build_settings
from tests.core.gate.cases import SENDERS, gate_processor, number_state, opt_in, reply
from tests.core.gate.test_auto_replies import own
from tests.core.harness import ProcessorHarness, on_topic
from tests.core.inbox.test_inbox import (
    MINUTE,
    NOON,
    OWN,
    SHARED,
    contact,
    inbound,
    inbox_processor,
)

SETTINGS = build_settings(
    {
        name: TenantSettings(tenant=name, name=name.title(), sender=SHARED)
        for name in ("acme", "bolt")
    },
    SENDERS,
)


def texted(*tenants: str, asked: str = "") -> ProcessorHarness:
    processor = inbox_processor()
    processor.settings = SETTINGS
    for minute, tenant in enumerate(tenants):
        processor.feed(contact(tenant, minute, asked=tenant == asked))
    return processor


def told(
    processor: ProcessorHarness, body: str, **changes: Any
) -> tuple[dict[str, str], dict[str, tuple[str | None, str | None]]]:
    """By tenant: the text that it may read, and what it is told of words and what found them."""
    published = processor.publish_from(inbound(body, **changes), at=NOON + MINUTE)
    replies = {reply.tenant: reply.body for reply in on_topic(REPLIES, published)}
    events = on_topic(CONSENT_EVENTS, published)
    assert {event.action.value for event in events} <= {"maybe_revoked"}
    return replies, {event.tenant: (event.evidence.text, event.read_by) for event in events}


def test_the_last_texter_reads_it_and_the_others_learn_the_words() -> None:
    replies, events = told(texted("acme", "bolt"), "Fin!")
    assert replies == {"bolt": "Fin!"}
    assert events == {"acme": ("fin", "fr:fin")}


def test_what_it_says_pauses_the_other_tenant() -> None:
    published = texted("acme", "bolt").publish_from(inbound("FIN"), at=NOON + MINUTE)
    (event,) = on_topic(CONSENT_EVENTS, published)
    gate = gate_processor()
    gate.feed(opt_in(), at=NOON)
    gate.feed(event, at=NOON + MINUTE)
    question = number_state(gate).question
    assert question is not None
    assert (question.read_by, question.evidence.text) == ("fr:fin", "fin")


def test_nobody_is_known_to_have_texted() -> None:
    replies, events = told(texted(), "fin")
    assert (replies, set(events)) == ({}, {"acme", "bolt"})


def test_at_a_sender_of_its_own() -> None:
    processor = inbox_processor(OWN)
    published = processor.publish_from(inbound("fin", sender=OWN, to_address=OWN))
    assert [reply.tenant for reply in on_topic(REPLIES, published)] == ["acme"]
    assert on_topic(CONSENT_EVENTS, published) == []


def test_a_no_is_for_whoever_asked_too() -> None:
    replies, events = told(texted("acme", "bolt", asked="acme"), "No 👎")
    assert replies == {"bolt": "No 👎"}
    assert events == {"acme": ("👎", "answer:👎")}


def test_without_a_request_a_no_is_for_the_last_texter() -> None:
    assert told(texted("acme", "bolt"), "no") == ({"bolt": "no"}, {})


def test_an_ok_is_for_the_last_texter() -> None:
    assert told(texted("acme", "bolt", asked="acme"), "ok") == ({"bolt": "ok"}, {})


def test_a_no_leaves_the_request_open() -> None:
    processor = texted("bolt", "acme", asked="acme")
    told(processor, "no", provider_id="1")
    assert told(processor, "START", provider_id="2")[0] == {"acme": "START"}


@pytest.mark.parametrize("sign", ["START 🛑", "Yes 😡"])
def test_a_yes_with_a_sign_of_refusal_is_none(sign: str) -> None:
    replies, events = told(texted("acme", "bolt", asked="acme"), sign)
    assert replies == {"bolt": sign}
    assert set(events) == {"acme"}


# --- the provider's own keywords


@pytest.mark.parametrize(
    ("keyword", "body", "tenants"),
    [
        ("stop", "Genug", ["acme", "bolt"]),
        ("start", "Weiter", ["acme"]),
        ("help", "Was", ["bolt"]),
        ("something new", "hello", ["bolt"]),
    ],
)
def test_a_providers_keyword_is_routed_as_ours(keyword: str, body: str, tenants: list[str]) -> None:
    processor = texted("acme", "bolt", asked="acme")
    published = processor.publish_from(inbound(body, carrier_keyword=keyword))
    assert [reply.tenant for reply in on_topic(REPLIES, published)] == tenants
    assert {reply.carrier_keyword for reply in on_topic(REPLIES, published)} == {keyword}


def test_our_stop_outweighs_a_providers_start() -> None:
    replies, _ = told(texted("acme", "bolt"), "please stop texting me", carrier_keyword="start")
    assert set(replies) == {"acme", "bolt"}


# --- confirmed once


def replies_to(processor: ProcessorHarness, body: str) -> list[Reply]:
    return on_topic(REPLIES, processor.publish_from(inbound(body), at=NOON + MINUTE))


@pytest.mark.parametrize("body", ["STOP", "please stop texting me"])
def test_a_stop_of_several_tenants_is_confirmed_by_the_last(body: str) -> None:
    replies = replies_to(texted("bolt", "acme"), body)
    assert {reply.tenant: reply.confirmed_by for reply in replies} == {
        "acme": "acme",
        "bolt": "acme",
    }


def test_where_nobody_texted_one_confirms() -> None:
    assert {reply.confirmed_by for reply in replies_to(texted(), "STOP")} == {"acme"}


@pytest.mark.parametrize(
    ("between", "confirming"),
    [(None, "bolt"), ("hello", "bolt"), ("START", "acme")],
    ids=["stopped before", "stopped before, and wrote since", "started again"],
)
def test_who_was_stopped_before_does_not_confirm(between: str | None, confirming: str) -> None:
    """Nothing would change there, so its gate would say nothing, and nobody else either."""
    processor = texted("acme")
    told(processor, "STOP", provider_id="1")
    if between:
        told(processor, between, provider_id="2")
    processor.feed(contact("bolt", 2))
    processor.feed(contact("acme", 3))  # its own confirmation
    published = processor.publish_from(inbound("STOP", provider_id="3"), at=NOON + 4 * MINUTE)
    assert {one.tenant: one.confirmed_by for one in on_topic(REPLIES, published)} == {
        "acme": confirming,
        "bolt": confirming,
    }


@pytest.mark.parametrize("body", ["START", "hello", "HELP"])
def test_nothing_else_has_one_that_confirms(body: str) -> None:
    assert [reply.confirmed_by for reply in replies_to(texted("acme", "bolt"), body)] == [None]


def test_a_stop_of_one_is_its_own() -> None:
    record = inbound("STOP", sender=OWN, to_address=OWN)
    (stopped,) = on_topic(REPLIES, inbox_processor(OWN).publish_from(record))
    assert stopped.confirmed_by is None


@pytest.mark.parametrize(("confirming", "confirmed"), [("acme", 1), ("bolt", 0), (None, 1)])
def test_the_gate_of_another_tenant_is_silent(confirming: str | None, confirmed: int) -> None:
    gate = gate_processor()
    gate.feed(opt_in(), at=NOON)
    stopped = gate.publish_from(reply("STOP", confirmed_by=confirming), at=NOON + MINUTE)
    assert len(own(stopped)) == confirmed
    assert number_state(gate).state.value == "opted_out"

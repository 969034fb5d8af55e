"""Staff say of somebody's text that they want no more: it counts as an opt-out, with that text as
the proof."""

from __future__ import annotations

from typing import Any

from schemas.base import Evidence
from schemas.consent import ConsentState
from schemas.topics import CONSENT_LOG, DISPATCH_CONTROLS, DISPATCH_ORDERS
from tests.core.gate.cases import (
    HOUR,
    NOON,
    gate_processor,
    number_state,
    opt_in,
    opt_out,
    reply,
    request,
)
from tests.core.harness import ProcessorHarness, on_topic

WORDS = "I have a lawyer of my own now"
PROOF = Evidence(
    topic="sms.inbound",
    partition=3,
    offset=17,
    text=WORDS,
    actor="dana",
    origin="sms.inbound/3@17",
)


def no_more(**changes: Any) -> Any:
    return opt_out(
        **{"event_id": "no-more:SM1", "source": "manual", "evidence": PROOF, "at": NOON} | changes
    )


def consented() -> ProcessorHarness:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(request(message_id="a"))
    assert processor.publish_from(reply(WORDS, provider_id="SM1")) == []
    return processor


def test_the_text_is_the_proof() -> None:
    processor = consented()
    published = processor.publish_from(no_more())
    [entry] = on_topic(CONSENT_LOG, published)
    assert (entry.action, entry.now, entry.applied) == ("opt_out", "opted_out", True)
    assert (entry.evidence.text, entry.evidence.actor) == (WORDS, "dana")
    assert entry.evidence.origin == "sms.inbound/3@17"
    assert [one.type for one in on_topic(DISPATCH_CONTROLS, published)] == ["stop"]
    assert not number_state(processor).flagged
    assert on_topic(DISPATCH_ORDERS, processor.publish_from(request())) == []


def test_said_twice_it_counts_once() -> None:
    processor = consented()
    processor.feed(no_more())
    assert processor.publish_from(no_more(at=NOON)) == []
    again = processor.publish_from(no_more(at=NOON + HOUR))
    assert [entry.applied for entry in on_topic(CONSENT_LOG, again)] == [False]


def test_it_answers_a_question_and_confirms_what_was_flagged() -> None:
    for words, state in (
        ("I might not want these texts any more", ConsentState.OPTED_IN),
        ("leave me alone", ConsentState.OPTED_OUT),
    ):
        processor = gate_processor()
        processor.feed(opt_in())
        processor.feed(reply(words))
        before = number_state(processor)
        assert (before.state, before.question is None) == (state, state is ConsentState.OPTED_OUT)
        processor.feed(no_more())
        after = number_state(processor)
        assert (after.state, after.question, after.flagged) == (ConsentState.OPTED_OUT, None, False)

"""Whatever its size, a fact gets an answer and no row outgrows its bound (64 kB; a record on
Kafka: 1 MB)."""

from __future__ import annotations

import pytest

from schemas.base import Evidence
from schemas.consent import ConsentState
from schemas.person import NumberFact
from schemas.topics import CONSENT_LOG, DEAD_LETTERS
from tests.core.gate.cases import (
    NOON,
    PHONE,
    decided,
    gate_processor,
    number_state,
    opt_in,
    opt_out,
    reply,
    request,
)
from tests.core.harness import ProcessorHarness, on_topic

HUGE = "x" * 900_000


def fits(processor: ProcessorHarness) -> bool:
    state = all(len(name) + len(row) < 64 << 10 for name, row in processor.state.raw.items())
    return state and all(
        len(value.model_dump_json()) < 500_000
        for topic, value in processor.published
        if topic is not DEAD_LETTERS
    )


def test_a_text_like_a_file_is_refused_in_words() -> None:
    processor = gate_processor()
    assert decided(processor.publish_from(request(message_id="a", body=HUGE))) == [
        ("a", "reject", ["not_opted_in", "bad_body"])
    ]
    assert fits(processor)


@pytest.mark.parametrize(
    "field", ["branch", "sender", "kind", "person_id", "time_zone", "requested_by"]
)
def test_a_field_like_a_file_is_set_aside(field: str) -> None:
    processor = gate_processor()
    (letter,) = on_topic(DEAD_LETTERS, processor.publish_from(request(**{field: HUGE})))
    assert letter.cause == "too_large"
    assert processor.state.raw == {}


def test_a_number_fact_like_a_file_is_set_aside() -> None:
    processor = gate_processor()
    record = NumberFact(tenant="acme", number=PHONE, time_zone=HUGE, at=NOON)
    assert [letter.cause for letter in on_topic(DEAD_LETTERS, processor.publish_from(record))] == [
        "too_large"
    ]


def test_a_stop_counts_however_much_is_attached() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    event = opt_out(source=HUGE, sender=HUGE, evidence=Evidence(text=HUGE, wording=HUGE))
    (change,) = on_topic(CONSENT_LOG, processor.publish_from(event))
    assert change.now is ConsentState.OPTED_OUT
    processor.feed(reply(" " * 900_000 + "STOP"))
    assert fits(processor)


def test_only_what_is_given_is_learned() -> None:
    processor = gate_processor()
    processor.feed(
        NumberFact(
            tenant="acme", number=PHONE, sms_enabled=True, time_zone="America/Chicago", at=NOON
        )
    )
    processor.feed(NumberFact(tenant="acme", number=PHONE, sms_enabled=False, at=NOON))
    row = number_state(processor)
    assert (row.sms_enabled, row.time_zone, row.landline) == (False, "America/Chicago", None)
    processor.feed(opt_in())
    assert decided(processor.publish_from(request(message_id="a"))) == [
        ("a", "reject", ["not_sms_enabled"])
    ]

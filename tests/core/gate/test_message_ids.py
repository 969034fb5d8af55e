from __future__ import annotations

import base64
import json

from schemas.topics import DEAD_LETTERS
from tests.core.gate.cases import (
    DAY,
    MINUTE,
    NOON,
    decided,
    gate_processor,
    opt_in,
    opt_out,
    request,
)
from tests.core.harness import on_topic


def test_a_repeat_says_nothing_whatever_has_become_of_the_first() -> None:
    processor = gate_processor()
    asked = request()
    processor.feed(asked)
    assert processor.publish_from(asked) == []
    processor.feed(opt_in())
    assert processor.publish_from(asked) == []
    assert (
        processor.publish_from(
            request(message_id=asked.message_id, requested_at=NOON, person_id="p9")
        )
        == []
    )
    processor.feed(opt_out(), at=NOON + MINUTE)
    assert processor.publish_from(asked) == []
    assert len(decided(processor.published)) == 2


def test_another_text_under_the_same_id_is_set_aside_whole() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(request(message_id="a", body="one"))
    (letter,) = on_topic(DEAD_LETTERS, processor.publish_from(request(message_id="a", body="two")))
    assert (letter.room, letter.topic, letter.offset, letter.cause) == (
        "gate",
        "sms.send-requests",
        2,
        "id_reused",
    )
    assert json.loads(letter.value_bytes or b"")["body"] == "two"
    assert base64.b64decode(letter.key or "") == b"acme/+14155550100"
    assert len(decided(processor.published)) == 1


def test_the_same_number_written_otherwise_is_the_same_request() -> None:
    processor = gate_processor()
    processor.feed(request(message_id="a"))
    assert processor.publish_from(request(message_id="a", to="+1 (415) 555-0100")) == []


def test_ids_are_forgotten_when_the_topic_has_forgotten_them() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(request(message_id="a"))
    processor.run_until(NOON + 35 * DAY)
    assert decided(
        processor.publish_from(request(message_id="a", requested_at=NOON + 35 * DAY))
    ) == [("a", "send", [])]

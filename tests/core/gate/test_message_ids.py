from __future__ import annotations

import base64
import json

from schemas.topics import DEAD_LETTERS
from tests.core.gate.cases import DAY, MINUTE, NOON, decided, opt_in, opt_out, played, request
from tests.core.playing import of


def test_a_repeat_says_nothing_whatever_has_become_of_the_first() -> None:
    processor = played()
    asked = request()
    processor.tell(asked)
    assert processor.tell(asked) == []
    processor.tell(opt_in())
    assert processor.tell(asked) == []
    assert (
        processor.tell(request(message_id=asked.message_id, requested_at=NOON, person_id="p9"))
        == []
    )
    processor.tell(opt_out(), at=NOON + MINUTE)
    assert processor.tell(asked) == []
    assert len(decided(processor.published)) == 2


def test_another_text_under_the_same_id_is_set_aside_whole() -> None:
    processor = played()
    processor.tell(opt_in())
    processor.tell(request(message_id="a", body="one"))
    (letter,) = of(DEAD_LETTERS, processor.tell(request(message_id="a", body="two")))
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
    processor = played()
    processor.tell(request(message_id="a"))
    assert processor.tell(request(message_id="a", to="+1 (415) 555-0100")) == []


def test_ids_are_forgotten_when_the_topic_has_forgotten_them() -> None:
    processor = played()
    processor.tell(opt_in())
    processor.tell(request(message_id="a"))
    processor.until(NOON + 35 * DAY)
    assert decided(processor.tell(request(message_id="a", requested_at=NOON + 35 * DAY))) == [
        ("a", "send", [])
    ]

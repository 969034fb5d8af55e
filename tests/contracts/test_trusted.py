"""What is made of trusted values cannot be told from what was checked."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.base import Evidence, Message
from schemas.decision import Decision, Finding, Verdict
from schemas.send import Send
from schemas.trusted import but, made
from streams.gate.rows import NumberRow
from tests.properties.messages import messages


@given(st.one_of(messages(Send), messages(Decision), messages(Evidence)))
def test_it_is_the_same_message_and_the_same_bytes(message: Message) -> None:
    twin = made(type(message), **dict(message))
    assert (twin, repr(twin)) == (message, repr(message))
    assert twin.model_dump_json(exclude_none=True) == message.model_dump_json(exclude_none=True)
    assert pickle.loads(pickle.dumps(twin)) == copy.copy(twin) == twin.model_copy() == message


def test_what_is_not_given_is_as_the_model_says() -> None:
    assert made(NumberRow) == NumberRow()
    assert made(Evidence, topic="a").model_dump_json() == Evidence(topic="a").model_dump_json()


def test_a_changed_copy_is_another_message() -> None:
    found = Finding(rule="a", verdict=Verdict.HOLD, reason="b")
    assert but(found, rule="c") == Finding(rule="c", verdict=Verdict.HOLD, reason="b") != found
    assert found.rule == "a"


def test_what_must_be_given_and_is_not_goes_nowhere() -> None:
    with pytest.raises(ValueError, match="Unable to serialize"):
        made(Finding, rule="a").model_dump_json()  # type: ignore[call-arg]

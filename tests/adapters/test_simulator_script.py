"""Scripts: what may be written, what it means, and what is said of a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.local.simulator import Script, read_script
from services.local.simulator.determinism import SeededRandom
from services.local.simulator.script import FinalStatus, ReceiptFault, ResponseKind, Scenario

SCRIPT = """
numbers:
  "+14155550100": delivered
  "+14155550101": [rate-limit, delivered]
  "+14155550102": {fate: "undelivered:30003", receipts: [late, duplicated], late: 2, replies: [{body: STOP}]}
  "+1415555*": failed:30006
  "*9999": reset-before
otherwise: {mix: {delivered: 3, "undelivered:30005": 1}}
senders:
  "24365": {pace: 10}
"""


@pytest.fixture
def script(tmp_path: Path) -> Script:
    path = tmp_path / "script.yaml"
    path.write_text(SCRIPT)
    return read_script(path)


RANDOM = SeededRandom(7)


@pytest.mark.parametrize(
    ("number", "ordinal", "end", "call"),
    [
        ("+14155550100", 1, FinalStatus.DELIVERED, ResponseKind.OK),
        ("+14155550101", 1, FinalStatus.DELIVERED, ResponseKind.RATE_LIMIT),
        ("+14155550101", 2, FinalStatus.DELIVERED, ResponseKind.OK),
        ("+14155550101", 9, FinalStatus.DELIVERED, ResponseKind.OK),
        ("+14155550102", 1, FinalStatus.UNDELIVERED, ResponseKind.OK),
        ("+14155551234", 1, FinalStatus.FAILED, ResponseKind.OK),
        ("+14155559999", 1, FinalStatus.FAILED, ResponseKind.OK),
        ("+12125559999", 1, FinalStatus.DELIVERED, ResponseKind.RESET_BEFORE),
    ],
)
def test_who_gets_what(
    script: Script, number: str, ordinal: int, end: FinalStatus, call: ResponseKind
) -> None:
    fate = script.recipient(number).scenario(ordinal, RANDOM, number)
    assert (fate.end, fate.call) == (end, call)


def test_a_mix_is_drawn_in_proportion(script: Script) -> None:
    numbers = [f"+1212555{n:04d}" for n in range(2000)]
    ends = [script.recipient(number).scenario(1, RANDOM, number).end for number in numbers]
    assert 400 < ends.count(FinalStatus.UNDELIVERED) < 600


def test_the_details_are_read(script: Script) -> None:
    person = script.recipient("+14155550102")
    fate = person.scenario(1, RANDOM, "+14155550102")
    assert (fate.error, fate.late) == (30003, 2)
    assert fate.receipts == frozenset({ReceiptFault.LATE, ReceiptFault.DUPLICATED})
    assert [(says.after_texts, says.body) for says in person.replies] == [(1, "STOP")]


def test_only_named_senders_are_ours(script: Script) -> None:
    assert script.sender("24365") is not None
    assert script.sender("36524") is None
    assert Script().sender("36524") is not None


@pytest.mark.parametrize(
    ("word", "taken"),
    [
        ("delivered", True),
        ("reset-after", True),
        ("no-sid", True),
        ("http:500", False),
        ("hang", False),
    ],
)
def test_taken_unless_said_otherwise(word: str, taken: bool) -> None:
    assert Scenario.model_validate(word).taken is taken
    assert Scenario.model_validate({"fate": word, "taken": not taken}).taken is not taken


@pytest.mark.parametrize(
    "wrong",
    [
        "numbers: {'+1': deliverd}",
        "numbers: {'+1': failed}",
        "numbers: {'+1': 'delivered:30003'}",
        "numbers: {'+1': {fate: delivered, reciepts: [late]}}",
        "numbers: {'+1': {fate: delivered, receipts: [never]}}",
        "otherwise: {mix: {delivered: 0}}",
        "otherwise: {mix: {nonsense: 1}}",
        "senders: {'*': {pace: 0}}",
        "unknown: 1",
        "numbers: [",
    ],
)
def test_mistakes_are_named(wrong: str, tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(wrong)
    with pytest.raises(ValueError, match=r"script\.yaml"):
        read_script(path)


def test_the_empty_script(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text("")
    assert read_script(path) == Script()

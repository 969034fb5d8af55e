"""Reactions and quoted history are never the words of who quotes; a keyword before them is."""

from __future__ import annotations

from importlib.resources import files

import pytest

from schemas.keywords import Meaning
from streams.inbound_keywords import classify_reply

OURS = "Harbor Legal Aid: your hearing is on Monday. Reply STOP to opt out, HELP for help."
OUT = (Meaning.STOP, Meaning.REVOKE)
ROWS = [
    line.split("\t")
    for line in files("streams.inbound_keywords")
    .joinpath("reactions.tsv")
    .read_text(encoding="utf-8")
    .splitlines()[1:]
]
QUOTES = ("“{}”", '"{}"', "« {} »", "„{}“")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[1]}-{row[0]}")
@pytest.mark.parametrize("quoted", [OURS, "STOP", "Reply STOP", "please stop texting me", "baja"])
def test_a_reaction_never_stops(row: list[str], quoted: str) -> None:
    name, _, _, example, _ = row
    for hello in ("Hello", "Hola", "Bonjour", "Olá", "Hallo", "Ciao"):
        example = example.replace(hello, quoted)
    expected = Meaning.POSSIBLE if name == "disliked" else Meaning.NONE
    assert classify_reply(example).meaning is expected, example


@pytest.mark.parametrize("quote", QUOTES)
@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        *((verb, Meaning.NONE) for verb in ("Liked", "Loved", "Laughed at", "Emphasized")),
        *((verb, Meaning.NONE) for verb in ("Questioned", "Reacted 👍 to", "👍 to", "❤️ to")),
        *((verb, Meaning.NONE) for verb in ("Removed a dislike from", "\u200a👍\u200b to")),
        *((verb, Meaning.POSSIBLE) for verb in ("Disliked", "👎 to", "Reacted 😡 to", "🛑 to")),
    ],
)
def test_what_a_phone_says_of_a_reaction(verb: str, expected: Meaning, quote: str) -> None:
    for quoted in (OURS, "STOP", "Stop texting me", "Reply STOP to opt out…"):
        found = classify_reply(f"{verb} {quote.format(quoted)}")
        assert found.meaning is expected, quoted


@pytest.mark.parametrize(
    "history",
    [
        f"> {OURS}",
        f">> {OURS}\n> STOP",
        f"On Mon, Jan 5, 2026 at 3:04 PM Harbor Legal Aid <24273@txt.example> wrote:\n> {OURS}",
        f"On Mon, Jan 5 Harbor wrote: {OURS}",
        f"Am 05.01.2026 um 15:04 schrieb Harbor: {OURS}",
        f"Le lun. 5 janv. 2026 à 15:04, Harbor a écrit : {OURS}",
        f"El lun, 5 ene 2026 a las 15:04, Harbor escribió: {OURS}",
        f"Em seg., 5 de jan. de 2026, Harbor escreveu: {OURS}",
        f"Il giorno lun 5 gen 2026 Harbor ha scritto: {OURS}",
        f"Op ma 5 jan 2026 om 15:04 schreef Harbor: {OURS}",
        f"-----Original Message-----\nFrom: Harbor\n{OURS}",
        f"Harbor said: {OURS}",
        "Your text said: STOP",
        "Juan dijo: no me escriban más",
    ],
)
def test_quoted_history_is_nothing_and_a_keyword_before_it_counts(history: str) -> None:
    assert classify_reply(f"Thanks, see you then\n{history}").meaning is Meaning.NONE
    assert classify_reply(history).meaning is Meaning.NONE
    for own in ("STOP", "please stop texting me", "unsubscribe", "cancel"):
        assert classify_reply(f"{own}\n{history}").meaning in OUT, own


def test_what_another_said_in_a_sentence_is_nothing() -> None:
    text = 'My wife said "please stop texting me now" lol'
    assert classify_reply(text).meaning is Meaning.NONE


@pytest.mark.parametrize(
    "text",
    ["I said “stop”", '"STOP" please', "“Stop texting me”", 'I said "please stop texting me now"'],
)
def test_a_word_in_quotation_marks_may_be_ones_own(text: str) -> None:
    assert classify_reply(text).meaning in OUT


@pytest.mark.parametrize("text", ["🛑", "✋", "🚫", "😡", "🤬🤬", "👎", "🖕🏽", "🛑🛑🛑", "⛔️"])
def test_a_gesture_against_us_is_possible(text: str) -> None:
    found = classify_reply(text)
    assert found.meaning is Meaning.POSSIBLE
    assert classify_reply(found.words).meaning is Meaning.POSSIBLE


@pytest.mark.parametrize("text", ["👍", "❤️", "🙏", "😂", "🇺🇸", "👌🏽", ""])
def test_any_other_gesture_is_nothing(text: str) -> None:
    assert classify_reply(text).meaning is Meaning.NONE

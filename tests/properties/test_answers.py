"""No bare keyword is missed, whatever people put around it; nothing at all breaks the reading."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from schemas.keywords import LOCALES, Meaning, Word, normalize, words_in
from schemas.tenant_settings import TenantSettings
from streams.inbound_keywords import classify_reply

EVERYWHERE = TenantSettings(tenant="acme", name="Acme", sender="24273", locales=LOCALES)
EMOJI = "🛑👍🙏😡❤️‍🔥ℹ️™Ⓜ️🅿️✋🏽🇺🇸"
SIGNS = st.characters(categories=["P", "Z", "Cc", "Cf"], exclude_characters="\0") | st.sampled_from(
    "+<=>|~^$©®°\0"
)
AROUND = st.lists(SIGNS | st.sampled_from(EMOJI), max_size=40).map("".join)
UNSEEN = st.sampled_from(["", "", "", "\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufe0f"])
CYRILLIC = str.maketrans("ABCEHKMOPTXYaceopxy", "АВСЕНКМОРТХУасеорху")
WRITTEN = st.sampled_from([str.upper, str.lower, str.title, str.swapcase, str.casefold])


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


LETTERS = st.sampled_from([str, full_width, lambda text: text.translate(CYRILLIC)])
FORMS = st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"])


@given(st.sampled_from(words_in()), AROUND, AROUND, WRITTEN, LETTERS, FORMS, st.data())
def test_no_bare_keyword_is_missed(
    word: Word,
    before: str,
    after: str,
    written: object,
    letters: object,
    form: str,
    data: st.DataObject,
) -> None:
    said = letters(written(word.word))  # type: ignore[operator]
    said = "".join(char + data.draw(UNSEEN) for char in unicodedata.normalize(form, said))  # type: ignore[arg-type]
    assert classify_reply(before + said + after, EVERYWHERE).meaning is word.meaning


@given(st.text())
def test_any_text_has_one_meaning_and_says_by_what(body: str) -> None:
    answered = classify_reply(body, EVERYWHERE)
    assert (answered.meaning is Meaning.NONE) == (answered.by == "")
    assert (answered.meaning is Meaning.NONE) == (answered.words == "")


@given(st.text(st.characters(max_codepoint=0x17F)))
def test_folding_twice_is_folding_once(body: str) -> None:
    once = normalize(body)
    assert normalize(once) == once


@given(st.sampled_from(["STOP", "please stop texting me", "leave me alone"]), st.booleans())
def test_a_tenants_words_never_take_a_stop_away(body: str, as_start: bool) -> None:
    own = {"start" if as_start else "help": [body]} if body != "STOP" else {}
    tenant = TenantSettings.model_validate(EVERYWHERE.model_dump() | {"keywords": own})
    assert classify_reply(body, tenant).meaning in (Meaning.STOP, Meaning.REVOKE)

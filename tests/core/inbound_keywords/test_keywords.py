from __future__ import annotations

import pytest
from pydantic import ValidationError

from schemas.keywords import LOCALES, Meaning, OwnWords, Word, normalize, strip_marks, words_in
from schemas.tenant_settings import TenantSettings
from streams.inbound_keywords import classify_reply

STOP, START, YES, HELP, NONE = Meaning.STOP, Meaning.START, Meaning.YES, Meaning.HELP, Meaning.NONE


def tenant(**changes: object) -> TenantSettings:
    return TenantSettings.model_validate(
        {"tenant": "acme", "name": "Acme", "sender": "24273"} | changes
    )


@pytest.mark.parametrize("word", words_in(), ids=lambda word: f"{word.locale}-{word.word}")
def test_every_word_means_what_its_set_says_in_its_locale(word: Word) -> None:
    settings = tenant(locales=[word.locale])
    said = word.word
    meant = {
        classify_reply(text, settings).meaning
        for text in (said, said.lower(), said.title(), f"  {said}!\n")
    }
    assert meant == {word.meaning}


def test_the_words_carriers_act_on_are_there() -> None:
    """Twilio's defaults and 47 CFR 64.1200(a)(10)."""
    english = {word.word: word.meaning for word in words_in(())}
    assert {word for word, meaning in english.items() if meaning is STOP} == {
        "STOP",
        "STOPALL",
        "UNSUBSCRIBE",
        "CANCEL",
        "END",
        "QUIT",
        "REVOKE",
        "OPTOUT",
        "OPT OUT",
    }
    assert {word for word, meaning in english.items() if meaning in (START, YES)} == {
        "START",
        "UNSTOP",
        "YES",
    }
    assert {word for word, meaning in english.items() if meaning is HELP} == {"HELP", "INFO"}


def test_no_word_means_two_things_in_any_two_locales() -> None:
    words = {(word.plain, word.meaning) for word in words_in()}
    assert len({plain for plain, _ in words}) == len(words)


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        pytest.param("Stop.", STOP, id="a full stop"),
        pytest.param('"STOP!!"', STOP, id="quoted, with signs"),
        pytest.param("opt   out", STOP, id="two words, many blanks"),
        pytest.param("OPT-OUT", STOP, id="a hyphen for a blank"),
        pytest.param("ＳＴＯＰ", STOP, id="full width"),
        pytest.param("ЅТОР", STOP, id="Cyrillic letters"),
        pytest.param("SΤΟΡ", STOP, id="Greek letters"),
        pytest.param("𝐒𝐓𝐎𝐏", STOP, id="mathematical letters"),
        pytest.param("🅢🅣🅞🅟", STOP, id="letters in black circles"),
        pytest.param("ꜱᴛᴏᴘ", STOP, id="small capitals"),
        pytest.param("S\u200bT\u2060O\ufeffP", STOP, id="what cannot be seen between its letters"),
        pytest.param("STÓP", STOP, id="an accent"),
        pytest.param("🛑 STOP 🛑", STOP, id="emoji around it"),
        pytest.param("ℹ️HELP", HELP, id="an emoji that is a letter"),
        pytest.param("\0STOP", STOP, id="a control character before it"),
        pytest.param("\n" * 900 + "STOP" + "!" * 900, STOP, id="far between signs"),
        pytest.param("yes", YES, id="yes"),
        pytest.param("info?", HELP, id="help"),
        pytest.param("yes I can come at 5", NONE, id="yes to something else"),
        pytest.param("stop by at 5", NONE, id="a sentence"),
        pytest.param("can't stop", NONE, id="the word at the end"),
        pytest.param("ARRET", Meaning.REVOKE, id="another locale's"),
        pytest.param("fin", Meaning.POSSIBLE, id="another locale's, and a word of its own"),
        pytest.param("oui", NONE, id="another locale's yes"),
        pytest.param("", NONE, id="empty"),
        pytest.param("...", NONE, id="only signs"),
        pytest.param("stop " * 400, Meaning.REVOKE, id="again and again"),
        pytest.param("ﷺ" * 64_000, NONE, id="characters that fold to eighteen"),
    ],
)
def test_a_keyword_is_the_whole_text(body: str, meant: Meaning) -> None:
    assert classify_reply(body).meaning is meant


def test_a_keyword_says_which_it_was() -> None:
    assert classify_reply(" Opt-Out! ") == (STOP, "opt out", "opt out")


def test_a_tenants_words_add() -> None:
    settings = tenant(
        locales=["fr"],
        keywords={"stop": ["Genug"], "start": ["Join"], "yes": ["OK"], "help": ["Qui?"]},
    )
    said = ["genug!", "JOIN", "ok", "qui", "arrêt", "oui", "STOP", "START", "🛑"]
    assert [classify_reply(body, settings).meaning for body in said] == [
        STOP,
        START,
        YES,
        HELP,
        STOP,
        YES,
        STOP,
        START,
        Meaning.POSSIBLE,
    ]


@pytest.mark.parametrize(
    ("keywords", "reason"),
    [
        pytest.param({"start": ["Stop!"]}, "'Stop!' means STOP already", id="a STOP word"),
        pytest.param({"help": ["ЅТОР"]}, "means STOP already", id="a STOP word in disguise"),
        pytest.param(
            {"start": ["arrêt"]}, "means STOP already", id="a STOP word of a locale that is not on"
        ),
        pytest.param({"stop": ["info"]}, "means HELP already", id="a HELP word"),
        pytest.param({"start": ["yes"]}, "means YES already", id="YES made certain"),
        pytest.param(
            {"stop": ["no"], "help": ["NO."]}, "means STOP already", id="one word, two meanings"
        ),
        pytest.param({"stop": ["!?"]}, "is no keyword", id="no word"),
        pytest.param({"stop": ["x" * 41]}, "is no keyword", id="a sentence"),
        pytest.param(
            {"stop": [f"w{n}" for n in range(101)]}, "at most 100 items", id="a dictionary"
        ),
    ],
)
def test_a_tenant_cannot_turn_a_word(keywords: dict[str, list[str]], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason.replace("?", r"\?")):
        tenant(keywords=keywords)


def test_what_revokes_cannot_be_made_a_yes() -> None:
    """The words are no keyword, so they may be listed; what they mean stays."""
    settings = tenant(keywords={"start": ["leave me alone"], "stop": ["lose my number"]})
    assert classify_reply("Leave me alone", settings).meaning is Meaning.REVOKE
    assert classify_reply("Lose my number", settings).meaning is STOP


def test_a_locale_that_nobody_wrote_is_refused() -> None:
    with pytest.raises(
        ValidationError, match="no keywords for 'tlh': locales are en, es, fr, pt, de, it"
    ):
        tenant(locales=["en", "tlh"])
    assert classify_reply("STOP", tenant(locales=[])).meaning is STOP, (
        "the English ones always count"
    )


def test_every_locale_stops_starts_says_yes_and_helps() -> None:
    meanings = {
        locale: {word.meaning for word in words_in() if word.locale == locale} for locale in LOCALES
    }
    assert all(of >= {STOP, START, YES, HELP} for of in meanings.values())


def test_normalizing_keeps_where_sentences_and_clauses_end() -> None:
    assert normalize("  Wrong number, I said. STOP!! ") == "wrong number , i said . stop"
    assert strip_marks(normalize("opt-out!")) == "opt out"


@pytest.mark.parametrize(
    ("body", "read"),
    [
        pytest.param("ѕtoр", "stop", id="among Latin letters"),
        pytest.param("НỦУ", "hủy", id="around a Latin letter with a mark"),
        pytest.param("回Т退订", "回t退订", id="among Chinese characters"),
        pytest.param("我在Житомире", "我在житомире", id="a Cyrillic word among them stays"),
    ],
)
def test_letters_that_look_latin_are_read_as_latin(body: str, read: str) -> None:
    assert normalize(body, latin_marks=True) == read


def test_own_words_are_kept_as_written() -> None:
    assert OwnWords(stop=("Genug",)).model_dump()["stop"] == ("Genug",)


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        pytest.param("Dừng", Meaning.REVOKE, id="stop"),
        pytest.param("Du\u031b\u0300ng", Meaning.REVOKE, id="stop, decomposed"),
        pytest.param("dung", Meaning.POSSIBLE, id="any of them, without tones"),
        pytest.param("Đúng", Meaning.NONE, id="correct"),
        pytest.param("dùng", Meaning.NONE, id="use"),
        pytest.param("Hủy đăng ký", Meaning.REVOKE, id="unsubscribe"),
        pytest.param("huy dang ky", Meaning.REVOKE, id="unsubscribe, without tones"),
    ],
)
def test_vietnamese_words_are_told_apart_by_their_tones(body: str, meaning: Meaning) -> None:
    assert classify_reply(body).meaning is meaning

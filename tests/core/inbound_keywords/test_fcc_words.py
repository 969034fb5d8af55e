"""The words that the FCC names stop texts in every form that people give them.

47 CFR 64.1200(a)(10): stop, quit, end, revoke, opt out, cancel, unsubscribe."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from schemas.keywords import Meaning
from schemas.tenant_settings import TenantSettings
from streams.inbound_keywords import classify_reply

OUT = (Meaning.STOP, Meaning.REVOKE)
HARBOR = TenantSettings.model_validate(
    {
        "tenant": "harbor-legal",
        "name": "Harbor Legal Aid",
        "sender": "24273",
        "consent_request": {"company": "HLA Services Inc."},
    }
)
WORDS = ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def shifted(first: int) -> dict[int, str]:
    return {ord("a") + n: chr(first + n) for n in range(26)}


DECORATED = {
    "lower": str.lower,
    "upper": str.upper,
    "title": str.title,
    "swapped": lambda word: word.title().swapcase(),
    "full width": lambda word: full_width(word.upper()),
    "squared": lambda word: word.translate(shifted(0x1F130)),
    "dark squares": lambda word: word.translate(shifted(0x1F170)),
    "circled": lambda word: word.translate(shifted(0x24B6)),
    "dark circles": lambda word: word.translate(shifted(0x1F150)),
    "flags": lambda word: re.sub("[ -]", "", word).translate(shifted(0x1F1E6)),
    "bold": lambda word: word.translate(shifted(0x1D400)),
    "script": lambda word: word.translate(shifted(0x1D4EA)),
    "struck out": lambda word: "".join(letter + "\u0336" for letter in word),
    "invisible between": lambda word: "\u200b".join(word),
    "spaced": lambda word: " ".join(word.replace(" ", "")).upper(),
    "dotted": lambda word: ".".join(word.replace(" ", "")),
    "dashed": lambda word: "-".join(word.replace(" ", "").upper()),
    "starred": lambda word: "*".join(word.replace(" ", "").upper()),
    "underlined": lambda word: "_".join(word.replace(" ", "")),
    "parted": lambda word: f"{word[:2]} {word[2:]}".upper(),
    "hyphen": lambda word: f"{word[:2]}-{word[2:]}",
    "hash": lambda word: f"#{word.replace(' ', '')}",
    "quoted": lambda word: f"“{word}”",
    "brackets": lambda word: f"[{word}]",
    "emoji": lambda word: f"🛑 {word} 🛑",
    "emphatic": lambda word: f"{word.upper()}!!!!!",
    "drawn out": lambda word: word[:-1] + word[-1] * 4,
    "twice": lambda word: f"{word} {word}",
}
SIGNATURES = (
    *("Sent from my T-Mobile 5G Device", "Sent from my iPhone", "Sent from Outlook for iOS"),
    *("Get Outlook for Android", "Get Outlook for iOS<https://aka.ms/o0ukef>"),
    *("Sent via the Samsung Galaxy S22 Ultra 5G, an AT&T 5G smartphone", "Sent from Yahoo Mail"),
    *("Sent from Mail for Windows 10", "Sent from AOL on Android", "Sent with Slam Effect"),
    *("Sent from my Verizon, Samsung Galaxy smartphone", "sent using my phone"),
    *("- John", "-John", "– John Smith", "~ Maria", "(John Smith)", "- JS", "- J. Smith"),
    *("Best regards, John", "Thanks, John Smith", "Regards", "Sincerely, Mary O'Neil"),
    *("Enviado desde mi iPhone", "Envoyé de mon iPhone", "Von meinem iPhone gesendet"),
    *("Inviato da iPhone", "Enviado de um iPhone", "Verstuurd vanaf mijn iPhone"),
    *("Wysłane z iPhone'a", "Отправлено с iPhone", "发自我的iPhone", "iPhoneから送信"),
    *("나의 iPhone에서 보냄", "मेरे iPhone से भेजा गया", "Gửi từ iPhone của tôi"),
    *("Télécharger Outlook pour Android", "Outlook für Android beziehen"),
    *("Obtener Outlook para Android", "Obter o Outlook para iOS", "Scarica Outlook per iOS"),
)
BELOW = (
    *("John Smith", "john", "--\nJohn Smith\nAttorney at Law\n(312) 555-0177", "J", "MARY"),
    *("John Smith\njohn@example.com", "Thanks,\nJohn", "Sent from my iPhone\n\nJohn"),
    *SIGNATURES,
)
WRAPPERS = (
    *("{}", "  {}  ", "\n{}\n", "Re: {}", "RE: RE: {}", "Fwd: {}", "FW:{}", "Reply: {}", "AW: {}"),
    *("Subject: {}", "<no subject> {}", "Re {}", "reply {}", "Reply {}.", "text {}", "send {}"),
    *("please {}", "Please, {}", "{} please", "{}, please!", "{} pls", "pls {}", "{} plz"),
    *("{} thanks", "{}, thank you", "{}. Thank you!", "Thanks {}", "{} thx", "{} ty"),
    *("{} now", "{} NOW!!", "now {}", "{} all", "all {}", "{} texts", "texts {}", "{} text"),
    *("{} messages", "{} all texts", "{} all messages please", "please {} now, thanks"),
    *("{} immediately", "hi {}", "Hello, {} please", "ok {}", "{} already", "just {}"),
    *("{} to opt out", "reply {} to opt out", "text {} to 24273", "Text {} to end", "{} to stop"),
    *("{} 24273", "24273 {}", "{} to 24273", "{} 2-42-73"),
    *(
        "{} HARBOR",
        "{} harbor legal",
        "{} Harbor Legal Aid",
        "{} HLA",
        "HARBOR {}",
        "{} from HARBOR",
    ),
    *("{} harbor-legal", "{} HLA Services", "{} Harbor Legal Aid please", "{} harbor texts"),
    *("{}\n> Harbor Legal Aid: reply STOP to opt out", "{}\n\nOn Mon, Jan 5, Harbor wrote:\nHello"),
    *("{} 🙏", "😡 {}", "{} {}", "{}. {}!", "{}/{}"),
    *(f"{{}} {signature}" for signature in SIGNATURES),
    *(f"{{}}\n{signature}" for signature in BELOW),
    *(f"{{}}.\n\n{signature}" for signature in BELOW),
)


@pytest.mark.parametrize("word", WORDS)
def test_a_word_stops_in_every_wrapper_and_case(word: str) -> None:
    missed = [
        text
        for wrapper, written in product(WRAPPERS, (str.lower, str.upper, str.title))
        if classify_reply(text := wrapper.replace("{}", written(word)), HARBOR).meaning not in OUT
    ]
    assert missed == []


@pytest.mark.parametrize("word", [*WORDS, "optout", "opt-out", "un-subscribe", "stopall"])
def test_a_word_stops_however_its_letters_are_written(word: str) -> None:
    missed = {
        name: decorate(word)
        for name, decorate in DECORATED.items()
        if classify_reply(decorate(word)).meaning not in OUT
    }
    assert missed == {}


@pytest.mark.parametrize(
    "number",
    ["13125550177", "+13125550177", "+1 (312) 555-0177", "312-555-0177", "312.555.0177", "5550177"],
)
@pytest.mark.parametrize("word", WORDS)
def test_our_senders_number_changes_nothing(word: str, number: str) -> None:
    for text in (f"{word} {number}", f"{word.upper()} to {number}", f"{number} {word}"):
        assert classify_reply(text, HARBOR, "+13125550177").meaning is Meaning.STOP, text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "STOP2END",
            "STOP 2 END",
            "stopnow",
            "pleasestop",
            "STOPTEXTS",
            "stop all texts",
            "STOPALL",
        ),
        *("STOP 12345", "stop=quit", "St0p", "$top", "5TOP", "STOP STOP STOP", "unsub", "UNSUB ME"),
        *("stop stop stop unsubscribe", "stop, quit, end", "Opt me out", "unsubscribe me please"),
        *(
            "🇸 🇹 🇴 🇵",
            "🆂🆃🅾🅿",
            "S🛑T🛑O🛑P",
            "ЅТОР please",
            "STOP\u202e",
            "\ufeffSTOP",
            "Stop\u00a0please",
        ),
        *(
            "stop harbor legal aid",
            "STOP  HARBOR!!",
            "op tout",
            "o p t o u t",
            "OPT/OUT",
            "Opt_out",
        ),
    ],
)
def test_more_forms(text: str) -> None:
    assert classify_reply(text, HARBOR).meaning in OUT


ORDINARY = (
    *("stop by at 5", "Can you stop by the house?", "Please stop the eviction", "the bus stop"),
    *(
        "I can't stop laughing",
        "My ex won't stop texting me",
        "stop crying",
        "Did it stop working?",
    ),
    *("Next stop: the printer.", "Stop & Shop is where I work", "nonstop flights", "Stop sign"),
    *("The sign said: STOP", "He said: stop texting me", "Stop laughing", "please don't stop"),
    *("can we stop at 300?", "They told me to stop taking the pills", "stop worrying about me"),
    *("end of the month", "at the end of the week", "When does it end?", "The end", "in the end"),
    *(
        "It will end Friday",
        "end of story",
        "My lease will end in May",
        "weekend",
        "end of May works",
    ),
    *("I quit my job", "I want to quit smoking", "he quit yesterday", "They quit answering"),
    *("I had to quit school", "don't quit on me", "quit smoking", "Should I quit my job?"),
    *("cancel my 3pm", "Can we cancel Tuesday's appointment?", "cancel order 1234", "cancel at 5"),
    *("I need to cancel our meeting", "Please cancel my appointment", "cancel the blue ones"),
    *("Did they cancel the hearing?", "I'd like to cancel my order", "cancel tomorrow please"),
    *("they may revoke my license", "Can they revoke my bail?", "the judge could revoke probation"),
    *("revoke my power of attorney", "Will they revoke it?", "How do I revoke a will?"),
    *(
        "how do I opt out of the class action",
        "can I opt out of the jury",
        "opt out of the insurance",
    ),
    *("I want to unsubscribe from Netflix", "did you subscribe?", "subscribe", "resubscribe"),
    *("how do I unsubscribe from their newsletter?", "cancer", "quite", "quiet", "spot", "atop"),
    *("Liked “STOP”", "👍 to “Reply STOP to opt out”", "> Reply STOP to opt out\nyes that works"),
)


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_sentence_with_such_a_word_stops_nothing(text: str) -> None:
    assert classify_reply(text, HARBOR).meaning not in OUT


SLIPS = (Path(__file__).parent / "slips.tsv").read_text(encoding="utf-8").splitlines()[1:]


@pytest.mark.parametrize("slip", [line.replace("\\n", "\n") for line in SLIPS])
def test_a_slip_of_the_finger_stops(slip: str) -> None:
    assert classify_reply(slip).meaning in OUT

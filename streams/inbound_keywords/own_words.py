"""What somebody wrote themself: a text without reactions, quoted history and other people's words.

"Liked “Reply STOP to opt out”" is our own text, which a phone quotes.  It never counts as theirs.
A keyword before the quotation does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final, NamedTuple

import regex

from schemas.keywords.normalize import MAX_CHARACTERS, normalize
from schemas.tsv import read_rows

SHORT_QUOTATION: Final = 3
"""Words.  `Please "STOP"` stresses a word; a longer quotation is somebody else's text."""

_QUOTED: Final = (
    r"(?:[“„‟][^“„‟”]{0,1900}(?:[“”]|\Z)|«[^»]{0,1900}(?:»|\Z)"
    r"|「[^」]{0,1900}(?:」|\Z)|\"[^\"]{0,1900}(?:\"|\Z))"
)
_QUOTATION: Final = regex.compile(_QUOTED)
_WHOLE: Final = regex.compile(rf"[^\p{{L}}\p{{N}}]*{_QUOTED}[^\p{{L}}\p{{N}}]*")
_FIRST_PERSON: Final = regex.compile(
    r"(?i)\b(?:i|we)(?: (?:have|just|already|clearly|again))* (?:said|say|wrote|told you"
    r"|asked(?: you)?)"
    r"(?: to| you)?\W*\Z|\b(?:reply|text|send|word|type|write)\W*\Z"
)
_SAID: Final = regex.compile(
    r"(?i)(?<![\p{L}'’])(?:(?:my|your|the|our|his|her|their|this) )?"
    r"(?!(?:i|we|yo|je|eu|ich|io|ik|ja|я|who|just|have)\b)[\p{L}\p{N}'’.]{1,30}"
    r"(?: (?:just|had|has|also|then|literally|a|ha|hat|heeft|me|mi|mir|to me))?"
    r" (?:said|says|wrote|writes|replied|texted|messaged|dijo|dice|escribió|escribio|dit|écrit"
    r"|disse"
    r"|diz|escreveu|sagte|sagt|schrieb|schreibt|detto|scritto|zei|zegt|schreef|powiedział"
    r"|powiedziała|napisał|napisała|сказал|сказала|написал|написала|пишет|sabi ni|sabi|di|ekri)"
    r"(?: \p{L}{1,20}){0,2}\s*[:：]\s*[^\n]{0,1900}|(?:说|說|写道|寫道|言った)[：:][^\n]{0,1900}"
)
_SAYING: Final = (
    *("said", "say", "wri", "wro", "repli", "texted", "messaged", "dijo", "dice", "escrib", "dit"),
    *("écrit", "disse", "diz", "escrev", "sagt", "schr", "detto", "scritto", "zei", "zegt"),
    *(
        "powiedz",
        "napisał",
        "сказал",
        "написал",
        "пишет",
        "sabi",
        "ekri",
        "说",
        "說",
        "寫",
        "写",
        "言",
    ),
)
"""What is in every text that quotes by a verb; quick to look for."""
_HEADED: Final = (
    *("wrote", "schri", "schre", "écrit", "escrib", "escrev", "scritto", "pisze", "napisał"),
    *("пишет", "написал", "写道", "寫道", "メッセージ", "--", "forwarded", "____", "from:"),
)
_HEADER_MARKS: Final = (":", "：", "--", "__")
"""Every header has one of these."""
_MARKS: Final = frozenset('“„«"「‟')
_THINGS: Final = (
    *("image", "photo", "picture", "movie", "video", "attachment", "link", "message", "sticker"),
    *("imag", "foto", "bild", "immagine", "afbeelding", "vídeo", "mensa", "nachricht"),
    *("messaggio", "bericht"),
)
_NUMBER_SIGN: Final = re.compile(r"(?i)\b(wrong|rong|this|my) ?#(?![\w#])")
"""`wrong #`"""
_DOLLAR: Final = regex.compile(r"(?<![\w$])\$(?=[a-zA-Z]{2})|(?<=[a-zA-Z])\$(?=[a-zA-Z])")
"""`$top`, `un$ubscribe`"""
_QUOTED_LINE: Final = regex.compile(r"(?m)^[ \t]*(?:>|&gt;|\|)[^\n]{0,1900}$")
_INLINE: Final = regex.compile(
    r"(?<=[\p{L}\p{N}.!?]) {0,3}(?:>|&gt;){1,3} {0,3}(?=\p{L})[^\n]{8,1900}"
)
_HISTORY: Final = regex.compile(
    r"(?im)(?:^|(?<=[.!?\s]))(?:"
    r"on [^\n]{5,120}\bwrote\s*:|at [^\n]{5,120}\bwrote\s*:"
    r"|am [^\n]{5,120}\bschrieb[^\n]{0,80}:|le [^\n]{5,120}\ba écrit\s*:"
    r"|el [^\n]{5,120}\bescribió\s*:|em [^\n]{5,120}\bescreveu\s*:"
    r"|il [^\n]{5,120}\bha scritto\s*:|op [^\n]{5,120}\bschreef[^\n]{0,80}:"
    r"|(?:w dniu|dnia) [^\n]{5,120}\b(?:pisze|napisał)[^\n]{0,20}:"
    r"|[^\n]{5,120}\b(?:пишет|написал(?:а|\(а\))?)\s*:"
    r"|在[^\n]{2,120}(?:写道|寫道)\s*[：:]|[^\n]{2,120}のメッセージ\s*[：:]"
    r"|-{2,20} ?(?:original message|forwarded message|ursprüngliche nachricht|message d'origine"
    r"|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht)"
    r"|begin forwarded message\s*:|_{10,}|from: [^\n]{3,120}\n(?:sent|date|to): "
    r")"
)
_PREFIX: Final = regex.compile(
    r"(?i)\A[\s\"“(\[]*(?:(?:re|fwd?|fw|aw|wg|rv|tr|sv|vs|antw|rif|res|enc|ref|reply|forwarded|subj"
    r"|subject|msg|message|text|sms)(?:\s?\[\d{1,2}\])?\s*[:：]\s*"
    r"|[<(\[]?no ?subject[>)\]]?[\s:.-]*){1,4}"
)


class OwnWords(NamedTuple):
    text: str
    reaction: str = ""
    """What they answered by a reaction alone: `liked`, `disliked`, an emoji."""


class _Reaction(NamedTuple):
    name: str
    pattern: regex.Pattern[str]


def own_words(body: str) -> OwnWords:
    """`STOP\\n> Reply STOP to opt out` → `STOP`; `Disliked “Hello”` → nothing, and `disliked`."""
    text = body.strip()[:MAX_CHARACTERS]
    if "#" in text:
        text = _NUMBER_SIGN.sub(r"\1 number", text)
    if "$" in text:
        text = _DOLLAR.sub("s", text)
    for reaction in _reactions() if _may_react(text) else ():
        if match := reaction.pattern.match(text):
            rest = text[match.end() :]
            if not normalize(rest):
                name = reaction.name
                return OwnWords("", match["emoji"] if name == "emoji" else name)
            text = rest
            break
    return OwnWords(_without_quotations(_without_history(_without_prefix(text))))


def _may_react(text: str) -> bool:
    return not _MARKS.isdisjoint(text) or (len(text) < 80 and _has_one(text, _THINGS))


def _has_one(text: str, parts: Iterable[str]) -> bool:
    return any(map(text.casefold().__contains__, parts))


def _without_prefix(text: str) -> str:
    """`Re: STOP` → `STOP`"""
    return _PREFIX.sub("", text, count=1) if ":" in text or "ubject" in text else text


def _without_history(text: str) -> str:
    lines = _QUOTED_LINE.sub("", text) if ">" in text or "|" in text or "&gt;" in text else text
    has_lines = lines != text
    may_be_headed = any(mark in lines for mark in _HEADER_MARKS) and _has_one(lines, _HEADED)
    header = _HISTORY.search(lines) if may_be_headed else None
    if header is not None:
        after = lines[header.end() :] if has_lines else ""
        lines = f"{lines[: header.start()]}\n{after}"
    if ">" in lines or "&gt;" in lines:
        lines = _INLINE.sub("", lines)
    return lines


def _without_quotations(text: str) -> str:
    if (":" in text or "：" in text) and _has_one(text, _SAYING):
        text = str(_SAID.sub(" ", text))
    if _MARKS.isdisjoint(text) or _WHOLE.fullmatch(text):
        return text
    return str(_QUOTATION.sub(lambda found: _keep_stressed(text, found), text))


def _keep_stressed(text: str, found: regex.Match[str]) -> str:
    quoted: str = found[0]
    if len(quoted.split()) <= SHORT_QUOTATION or _FIRST_PERSON.search(text[: found.start()]):
        return quoted
    return " . "


@cache
def _reactions() -> tuple[_Reaction, ...]:
    return tuple(
        _Reaction(
            name,
            regex.compile(
                r"(?is)\A[\s\p{Cf}]{0,5}(?:"
                + expression.replace("<QUOTE>", rf"(?:[\s\p{{Cf}}]{{0,3}}{_REACTED_TO})").replace(
                    "<EMOJI>", _EMOJI
                )
                + ")"
            ),
        )
        for name, _, expression, _, _ in read_rows("streams.inbound_keywords", "reactions.tsv")
    )


_REACTED_TO: Final = (
    r"(?:[“„‟«「\"].{0,1900}[”“»」\"]|[“„‟«「\"].{0,1900}\Z"
    r"|(?:an?|your|the|una?|uma?|une?|ein(?:e|en)?|een) "
    r"(?:image|photo|picture|movie|video|attachment|link|audio message|voice message|message"
    r"|sticker"
    r"|imagen|f[o]to|imagem|bild|immagine|afbeelding|vídeo|mensaje|mensagem|nachricht|messaggio"
    r"|bericht)\.?)"
)
_EMOJI: Final = r"[\s\p{Cf}]{0,3}(?P<emoji>[^\p{L}\p{N}\s\"“„«]{1,8})[\s\p{Cf}]{0,3}"

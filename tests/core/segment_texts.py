"""Texts that are hard to count, by seed: mixtures of what a telephone can type, as long as a
segment or nearly so."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

HOUSE = Path(__file__).parents[2]

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "gsm": (
        *"aeiou nrst ETAO.,!?0123456789",
        "é",
        "à",
        "ñ",
        "Ç",
        "Ω",
        "Δ",
        "@",
        "£",
        "_",
        "the ",
        "tomorrow at 5 ",
    ),
    "two septets": tuple("^{}\\[~]|€\f"),
    "line ends": ("\n", "\r\n", "\r", "\n\r", "\r\r\n"),
    "controls": ("\t", "\x1b", "\x07", "\x7f", "\x9b", "\xad", "\ufeff", "\u2028"),
    "typography": tuple("“”‘’–—…«»•\u00a0\u2009\u202f\u200b\u200c‹›½™ç`"),
    "letters": tuple("яжщіҐאבגدرسहिन्दीไทยกำ漢字かなガ"),
    "hangul": (
        "한",
        "국",
        "가",
        "\u1100",
        "\u1161",
        "\u11a8",
        "가\u11a8",
        "\u1100\u1161\u11a8",
        "\ua960",
        "\ud7b0",
    ),
    "marks": (*"\u0301\u0337\u20e3\ufe0f\u0e33\u0903\u093e", "\u0308\u0323", "a\u0302", "n\u0303"),
    "leaders": ("\u0600", "\u06dd", "\u0d4e", "\U000110bd", "\u0600\u0601"),
    "emoji": ("😀", "🙏", "❤️", "☎", "1️⃣", "🫠", "🥲", "👍🏽", "👩", "👦", "❤", "🗨", "✌🏿", "🎅"),
    "tones": ("🏽", "🏿", "\u0301🏻", "👩\ufe0f🏽", "👩\ufe0f\ufe0f🏽", "❤️‍👩🏽", "☝🏾"),
    "joined": (
        "👨‍👩‍👧‍👦",
        "👩🏽‍🚀",
        "🏳️‍🌈",
        "❤️‍🔥",
        "🫱🏽‍🫲🏻",
        "👩‍❤️‍💋‍👨",
        "\u200d",
        "a\u200d👩",
        "\u200d\u200d",
    ),
    "flags": ("🇺🇸", "🇬🇧", "🇨", "🇦\u0301", "🇺🇸\u0301\u0301", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇺🇸🇨"),
    "halves": ("\ud83d", "\udc4d", "\udbff", "\udc00"),
}
"""What one text is made of; `halves` are surrogates without their other half."""

BORDERS: Final = (*(67 * n for n in range(1, 8)), 70, *(153 * n for n in range(1, 5)), 160)
_PAIR: Final = re.compile("([\ud800-\udbff])(?=[\udc00-\udfff])")


def corpus() -> list[str]:
    """2,787 real texts (UCI SMS Spam Collection)."""
    lines = (HOUSE / "services/local/demo/sms_corpus.tsv").read_text("utf-8").split("\n")
    return [line.partition("\t")[2] for line in lines if line]


def generated(seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    return [_text(rng) for _ in range(count)]


def heaped(seed: int, count: int) -> Iterator[str]:
    """Letters under so many marks that no segment holds them."""
    rng = random.Random(seed)
    for _ in range(count):
        yield "".join(
            "o" + rng.choice("\u0301\u0323") * rng.randrange(60, 300)
            for _ in range(rng.randrange(1, 4))
        )


def _text(rng: random.Random) -> str:
    """Grown of up to four kinds to a border, give or take three units."""
    pieces = [KINDS[kind] for kind in rng.sample(sorted(KINDS), rng.randrange(1, 5))]
    if rng.random() < 0.5:
        pieces = [KINDS["gsm"]] * rng.choice([2, 20, 200]) + pieces
    length = rng.choice(BORDERS) + rng.randrange(-3, 4)
    text = ""
    while len(text) < length:
        text += rng.choice(rng.choice(pieces)) if rng.random() < 0.9 else chr(rng.choice(_ANY))
        text = text[:-1] if rng.random() < 0.05 else text
    return _PAIR.sub(r"\1x", text)


_ANY: Final = [
    *range(32, 0x2FF),
    *range(0x2000, 0x2BFF),
    *range(0xFE00, 0xFFFD),
    *range(0x1F000, 0x1FAFF),
]

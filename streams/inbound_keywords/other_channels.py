"""Who asks us to leave another channel alone, and wants texts: "stop calling me, text me instead".

Such a text is no revocation of texts, though it reads like one.  A person should still read it.
`other_channels.tsv` has two expressions a language, over normalized text: the name of another
channel, and the wish for texts.  Both must match."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from schemas.tsv import read_rows


class _Preference(NamedTuple):
    channel: re.Pattern[str]
    wish: re.Pattern[str]


def prefers_texts(text: str) -> bool:
    return any(one.channel.search(text) and one.wish.search(text) for one in _preferences())


@cache
def _preferences() -> tuple[_Preference, ...]:
    rows = read_rows("streams.inbound_keywords", "other_channels.tsv")
    return tuple(_Preference(_as_words(channel), _as_words(wish)) for _, channel, wish in rows)


def _as_words(expression: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{expression})\b")

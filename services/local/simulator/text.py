"""How Twilio counts segments and reads keywords, written here on its own: the simulator is an independent witness and
shares no judgement with what it watches."""

from __future__ import annotations

from functools import lru_cache
from math import ceil

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO_SEPTETS = frozenset("\f^{}\\[~]|€")
_GSM = _BASIC | _TWO_SEPTETS

STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START = frozenset({"START", "YES", "UNSTOP"})
"""Twilio's default words; the whole text, any case."""


def keyword(body: str) -> str:
    return body.strip().upper()


@lru_cache(maxsize=1024)
def segments(body: str) -> int:
    """GSM 03.38: 160 septets, or 153 a part; else UCS-2: 70 UTF-16 units, or 67 a part."""
    if _GSM.issuperset(body):
        return _parts(len(body) + sum(letter in _TWO_SEPTETS for letter in body), 160, 153)
    return _parts(len(body.encode("utf-16-le", "surrogatepass")) // 2, 70, 67)


def _parts(units: int, alone: int, each: int) -> int:
    return 1 if units <= alone else ceil(units / each)

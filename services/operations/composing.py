"""What one should know of a text while writing it: what it costs, and what may go wrong.

All of it is by rules, each with its reason. Nothing here refuses a text: the gate does that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.tenant_settings import Price, TenantSettings
from streams.encoding.body import MAX_BODY, encode_body, why_unsendable
from streams.encoding.segments import BASIC, EXTENSION, count_segments
from streams.links.shorteners import find_shortener
from streams.usage.measure import list_prices

NEAR: Final = 12
"""Characters over a segment's end that are worth a hint."""
SHOWN: Final = 5
"""Characters that one hint names."""
_RELATIVE: Final = re.compile(
    r"\b(today|tonight|tomorrow|yesterday|this (?:morning|afternoon|evening)"
    r"|in (?:an?|\d+) (?:minutes?|hours?))\b",
    re.IGNORECASE,
)
_RELATIVE_ES: Final = re.compile(r"\b(hoy|mañana|esta (?:tarde|noche|mañana))\b", re.IGNORECASE)
_MICROS: Final = 1_000_000


class HintCode(StrEnum):
    UNSENDABLE = "unsendable"
    SHORT_LINK = "short_link"
    RELATIVE_DAY = "relative_day"
    COSTLY_LETTERS = "costly_letters"
    ONE_SEGMENT_LESS = "one_segment_less"
    NIGHT = "night"


class Hint(NamedTuple):
    code: HintCode
    words: str
    refuses: bool = False
    """As it is, it cannot be sent at all."""


class Review(NamedTuple):
    characters: int
    segments: int
    is_unicode: bool
    """A character that is not in the GSM alphabet makes segments of 70 characters, not 160."""
    price: float | None
    """Of all segments, in `currency`. None: no price is known."""
    currency: str
    hints: tuple[Hint, ...]


def review_text(
    body: str, settings: TenantSettings | None, *, waits: bool, now: datetime
) -> Review:
    """`waits`: somebody has to approve it first, so that nobody knows when it goes."""
    sent = encode_body(body, settings)
    segments = count_segments(sent) if body else 0
    costly = _costly_letters(sent)
    price = _find_price(settings, now)
    return Review(
        len(sent),
        segments,
        bool(costly),
        None if price is None else segments * price.micros / _MICROS,
        price.currency if price else "",
        tuple(_hints(sent, segments, costly, waits=waits)),
    )


def _hints(body: str, segments: int, costly: list[str], *, waits: bool) -> Iterator[Hint]:
    if not body:
        return
    if problem := why_unsendable(body):
        yield Hint(HintCode.UNSENDABLE, f"{problem.reason}: {problem.next_step}", refuses=True)
        return
    if shortener := find_shortener(body):
        yield Hint(
            HintCode.SHORT_LINK,
            f"Carriers block links of {shortener}: write the whole address of the page",
        )
    if waits and (found := _RELATIVE.search(body) or _RELATIVE_ES.search(body)):
        yield Hint(
            HintCode.RELATIVE_DAY,
            f"“{found[0]}” will be wrong if this waits for approval: name the day",
        )
    plain = "".join(char for char in body if char not in costly)
    if costly and count_segments(plain) < segments:
        named = " ".join(costly[:SHOWN])
        yield Hint(
            HintCode.COSTLY_LETTERS,
            f"Without {named} it would be {count_segments(plain)} instead of {segments} segments",
        )
    elif segments > 1 and (fewer := _characters_over(body, segments)):
        one = "character" if fewer == 1 else "characters"
        less = "one segment" if segments == 2 else f"{segments - 1} segments"
        yield Hint(HintCode.ONE_SEGMENT_LESS, f"{fewer} {one} fewer make it {less}")


def _costly_letters(body: str) -> list[str]:
    return [char for char in dict.fromkeys(body) if char not in BASIC and char not in EXTENSION]


def _characters_over(body: str, segments: int) -> int:
    """How many characters have to go for one segment less, if they are few."""
    for fewer in range(1, min(NEAR, len(body) - 1) + 1):
        if count_segments(body[:-fewer]) < segments:
            return fewer
    return 0


def _find_price(settings: TenantSettings | None, now: datetime) -> Price | None:
    """The latest general price: which country and which sender is known when it goes."""
    zone = ZoneInfo(settings.time_zone if settings else "UTC")
    day = now.astimezone(zone).date()
    prices = (settings.prices if settings else ()) or list_prices()
    held = [one for one in prices if one.since <= day]
    return max(held, key=lambda one: (one.country in (None, "US"), one.since), default=None)


def waits_for_approval(settings: TenantSettings, branch: str | None) -> bool:
    """Whether a text of this branch is held until somebody approves it."""
    known = settings.branches.get(branch) if branch else None
    own = known.send_immediately if known else None
    return not (settings.send_immediately if own is None else own)


LIMIT: Final = MAX_BODY
"""Characters of one text."""

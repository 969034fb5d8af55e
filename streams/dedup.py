"""Ids that were dealt with, so that a repeat changes nothing."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import Final

from streams.processing import StateEntry, StateStore

REMEMBER: Final = timedelta(days=35)
"""As long as the topics keep requests and replies: a producer that replays them all still repeats itself."""

_PLAIN: Final = re.compile(r"[\x21-\x7e]{1,128}")


class DedupEntry(StateEntry):
    """`at_ms`: when its record was appended."""

    at_ms: int


def dedup_name(prefix: str, identity: str) -> str:
    """The row's name.  An id that is long or odd (a provider may send anything) is named by its SHA-256."""
    plain = (
        identity
        if _PLAIN.fullmatch(identity)
        else "sha256:" + hashlib.sha256(identity.encode()).hexdigest()
    )
    return f"{prefix}/{plain}"


def is_duplicate(state: StateStore, name: str) -> bool:
    return name in state.raw


def forget_at(now: datetime, *, for_good: bool) -> datetime | None:
    """What gives consent is remembered for good: replayed years later, it must opt nobody in."""
    return None if for_good else now + REMEMBER

"""Identities that were dealt with already, kept as state entries, so that a repeated record changes
nothing."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import Final

from streams.processing import StateEntry, StateStore

RETENTION: Final = timedelta(days=35)
"""As long as the topics keep requests and replies: a producer that replays them all is still
recognised."""

_PLAIN: Final = re.compile(r"[\x21-\x7e]{1,128}")


class DedupEntry(StateEntry):
    at_ms: int
    """When its record was appended."""


def dedup_name(prefix: str, identity: str) -> str:
    """The entry's name.  A provider may send any id: one that is long or has odd characters is
    named by its SHA-256."""
    if _PLAIN.fullmatch(identity):
        return f"{prefix}/{identity}"
    return f"{prefix}/sha256:{hashlib.sha256(identity.encode()).hexdigest()}"


def is_duplicate(state: StateStore, name: str) -> bool:
    return name in state.raw


def forget_at(now: datetime, *, for_good: bool) -> datetime | None:
    """What gives consent is remembered for good: replayed years later, it must opt nobody in."""
    return None if for_good else now + RETENTION

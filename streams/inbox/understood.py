"""What a text means to each tenant that it may be meant for: each has its own words and locales."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from streams.answers import Answered, Meaning, read_answer
from streams.step import Settings

Readings = Mapping[str, Answered]
"""By tenant."""

STRONGEST_FIRST: Final = (Meaning.STOP, Meaning.REVOKE, Meaning.START, Meaning.YES, Meaning.HELP, Meaning.NONE)


def readings(body: str, tenants: Iterable[str], settings: Settings) -> Readings:
    return {tenant: read_answer(body, settings.tenants.get(tenant)) for tenant in sorted(set(tenants))}


def strongest(read: Readings, body: str) -> Meaning:
    """What decides whose text it is.  A tenant to which it means less gets it too, and acts by its own reading."""
    meanings = {answered.meaning for answered in read.values()} or {read_answer(body).meaning}
    return min(meanings, key=STRONGEST_FIRST.index)

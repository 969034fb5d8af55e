"""Why a record is among the dead letters: every cause that a room gives, in words."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from services.cli.input import one_of

CAUSES: Final = {
    "invalid": "it does not fit its schema",
    "too_large": "it, or a field of it, is larger than such a record is",
    "tombstone": "it has no value",
    "bad_header": "a header cannot be read",
    "key_too_long": "its key is longer than a key may be",
    "misfiled": "it came back to a partition where it does not belong",
    "id_reused": "another text has its id",
    "id_reserved": "only Sayso gives ids of this form",
    "unknown_order": "it hands back an order that the gate never gave",
    "unknown_sender": "it came to a sender that has not been applied",
    "nobody_texted": "it came to a shared sender from a number that nobody texted",
}


def cause(given: str | None, on_record: Collection[str]) -> str | None:
    """`on_record` may have those of another version.  Raises Refused."""
    one_of("--cause", given, CAUSES, on_record)
    return given

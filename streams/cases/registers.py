"""Fields of which the later of two changes holds, whichever arrives first.

A change has a time (`at`) and an identity.  Of two changes of one field the one with the later time
holds, and of two with one time the one with the greater identity.  So any order and any repeats
lead to the same case."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from streams.processing import StateEntry


class Stamp(NamedTuple):
    """Orders the changes of one field."""

    sequence: int
    """Of an imported calendar: a lower one never replaces a higher one.  Else 0."""
    at: datetime
    change_id: str


class Written(StateEntry):
    """When a field was last written."""

    at: datetime
    change_id: str
    sequence: int = 0

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.sequence, self.at, self.change_id)

    @classmethod
    def of(cls, stamp: Stamp) -> Written:
        return cls(at=stamp.at, change_id=stamp.change_id, sequence=stamp.sequence)


def is_later(stamp: Stamp, before: Written | None) -> bool:
    """Whether a change replaces what is there.  A repeat does not."""
    return before is None or stamp > before.stamp

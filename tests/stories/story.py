"""A story: everything that the outside does in it, as a list that can be cut."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from schemas.topics import Topic

START: Final = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""A Monday: seven in the morning where the numbers are."""
OWN, SHARED, SLOW = "55501", "55502", "+12125550111"
NUMBERS: Final = tuple(f"+1415555{n:04d}" for n in range(100, 105))
PEOPLE: Final = ("p0", "p1")
CASES: Final = ("c0", "c1")
TENANTS: Final = ("acme", "bolt")
RESTART, OUTAGE, SETTINGS, JUMP = "restart", "outage", "settings", "jump"
"""Moves that are no record: workers of a processor start anew, or are gone for a while; the
tenants' settings change; the machine sleeps."""

POLICY_COUNT: Final = 4
"""How many settings of the tenants there are (`stage.build_policy`)."""


def moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Move(NamedTuple):
    """`seconds` after the start of the story, `what` happens: the record `value` of `topic`, or
    one of RESTART (a processor's name), OUTAGE (its name and the seconds), SETTINGS (their number)
    and JUMP (seconds)."""

    seconds: float
    what: str
    value: Any
    topic: Topic[Any] | None = None

    @property
    def at(self) -> datetime:
        return moment(self.seconds)

    def describe(self) -> str:
        if self.topic is None:
            return f"{self.seconds:9.3f} s  {self.what} {self.value}"
        said = self.value.model_dump_json(exclude_defaults=True)
        return f"{self.seconds:9.3f} s  {self.topic.name} {said}"


@dataclass(frozen=True)
class Story:
    seed: int
    partitions: int
    crash: float
    """The chance of a crash at each place where one may happen."""
    slow: float
    """The chance that a fetch brings nothing for a while."""
    lost: float
    """The chance that a commit gets no answer."""
    moves: tuple[Move, ...]

    @property
    def policy(self) -> int:
        """Which settings the tenants have at first."""
        return self.seed % POLICY_COUNT

    def keep(self, moves: list[Move]) -> Story:
        return replace(self, moves=tuple(moves))

"""The platform's bad days, over whatever is scripted for a number: by share, by number, by sender, for a time.

    faults:
      storm: {does: rate-limit, retry_after: 2, share: 0.5}
      outage: {does: "http:503", down: 3, up: 5}               # 3 s of it, 5 s without, and again
      blind: {on: list, does: lag, seconds: 30}                # a text is not listed before it is 30 s old
      short: "http:500"

They stand from the start, or are switched at run time: `PUT` and `DELETE /simulator/faults/NAME` (see `control.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.local.simulator.chance import Chance
from services.local.simulator.clock import Clock
from services.local.simulator.fate import TAKES, Call, Fate, Receipts, spelled_out


class Door(StrEnum):
    CREATE = "create"
    LIST = "list"


UNREAD = "reset-unread"
"""The connection is reset before the body is read."""
LAG = "lag"
"""The list leaves out what is younger than `seconds`."""
_OF_CREATE = frozenset({Call.RESET_AFTER, Call.NO_SID, Call.REFUSE})
_OF_LIST = frozenset({LAG})


class Fault(BaseModel):
    """`does`: a call's fate as in a script (`rate-limit`, `http:503`, `reset-before`, `reset-after`, `hang`, `slow`,
    `truncated`, `no-sid`, `refuse:21611`), or `reset-unread`; of a list also `lag`.

    `taken`: whether the text is on its way all the same; by default what the word says.  `receipts`: how they come of
    those (`[lost]`); by default as scripted.  `seconds`: of `slow` and `lag`.  `retry_after` None: without the header.
    `down` and `up`: seconds with and without it, by turns, from when it is switched on; `down` None: all the time.
    `most`: so many calls, and then no more.  Times in simulated seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    does: str
    on: Door = Door.CREATE
    taken: bool | None = None
    receipts: frozenset[Receipts] | None = None
    seconds: float = Field(default=5.0, ge=0)
    retry_after: float | None = None
    share: float = Field(default=1.0, gt=0, le=1)
    numbers: tuple[str, ...] = ("*",)
    senders: tuple[str, ...] = ("*",)
    down: float | None = Field(default=None, gt=0)
    up: float = Field(default=0.0, ge=0)
    most: int | None = Field(default=None, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {"does": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _can_happen(self) -> Fault:
        known = (
            {UNREAD, LAG} if self.does in {UNREAD, LAG} else {spelled_out(self.does).get("call")}
        )
        if None in known:
            raise ValueError(f"{self.does!r} is how a text ends, not how a call is answered")
        if (self.on is Door.LIST and known & _OF_CREATE) or (
            self.on is Door.CREATE and self.does in _OF_LIST
        ):
            raise ValueError(f"{self.does!r} cannot happen to a {self.on}")
        if self.does == UNREAD and (self.numbers, self.senders) != (("*",), ("*",)):
            raise ValueError(
                f"{UNREAD}: whose text it is is not read, so it cannot be for some numbers or senders only"
            )
        return self

    @property
    def call(self) -> Call | None:
        return None if self.does in {UNREAD, LAG} else Call(spelled_out(self.does)["call"])

    def over(self, fate: Fate) -> Fate:
        """What becomes of a text that was to have this fate."""
        said = spelled_out(self.does)
        taken = said["call"] in TAKES if self.taken is None else self.taken
        changed: dict[str, Any] = {
            **said,
            "taken": taken,
            "seconds": self.seconds,
            "retry_after": self.retry_after,
        }
        if self.receipts is not None:
            changed["receipts"] = self.receipts
        return fate.model_copy(update=changed)


@dataclass
class Standing:
    """A fault that is switched on.  `hits`: how many calls it has met."""

    name: str
    fault: Fault
    since: float
    asked: int = 0
    hits: int = 0


class Faults:
    def __init__(self, clock: Clock, chance: Chance, standing: Mapping[str, Fault]) -> None:
        self._clock, self._chance = clock, chance
        self._standing: dict[str, Standing] = {}
        for name, fault in standing.items():
            self.switch_on(name, fault)

    def __iter__(self) -> Iterator[Standing]:
        return iter(self._standing.values())

    def switch_on(self, name: str, fault: Fault) -> None:
        """Anew, if it was on."""
        self._standing[name] = Standing(name, fault, self._clock.now())

    def switch_off(self, name: str) -> Standing | None:
        """What it did; None if it was not on."""
        return self._standing.pop(name, None)

    def clear(self) -> None:
        self._standing.clear()

    def unread(self, door: Door) -> Standing | None:
        """One that strikes before anybody knows whose call it is: the share is drawn by arrival."""
        found = (one for one in self._on(door) if one.fault.does == UNREAD)
        return next((one for one in found if self._strikes(one, one.asked)), None)

    def of_create(self, number: str, sender: str, ordinal: int) -> Standing | None:
        """The first that fits and strikes.  The draw depends on number and ordinal, not on the order of arrival."""
        for one in self._on(Door.CREATE):
            fits = (
                one.fault.does != UNREAD
                and _any(one.fault.numbers, number)
                and _any(one.fault.senders, sender)
            )
            if fits and self._strikes(one, number, ordinal):
                return one
        return None

    def of_list(self, number: str) -> Standing | None:
        found = (
            one for one in self._on(Door.LIST) if one.fault.call and _any(one.fault.numbers, number)
        )
        return next((one for one in found if self._strikes(one, number, one.asked)), None)

    def lag(self, number: str) -> float:
        """Seconds that a text is kept out of the list."""
        lags = [
            one.fault.seconds
            for one in self._on(Door.LIST)
            if one.fault.does == LAG and _any(one.fault.numbers, number)
        ]
        return max(lags, default=0.0)

    def _on(self, door: Door) -> list[Standing]:
        now = self._clock.now()
        return [one for one in self._standing.values() if one.fault.on is door and _down(one, now)]

    def _strikes(self, one: Standing, *what: object) -> bool:
        one.asked += 1
        if one.fault.most is not None and one.hits >= one.fault.most:
            return False
        if one.fault.share < 1 and self._chance.draw("fault", one.name, *what) >= one.fault.share:
            return False
        one.hits += 1
        return True


def _down(one: Standing, now: float) -> bool:
    if one.fault.down is None:
        return True
    return (now - one.since) % (one.fault.down + one.fault.up) < one.fault.down


def _any(patterns: tuple[str, ...], written: str) -> bool:
    return any(pattern == written or fnmatchcase(written, pattern) for pattern in patterns)

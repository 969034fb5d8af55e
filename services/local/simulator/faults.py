"""The faults that are switched on, and which calls they strike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from services.local.simulator.determinism import Clock, SeededRandom
from services.local.simulator.script import LAG, UNREAD, Endpoint, Fault


@dataclass
class ActiveFault:
    """A fault that is switched on."""

    name: str
    fault: Fault
    since: float
    asked: int = 0
    """Calls that it could have struck."""
    hits: int = 0
    """Calls that it has struck."""


class Faults:
    def __init__(self, clock: Clock, random: SeededRandom, faults: Mapping[str, Fault]) -> None:
        self._clock = clock
        self._random = random
        self._active: dict[str, ActiveFault] = {}
        for name, fault in faults.items():
            self.switch_on(name, fault)

    def __iter__(self) -> Iterator[ActiveFault]:
        return iter(self._active.values())

    def switch_on(self, name: str, fault: Fault) -> None:
        """Starts anew if it was on."""
        self._active[name] = ActiveFault(name, fault, self._clock.now())

    def switch_off(self, name: str) -> ActiveFault | None:
        """Returns what it did; None if it was not on."""
        return self._active.pop(name, None)

    def clear(self) -> None:
        self._active.clear()

    def match_unread(self, endpoint: Endpoint) -> ActiveFault | None:
        """One that strikes before anybody knows whose call it is.

        Its share is drawn by arrival.
        """
        candidates = (one for one in self._acting_on(endpoint) if one.fault.does == UNREAD)
        return next((one for one in candidates if self._strikes(one, one.asked)), None)

    def match_create(self, number: str, sender: str, ordinal: int) -> ActiveFault | None:
        """The first that matches and strikes.

        The draw depends on number and ordinal, not on the order of arrival.
        """
        for one in self._acting_on(Endpoint.CREATE):
            matches = (
                one.fault.does != UNREAD
                and _matches_any(one.fault.numbers, number)
                and _matches_any(one.fault.senders, sender)
            )
            if matches and self._strikes(one, number, ordinal):
                return one
        return None

    def match_list(self, number: str) -> ActiveFault | None:
        candidates = (
            one
            for one in self._acting_on(Endpoint.LIST)
            if one.fault.call and _matches_any(one.fault.numbers, number)
        )
        return next((one for one in candidates if self._strikes(one, number, one.asked)), None)

    def list_lag(self, number: str) -> float:
        """Seconds that a text is kept out of the list."""
        lags = [
            one.fault.seconds
            for one in self._acting_on(Endpoint.LIST)
            if one.fault.does == LAG and _matches_any(one.fault.numbers, number)
        ]
        return max(lags, default=0.0)

    def _acting_on(self, endpoint: Endpoint) -> list[ActiveFault]:
        now = self._clock.now()
        return [
            one for one in self._active.values() if one.fault.on is endpoint and _is_down(one, now)
        ]

    def _strikes(self, one: ActiveFault, *purpose: object) -> bool:
        fault = one.fault
        one.asked += 1
        if fault.most is not None and one.hits >= fault.most:
            return False
        if fault.share < 1 and self._random.draw("fault", one.name, *purpose) >= fault.share:
            return False
        one.hits += 1
        return True


def _is_down(one: ActiveFault, now: float) -> bool:
    if one.fault.down is None:
        return True
    return (now - one.since) % (one.fault.down + one.fault.up) < one.fault.down


def _matches_any(patterns: tuple[str, ...], text: str) -> bool:
    return any(pattern == text or fnmatchcase(text, pattern) for pattern in patterns)

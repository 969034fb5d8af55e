"""What comes of a try: an answer, a wait before the next try, or an error. No I/O.

Theory of operation
-------------------
Every call can be sent again: one that reads has no effect, and one that changes something has an
identity that is made once. So a try that was lost on the way back is harmless.

* 429 and 503: again after the server's Retry-After, or after a growing pause without it.
* 502 and 504 are what a proxy says of a server that is away: again after a growing pause.
* 409 "still under way": an earlier try has no answer yet. Wait, and ask for that answer.
* No connection, or no answer in time: again after a growing pause.
* Everything else is final.

Pauses vary by chance, so that many clients do not come back at the same moment. No wait goes beyond
the deadline: what is known then is raised at once.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Generic, NamedTuple

from pydantic import ValidationError

from services.client.errors import ApiError, NoAnswer, SaysoError, UnknownAnswer
from services.client.models.base import ProblemDetails
from services.client.operation import Operation, T

_AGAIN: Final = frozenset({429, 502, 503, 504})
_UNDER_WAY: Final = "still-under-way"
_SPREAD: Final = 0.25
"""Of a Retry-After: so much may be added to it by chance."""


@dataclass(frozen=True, slots=True)
class Retries:
    """When to try again. Times are seconds."""

    tries: int = 6
    """At most. Waiting for a call that is under way is no failed try."""
    deadline: float = 60.0
    """From the first try: after it no other one begins."""
    first_pause: float = 0.5
    longest_pause: float = 20.0

    def __post_init__(self) -> None:
        if self.tries < 1 or min(self.deadline, self.first_pause, self.longest_pause) < 0:
            raise ValueError("give at least one try, and no negative times")


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Lost(NamedTuple):
    """No answer came."""

    what: str
    """The name of the error: never its words, which may hold what was sent."""
    again: bool = True
    """Another try may succeed."""


class Done(NamedTuple, Generic[T]):
    value: T


class Wait(NamedTuple):
    seconds: float


class Exchange(Generic[T]):
    """One call with all its tries."""

    def __init__(
        self,
        operation: Operation[T],
        retries: Retries,
        now: float,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`now`: seconds, on a clock that never goes back. `chance`: from 0 to 1."""
        self.operation = operation
        self._retries = retries
        self._end = now + retries.deadline
        self._chance = chance
        self._tries = 0
        self._failed = 0

    def judge(self, outcome: Answer | Lost, now: float) -> Done[T] | Wait:
        """Raises SaysoError where no other try is worth while."""
        self._tries += 1
        if isinstance(outcome, Answer) and 200 <= outcome.status < 300:
            return Done(self._read(outcome))
        error = self._explain(outcome)
        pause = self._pause(outcome, error)
        if pause is None or now + pause > self._end:
            raise error
        return Wait(pause)

    def _read(self, answer: Answer) -> T:
        try:
            return self.operation.answer.model_validate_json(answer.body)
        except ValidationError:
            pass
        raise UnknownAnswer(answer.status)  # here, so that it does not carry the other one

    def _explain(self, outcome: Answer | Lost) -> SaysoError:
        if isinstance(outcome, Lost):
            return NoAnswer(outcome.what, self._tries)
        wait = read_retry_after(outcome.headers.get("retry-after"))
        try:
            told = ProblemDetails.model_validate_json(outcome.body)
        except ValidationError:
            if outcome.status in _AGAIN:
                title = "The server, or a proxy before it, cannot answer"
                return ApiError(outcome.status, "about:blank", title, retry_after=wait)
            return UnknownAnswer(outcome.status)
        return ApiError(outcome.status, told.type, told.title, told.detail, told.problems, wait)

    def _pause(self, outcome: Answer | Lost, error: SaysoError) -> float | None:
        """Seconds until the next try; None: there is none."""
        asked = error.retry_after if isinstance(error, ApiError) else None
        if isinstance(error, ApiError) and error.status == 409 and error.name == _UNDER_WAY:
            return self._spread(asked if asked is not None else self._retries.first_pause)
        again = outcome.status in _AGAIN if isinstance(outcome, Answer) else outcome.again
        self._failed += 1
        if not again or self._failed >= self._retries.tries:
            return None
        if asked is not None:
            return self._spread(asked)
        grown = self._retries.first_pause * 2.0 ** min(self._failed - 1, 32)
        return min(self._retries.longest_pause, grown) * (0.5 + self._chance() / 2)

    def _spread(self, seconds: float) -> float:
        return seconds * (1 + _SPREAD * self._chance())


def read_retry_after(written: str | None, now: datetime | None = None) -> float | None:
    """Seconds, or a date (RFC 9110, 10.2.3). None: there is none that can be read."""
    if written is None:
        return None
    written = written.strip()
    if written.isascii() and written.isdigit() and len(written) < 10:
        return float(written)
    try:
        at = parsedate_to_datetime(written)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())

"""What a call may raise. None of them holds the key, or what was sent with it."""

from __future__ import annotations

from typing import Any

from services.client.models.base import FieldProblem


class SaysoError(Exception):
    """A call that has not been done, as far as is known."""


class NoAnswer(SaysoError):
    """The server was not reached, or did not answer, at any try.

    What was asked for may have been done. The same call under the same identity is harmless."""

    def __init__(self, what: str, tries: int) -> None:
        super().__init__(f"no answer after {tries} tries: {what}")
        self.what = what
        """ConnectTimeout, ReadError, ..."""
        self.tries = tries


class UnknownAnswer(SaysoError):
    """The server answered what this client cannot read. Is it the address of a Sayso console?"""

    def __init__(self, status: int) -> None:
        super().__init__(f"the answer ({status}) is none of Sayso's: check the address")
        self.status = status


class ApiError(SaysoError):
    """Sayso refused the call, and says what to do (RFC 9457)."""

    def __init__(
        self,
        status: int,
        type: str,  # noqa: A002  # as RFC 9457 calls it
        title: str = "",
        detail: str = "",
        problems: tuple[FieldProblem, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        fields = "; ".join(f"{one.field}: {one.fix}" for one in problems)
        said = " ".join(part for part in (detail or title, fields) if part)
        super().__init__(f"{status} {type}: {said}")
        self.status = status
        self.type = type
        """The address of a page at the server, such as `/v1/problems/invalid`."""
        self.title = title
        self.detail = detail
        self.problems = problems
        """The fields that are wrong."""
        self.retry_after = retry_after
        """Seconds, as the server has told them."""

    @property
    def name(self) -> str:
        """The last part of `type`: `invalid`, `refused`, `rate-limited`, ..."""
        return self.type.rpartition("/")[2]

    def __reduce__(self) -> Any:
        """Workers hand errors to one another."""
        told = (self.status, self.type, self.title, self.detail, self.problems, self.retry_after)
        return type(self), told

"""The one family of errors that operations raise.  The text of each is a sentence for the person who asked."""

from __future__ import annotations


class OperationError(Exception):
    """`message` says what is wrong; `next_step`, where there is one, what helps.  The text has both.

    A next step names the command or option that helps; another front end may show its own instead."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(f"{message}: {next_step}" if next_step else message)
        self.message = message
        self.next_step = next_step


class InvalidRequest(OperationError):
    """The caller asked for something that is wrong in itself, or named something that nobody knows."""


class OperationFailed(OperationError):
    """The request was right, and it did not work out: Kafka is away, or a processor refused it."""

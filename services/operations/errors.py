"""The errors that operations raise.  The text of each is one sentence for the person who asked."""

from __future__ import annotations


class OperationError(Exception):
    """The base of both kinds.  Its text is the message and, where there is one, the next step.

    A next step names the command or option that helps; another front end may show its own."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(f"{message}: {next_step}" if next_step else message)
        self.message = message
        self.next_step = next_step


class InvalidRequest(OperationError):
    """The caller asked for something invalid, or named something that does not exist."""


class OperationFailed(OperationError):
    """The request was valid and did not work: Kafka is away, say, or a processor refused it."""

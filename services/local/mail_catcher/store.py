"""The caught mails: one file each, the oldest ones removed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Final, NamedTuple

FOLDER: Final = "mail"
"""In the state folder."""
KEPT: Final = 500
"""Mails."""
SUFFIX: Final = ".eml"


class CaughtMail(NamedTuple):
    number: int
    at: datetime
    """When it was caught, in UTC."""
    message: EmailMessage

    @property
    def body(self) -> str:
        """The plain text."""
        part = self.message.get_body(("plain", "html"))
        return "\n".join(str(part.get_content()).splitlines()) if part is not None else ""


class MailStore:
    def __init__(self, state: Path, kept: int = KEPT) -> None:
        self._folder = state / FOLDER
        self._kept = kept

    def add(self, content: bytes) -> int:
        """Returns its number.  The file appears whole."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        numbers = self._numbers()
        number = numbers[-1] + 1 if numbers else 1
        draft = self._file(number).with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_bytes(content)
        draft.replace(self._file(number))
        for old in numbers[: max(0, len(numbers) + 1 - self._kept)]:
            self._file(old).unlink(missing_ok=True)
        return number

    def find(self, number: int) -> CaughtMail | None:
        try:
            content = self._file(number).read_bytes()
            at = datetime.fromtimestamp(self._file(number).stat().st_mtime, UTC)
        except OSError:
            return None
        return CaughtMail(number, at, message_from_bytes(content, policy=policy.default))

    def list_newest(self) -> Iterator[CaughtMail]:
        found = (self.find(number) for number in reversed(self._numbers()))
        return (mail for mail in found if mail is not None)

    def _numbers(self) -> list[int]:
        names = (file.stem for file in self._folder.glob(f"*{SUFFIX}"))
        return sorted(int(name) for name in names if name.isdecimal())

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:06}{SUFFIX}"

"""Days and times as people write them, for every option that takes one."""

from __future__ import annotations

from datetime import UTC, date, datetime

import typer

from services.cli.refused import Refused


def day(written: str) -> date:
    """Raises BadParameter: whoever reads the options names the one that is wrong."""
    try:
        return datetime.strptime(written.strip(), "%Y-%m-%d").date()
    except ValueError:
        raise typer.BadParameter(f"{written!r} is not a day: write it as 2026-11-20") from None


def moment(written: str) -> datetime:
    """In UTC.  Raises BadParameter."""
    try:
        found = datetime.fromisoformat(written.strip())
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    says = f"{written!r} is not a time with its zone: write it as 2026-11-20T17:00Z, or as 2026-11-20T12:00-05:00"
    raise typer.BadParameter(says)


def in_order(first: date | None, last: date | None, options: tuple[str, str]) -> None:
    """Raises Refused for a span that ends before it begins: nothing can be in it."""
    if first is not None and last is not None and last < first:
        raise Refused(f"{options[0]} {first} is after {options[1]} {last}: no day is between them")

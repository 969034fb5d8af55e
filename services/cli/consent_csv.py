"""A list of consents collected elsewhere, line by line: a claim, or what is wrong with the line."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError

from schemas.base import Evidence
from schemas.consent_event import ConsentAction, ConsentEvent
from schemas.consent_source import ConsentSource
from schemas.numbers import e164
from services.cli.refused import Refused
from streams.gate.dialable import PROBLEMS, dialable

REQUIRED: Final = ("number", "date", "source", "proof")
OPTIONAL: Final = ("action", "wording", "url", "sender")
LONGEST: Final = 4000
"""Characters of one cell."""
ACTIONS: Final = {
    "": ConsentAction.OPT_IN,
    "opt_in": ConsentAction.OPT_IN,
    "opt_out": ConsentAction.OPT_OUT,
}


class Line(NamedTuple):
    """`line` as an editor counts; `event` None where `reason` says why the line cannot be used.  A reason never
    quotes the line."""

    line: int
    event: ConsentEvent | None
    reason: str = ""


class Import(NamedTuple):
    """Whose consents they are, who brings them, and when."""

    tenant: str
    actor: str
    now: datetime


class _Bad(Exception):
    """Why a line cannot be used."""


def lines(path: Path, about: Import) -> Iterator[Line]:
    """Raises Refused where the file as a whole is not what it should be."""
    seen: dict[str, int] = {}
    for number, cells in _rows(path):
        try:
            event = _event(_checked(cells), about)
            first = seen.setdefault(event.event_id, number)
            if first != number:
                raise _Bad(f"it says the same as line {first}")
        except _Bad as bad:
            yield Line(number, None, str(bad))
        else:
            yield Line(number, event)


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str] | str]]:
    """Cells by column, or what is wrong with the line as a whole; blank lines are left out."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = _header(path, reader)
            while True:
                number = reader.line_num + 1
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield number, f"this is not CSV: {error}"
                    continue
                if len(row) == len(header):
                    yield number, dict(zip(header, (cell.strip() for cell in row), strict=True))
                elif any(cell.strip() for cell in row):
                    yield number, f"it has {len(row)} cells, and the header {len(header)}"
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from None


def _header(path: Path, reader: Iterator[list[str]]) -> list[str]:
    try:
        names = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as error:
        raise Refused(f"{path}, line 1: this is not CSV: {error}") from None
    lacking = [name for name in REQUIRED if name not in names]
    if lacking:
        raise Refused(
            f"{path}, line 1: the header must name {', '.join(REQUIRED)}; {', '.join(lacking)} is missing"
        )
    odd = next(
        (name for name in names if name not in REQUIRED + OPTIONAL or names.count(name) > 1), None
    )
    if odd is not None:
        what = (
            "is there twice"
            if names.count(odd) > 1
            else f"is not known; besides there may be {', '.join(OPTIONAL)}"
        )
        raise Refused(f"{path}, line 1: the column {odd!r} {what}")
    return names


def _checked(cells: Mapping[str, str] | str) -> Mapping[str, str]:
    if isinstance(cells, str):
        raise _Bad(cells)
    for name, cell in cells.items():
        if name in REQUIRED and not cell:
            raise _Bad(f"{name} is empty")
        if len(cell) > LONGEST:
            raise _Bad(f"{name} has {len(cell)} characters; {LONGEST} is the most")
        if any("\ud800" <= sign <= "\udfff" for sign in cell):
            raise _Bad(f"{name} is not UTF-8 text: save the file as UTF-8")
    return cells


def _event(cells: Mapping[str, str], about: Import) -> ConsentEvent:
    action = ACTIONS.get(cells.get("action", ""))
    if action is None:
        raise _Bad("action is neither opt_in nor opt_out")
    number = e164(cells["number"])
    problem = dialable(number).problem
    if problem:
        raise _Bad("number: {}: {}".format(*PROBLEMS[problem]))
    at = _at(cells["date"])
    if at > about.now:
        raise _Bad("date is in the future")
    wording = cells.get("wording") or None
    evidence = {
        "origin": cells["source"],
        "document": cells["proof"],
        "wording": wording,
        "wording_sha256": hashlib.sha256(wording.encode()).hexdigest() if wording else None,
        "url": cells.get("url") or None,
        "actor": about.actor,
    }
    try:
        return ConsentEvent(
            event_id=_identity(about.tenant, number, cells),
            tenant=about.tenant,
            number=number,
            sender=cells.get("sender") or None,
            action=action,
            source=ConsentSource.IMPORT,
            at=at,
            evidence=Evidence.model_validate(evidence),
        )
    except ValidationError as error:
        raise _Bad(str(error.errors()[0]["msg"])) from None


def _at(written: str) -> datetime:
    """A time with its zone, or a day, which begins in UTC: what counts is when the claim reaches Kafka."""
    try:
        if len(written) <= len("2025-11-03"):
            return datetime.combine(date.fromisoformat(written), time(), UTC)
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise _Bad(
            "date is none: write it as 2025-11-03, or with time and zone as 2025-11-03T14:05:00-05:00"
        ) from None
    if moment.tzinfo is None:
        raise _Bad("date has a time without its zone: write 2025-11-03T14:05:00-05:00")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise _Bad("date is outside of the years 1 to 9999") from None


def _identity(tenant: str, number: str, cells: Mapping[str, str]) -> str:
    """The same line is the same event, in whatever file and however often: the gate drops the repeat."""
    said = "\0".join(
        (tenant, number, *(cells.get(name, "") for name in (*REQUIRED[1:], *OPTIONAL)))
    )
    return "import-" + hashlib.sha256(said.encode()).hexdigest()[:32]

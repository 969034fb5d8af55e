"""`sayso consent import`: consents that were collected elsewhere, each with its date, source and proof."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from services.cli import options
from services.cli.bar import Moved, bar
from services.cli.refused import Refused

if TYPE_CHECKING:
    from schemas.consent_event import ConsentEvent
    from services.cli.consent_csv import Line

BATCH = 1000
"""Lines that Kafka confirms at a time."""


class Imported(NamedTuple):
    good: int
    bad: tuple[Line, ...]


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv")],
    tenant: Annotated[str, typer.Option("--tenant", "-t", help="Consent is given to a tenant.")],
    actor: Annotated[str | None, typer.Option(help="Who brings them; you, if left out.")] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Bring in a list of consents. Bad lines are named and left out, good ones go in; importing again is harmless.

    The first line names the columns: number, date, source (where it was collected) and proof (where the signed form is
    kept, or its SHA-256); action (opt_in or opt_out), wording, url and sender may be there too. An import lifts no
    opt-out.

    Example: [cyan]sayso consent import consents.csv -t harbor[/]
    """
    import getpass
    from datetime import UTC, datetime

    from schemas.topics import CONSENT_EVENTS
    from services.cli.consent_csv import Import, lines
    from services.cli.kafka import bootstrap_of, must_hold, run
    from services.cli.known import must_know
    from services.cli.screen import console, note, print_json

    about = Import(_tenant(tenant), actor or getpass.getuser(), datetime.now(UTC))
    length, where = _how_long(file), bootstrap_of(bootstrap, state)
    must_hold(where, CONSENT_EVENTS)
    must_know(where, about.tenant)
    with bar("lines", length) as moved:
        imported = run(_import(lines(file, about), where, moved))
    if as_json:
        bad = [{"line": line.line, "reason": line.reason} for line in imported.bad]
        print_json({"imported": imported.good, "bad": bad})
    else:
        for line in imported.bad:
            note(f"{file}, line {line.line}: {line.reason}")
        console().print(f"Lines taken in: {imported.good:,}; left out: {len(imported.bad):,}.")
    raise typer.Exit(1 if imported.bad else 0)


def _tenant(given: str) -> str:
    from pydantic import TypeAdapter, ValidationError

    from schemas.base import Slug

    try:
        return str(TypeAdapter(Slug).validate_python(given))
    except ValidationError:
        raise Refused(
            f"--tenant {given!r} cannot be used: use letters, digits and . _ : @ - (128 at most)"
        ) from None


async def _import(found: Iterator[Line], bootstrap: str, moved: Moved) -> Imported:
    """Raises Refused where Kafka does not confirm; what went in before stays in."""
    from schemas.topics import CONSENT_EVENTS
    from services.kafka.publisher import NotPublished, Publisher

    publisher, good, bad = Publisher(bootstrap, source="import"), 0, []
    try:
        while batch := list(islice(found, BATCH)):
            events: list[ConsentEvent] = [line.event for line in batch if line.event is not None]
            await publisher.publish_all(CONSENT_EVENTS, events)
            good += len(events)
            bad += [line for line in batch if line.event is None]
            moved(batch[-1].line)
    except NotPublished as error:
        raise Refused(
            f"{error}; {good:,} lines are in: import the file again, which is harmless", 1
        ) from None
    finally:
        await publisher.stop()
    return Imported(good, tuple(bad))


def _how_long(file: Path) -> int:
    """In lines.  Raises Refused."""
    try:
        with file.open("rb") as whole:
            return sum(1 for _ in whole)
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}") from None

"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import getpass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from schemas.send_request import UNDO_AT_MOST
from schemas.wire_types import RFC3339_DAY
from services.operations.errors import InvalidRequest
from services.operations.written_time import parse_written_time


def parse_day(written: str) -> date:
    """Raises BadParameter: Typer adds the name of the option."""
    try:
        if RFC3339_DAY.fullmatch(written.strip()):
            return date.fromisoformat(written.strip())
    except ValueError:
        pass
    raise typer.BadParameter(f"{written!r} is not a day: write it as 2026-11-20")


def parse_time(written: str) -> datetime:
    """In UTC.  Raises BadParameter."""
    try:
        found = parse_written_time(written.strip())
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise typer.BadParameter(
        f"{written!r} is not a time with its zone: write it as 2026-11-20T17:00Z,"
        " or as 2026-11-20T12:00-05:00"
    )


def parse_bootstrap(written: str) -> str:
    """One or several addresses, as every Kafka client takes them; without a port it is 9092.

    Raises BadParameter."""
    for address in written.split(","):
        host, colon, port = address.strip().rpartition(":")
        is_bare = not colon or port.endswith("]")  # a name, or an IPv6 address in brackets
        if not (is_bare and address.strip()) and not (
            host and port.isdecimal() and 0 < int(port) < 65536
        ):
            raise typer.BadParameter(
                f"{address.strip()!r} is not a HOST:PORT such as kafka-1:9092;"
                " several have commas between them"
            )
    return written


def parse_folder(written: str | Path) -> Path:
    """One that exists, or that can be made.  Raises BadParameter."""
    path = Path(written)
    try:
        nearest = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    except OSError as error:
        raise typer.BadParameter(f"{str(path)[:200]!r} cannot be used: {error.strerror}") from None
    if nearest.is_dir():
        return path
    if nearest == path.absolute():
        raise typer.BadParameter(f"{str(path)!r} is not a folder")
    raise typer.BadParameter(f"{str(path)!r} cannot be made: {nearest} is not a folder")


def parse_url(written: str) -> str:
    """Of an HTTP server.  Raises BadParameter."""
    try:
        parts = urlsplit(written)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise typer.BadParameter(f"{written!r} is not a URL such as http://simulator:8430")
    return written


Bootstrap = Annotated[
    str | None,
    typer.Option(
        parser=parse_bootstrap,
        envvar="SAYSO_BOOTSTRAP",
        metavar="HOST:PORT",
        show_default=False,
        help="An existing Kafka. Default: the broker that `sayso up` runs in this state folder.",
    ),
]
State = Annotated[
    Path,
    typer.Option(
        parser=parse_folder,
        envvar="SAYSO_STATE",
        metavar="FOLDER",
        help="Where the broker's data, logs and ledger live.",
    ),
]
STATE: Final = Path(".sayso")
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show phone numbers and texts in full.")]
Most = Annotated[int, typer.Option("--most", min=1, help="Show at most this many lines.")]
UndoFor = Annotated[
    int | None,
    typer.Option(
        "--undo-for",
        metavar="SECONDS",
        min=1,
        max=UNDO_AT_MOST,
        help="Hold it for so long, so that `sayso cancel` can withdraw it.",
    ),
]
Tenant = Annotated[
    str | None, typer.Option("--tenant", "-t", metavar="TENANT", help="Only this tenant.")
]
Number = Annotated[
    str, typer.Argument(metavar="NUMBER", help="A phone number with plus and country code.")
]
PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id in your records.")]
MessageId = Annotated[str, typer.Argument(metavar="MESSAGE_ID")]
By = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="NAME",
        help="Who does it; goes on record. Default: your login name.",
        show_default=False,
    ),
]
TIME: Final[Any] = {"parser": parse_time, "metavar": "TIME", "show_default": False}
DAY: Final[Any] = {"parser": parse_day, "metavar": "YYYY-MM-DD", "show_default": False}

# Which messages: those that are named, or all that match.
MessageIds = Annotated[list[str] | None, typer.Argument(metavar="MESSAGE_ID", show_default=False)]
Branch = Annotated[str | None, typer.Option(help="Only this branch.")]
Person = Annotated[str | None, typer.Option(help="Only this person, by their id in your records.")]
Code = Annotated[str | None, typer.Option(help="Only this error code, e.g. 30005.")]
Day = Annotated[date | None, typer.Option(help="Day of the request, inclusive.", **DAY)]
All = Annotated[bool, typer.Option("--all", help="All of them. Or filter with the options above.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def read_actor(by: str | None, fallback: str | None = None) -> str:
    """Who does it.

    A container may have no name for its user: then `fallback`, or InvalidRequest."""
    if by and by.strip():
        return by.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        if fallback is None:
            raise InvalidRequest(
                "Nobody knows your name on this machine: say it with --by"
            ) from None
        return fallback


def repeat_options(state: Path, bootstrap: str | None) -> str:
    """What a printed command needs in order to mean the same stack; nothing where that is the usual
    one."""
    folder = f" --state {state}" if state != STATE else ""
    return folder + (f" --bootstrap {bootstrap}" if bootstrap else "")

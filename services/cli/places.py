"""Where things are, as people write it: a Kafka, a folder, an HTTP server.  Each raises BadParameter."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import typer


def kafka(written: str) -> str:
    """One or several addresses, as every Kafka client takes them; without a port it is 9092."""
    for address in written.split(","):
        host, colon, port = address.strip().rpartition(":")
        bare = not colon or port.endswith("]")  # a name, or an IPv6 address in brackets
        if not (bare and address.strip()) and not (
            host and port.isdecimal() and 0 < int(port) < 65536
        ):
            raise typer.BadParameter(
                f"{address.strip()!r} is not a HOST:PORT such as kafka-1:9092; several have commas between them"
            )
    return written


def folder(written: str | Path) -> Path:
    """One that is there, or can be: nothing else bears its name."""
    path = Path(written)
    try:
        nearest = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    except OSError as error:
        raise typer.BadParameter(f"{str(path)[:200]!r} cannot be used: {error.strerror}") from None
    if not nearest.is_dir():
        why = (
            "is not a folder"
            if nearest == path.absolute()
            else f"cannot be made: {nearest} is not a folder"
        )
        raise typer.BadParameter(f"{str(path)!r} {why}")
    return path


def server(written: str) -> str:
    try:
        parts = urlsplit(written)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise typer.BadParameter(f"{written!r} is not a URL such as http://simulator:8430")
    return written

"""Where a ledger is: an SQLite file in a state folder, or a schema of a PostgreSQL database."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from services.settings import ServiceSettings, SettingsError, from_environment

FILE: Final = "ledger.sqlite"
SCHEMA: Final = "sayso_ledger"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,50}")


@dataclass(frozen=True)
class PostgresLocation:
    url: str = field(repr=False)
    """As libpq reads it. It may hold a password."""
    schema: str = SCHEMA

    def exists(self) -> bool:
        """A database is somebody else's to create: nobody has to wait for `sayso up` first."""
        return True

    def __str__(self) -> str:
        """Without user and password."""
        parts = urlsplit(self.url)
        where = parts.netloc.rpartition("@")[2] or dict(parse_qsl(parts.query)).get("host", "")
        return f"postgresql://{where}{unquote(parts.path)} (schema {self.schema})"


Location = Path | PostgresLocation


def read_location(url: str) -> PostgresLocation:
    """`postgresql://user:password@host/database`, with `?schema=NAME` for several ledgers in one
    database. Raises SettingsError."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise SettingsError(
            "SAYSO_LEDGER_URL is wrong: write postgresql://USER:PASSWORD@HOST/DATABASE"
        )
    options = parse_qsl(parts.query)
    schema = next((value for name, value in options if name == "schema"), SCHEMA)
    if not _NAME.fullmatch(schema):
        raise SettingsError(
            "SAYSO_LEDGER_URL is wrong: its schema is a lower-case word of at most 51 letters, "
            "digits and underscores"
        )
    query = urlencode([one for one in options if one[0] != "schema"])
    return PostgresLocation(urlunsplit(parts._replace(query=query)), schema)


def locate_ledger(settings: ServiceSettings) -> Location:
    """Raises SettingsError."""
    url = settings.ledger_url.get_secret_value()
    return read_location(url) if url else settings.state / FILE


def locate_in(state: Path) -> Location:
    """For a command that was given a state folder: SAYSO_LEDGER_URL, else the file in there. Raises
    SettingsError."""
    return locate_ledger(from_environment().model_copy(update={"state": state}))

"""Who gives an order."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

By = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="NAME",
        help="Who wants it; goes on record. Default: your login.",
        show_default=False,
    ),
]


def whom(given: str | None) -> str:
    if given and given.strip():
        return given.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without a name for its user
        return "cli"

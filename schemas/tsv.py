"""Read the tables that come with the code: a heading, and a tab between each two cells."""

from __future__ import annotations

from importlib.resources import files


def read_rows(package: str, *path: str) -> list[list[str]]:
    """The rows without their heading.  `path`: the file, below the folder of `package`."""
    text = files(package).joinpath(*path).read_text("utf-8")
    return [line.split("\t") for line in text.splitlines()[1:]]

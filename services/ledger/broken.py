"""What to do where the file cannot be read or written, in one sentence."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

ADVICE: Final = {
    "SQLITE_FULL": "make room on its disk",
    "SQLITE_IOERR": "look at its disk",
    "SQLITE_BUSY": "another process is at it, try again in a moment",
    "SQLITE_LOCKED": "another process is at it, try again in a moment",
    "SQLITE_READONLY": "give its owner the right to write there",
    "SQLITE_CANTOPEN": "give its owner the right to write there",
    "SQLITE_PERM": "give its owner the right to write there",
    "SQLITE_CORRUPT": "delete it, it is rebuilt",
    "SQLITE_NOTADB": "delete it, it is rebuilt",
}
"""By the first two words of SQLite's own name for it (sqlite.org/rescode.html).  Anything else is a fault of ours."""


def sentence(path: Path, error: sqlite3.Error) -> str | None:
    """None where it is not the file's fault."""
    advice = ADVICE.get("_".join(str(getattr(error, "sqlite_errorname", "")).split("_")[:2]))
    return f"The ledger at {path} cannot be used ({error}): {advice}" if advice else None

"""What happened, line by line, for whoever wants to count on their own.

A line is written before the caller hears of what it says.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

RUN = "run"
"""The event with which each run begins. Its lines' `t` counts from there."""


class Journal:
    """JSON lines, each written by one system call: what was written survives a kill.

    Numbers are in the clear, bodies only as SHA-256. It is a file for checkers, not a log.
    """

    def __init__(self, path: Path | None) -> None:
        self.counts: Counter[str] = Counter()
        self.path = path
        self._file = -1
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._write(RUN, "began")

    def note(self, event: str, outcome: str, **details: Any) -> None:
        self.counts[f"{event}.{outcome}"] += 1
        if self._file >= 0:
            self._write(event, outcome, **details)

    def _write(self, event: str, outcome: str, **details: Any) -> None:
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        entry = {"event": event, "outcome": outcome, "at": at, **details}
        os.write(self._file, orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def read_entries(path: Path) -> Iterator[dict[str, Any]]:
    """Of a journal that may still be written: a last line without an end is left out."""
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield orjson.loads(line)


def hash_body(body: str) -> str:
    return sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def count_earlier(path: Path | None) -> Counter[str]:
    """How often each number was texted (`create`) or texted us (`inbound`) in an earlier run.

    A restarted simulator goes on counting from there, and gives no SID twice.
    """
    counts: Counter[str] = Counter()
    if path is not None and path.exists():
        for entry in read_entries(path):
            if entry["event"] in {"create", "inbound"} and entry.get("ordinal"):
                counts[f"{entry['event']} {entry['number']}"] += 1
    return counts

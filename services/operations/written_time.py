"""Times as people write them: RFC 3339, and the seconds may be left out."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


def parse_written_time(written: str) -> datetime:
    """Without a zone where none is written: the caller says that it is missing.  Raises
    ValueError."""
    if not _TIME.fullmatch(written):
        raise ValueError(written)
    return datetime.fromisoformat(written.upper())

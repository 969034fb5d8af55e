"""The reminder that an event's own reminders use where the tenant names no template.

It names the day by its date, so it never turns false while it waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from schemas.tsv import read_rows


@cache
def read_reminder_texts() -> Mapping[str, str]:
    """By language, English first: the language of everybody whose own is not there."""
    return dict(read_rows("streams.templates", "reminders.tsv"))

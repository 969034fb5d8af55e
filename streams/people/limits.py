"""How long and how much: the people room's numbers, each with its reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

WORDS_AT_MOST: Final = 4_000
"""Characters in all of an event's or request's fields but the text: a row must stay under 64 kB."""

NUMBERS_AT_MOST: Final = 20
"""Numbers one person may have."""

ORDER_AT_LARGE: Final = timedelta(hours=72)
"""So long after the gate ordered a text it may still be taken back at dispatch, which remembers ids as long."""

SETTLED_AT_ONCE: Final = 500
"""Requests looked at in one step when a person changes; what more there is follows at once, row by row."""

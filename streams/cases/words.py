"""The words of a text: rendered when it is due, and never before."""

from __future__ import annotations

from functools import cache
from typing import Final

from schemas.recipe import Template

OWN_WORDS: Final = {
    "en": "Reminder: {{ event.title }} on {{ event.day }} at {{ event.time }}.",
}


@cache
def default_reminder() -> Template:
    """For reminders of an event itself, where the tenant names no template."""
    return Template(texts=dict(OWN_WORDS))

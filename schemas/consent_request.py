"""The text of the opt-in request: a tenant's template, of which no part may be missing.

The CTIA Messaging Principles (5.1) require that it says who texts, what for, how often, what it
costs, and how to answer.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from string import Formatter
from typing import Final

from pydantic import field_validator

from schemas.base import Message
from schemas.blank_text import is_blank

WORDING: Final = "{company}: may we text you about {purpose}? {frequency} {rates} {answers}"
ANSWERS: Final = "Reply START to receive texts, STOP to opt out, HELP for help."
PARTS: Final = {
    "company": "who is asking",
    "purpose": "what the texts are for",
    "frequency": "how often they come",
    "rates": "what they may cost",
    "answers": "how to answer",
}
"""What the text must say, by the name of its place in the wording."""


class ConsentRequest(Message):
    """The template of the opt-in request."""

    company: str | None = None
    """Left out, the tenant's name."""
    purpose: str = "your business with us"
    frequency: str = "Message frequency varies."
    rates: str = "Msg&data rates may apply."
    answers: str = ANSWERS
    wording: str = WORDING
    """With {company}, {purpose}, {frequency}, {rates} and {answers}."""

    @field_validator("company", "purpose", "frequency", "rates", "answers")
    @classmethod
    def _says_something(cls, said: str | None, info: object) -> str | None:
        if said is not None and is_blank(said):
            part = getattr(info, "field_name", "")
            raise ValueError(f"the opt-in request must say {PARTS[part]}: {part} is missing")
        return said

    @field_validator("answers")
    @classmethod
    def _names_the_answers(cls, said: str) -> str:
        for word in ("START", "STOP", "HELP"):
            if not re.search(rf"\b{word}\b", said):
                raise ValueError(f"the opt-in request must say how to answer: {word} is missing")
        return said

    @field_validator("wording")
    @classmethod
    def _has_every_part(cls, wording: str) -> str:
        places = set(_places(wording))
        for part, meant in PARTS.items():
            if part not in places:
                raise ValueError(f"the opt-in request must say {meant}: {{{part}}} is missing")
        if unknown := sorted(places - PARTS.keys()):
            raise ValueError(
                f"there is no {{{unknown[0]}}} to put in: parts are {', '.join(PARTS)}"
            )
        return wording

    def text(self, name: str) -> str:
        """As it goes out; `name` is the tenant's."""
        said = {part: getattr(self, part) for part in PARTS}
        return self.wording.format(**{**said, "company": self.company or name})

    @property
    def version(self) -> str:
        """Names exactly this template: the first 12 hex digits of its SHA-256."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


def _places(wording: str) -> Iterator[str]:
    """Raises ValueError."""
    try:
        for _, name, form, conversion in Formatter().parse(wording):
            if name is not None:
                if form or conversion or not name.isidentifier():
                    raise ValueError(
                        f"write {{{name}}} as a plain name in braces: {', '.join(PARTS)}"
                    )
                yield name
    except ValueError as error:
        raise ValueError(f"the wording cannot be read: {error}") from None

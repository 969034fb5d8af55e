"""A page on which people ask for texts: its words, and where it may be shown.

What it shows is evidence (CTIA Messaging Principles 5.1.2), so it has a version."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from schemas.base import Message, is_kept
from schemas.blank_text import is_blank
from schemas.consent_request import ConsentRequest
from schemas.sender import SenderAddress

WORDING: Final = (
    "I want text messages from {company} about {purpose}. {frequency} {rates}"
    " I can reply STOP to opt out, and HELP for help. My consent is not a condition of any service."
)
PARTS: Final = ("company", "purpose", "frequency", "rates")
"""What may stand in braces; the values are those of the opt-in request."""
LANGUAGES: Final = ("en", "es")
"""Those that the page's own words are there in."""
_ORIGIN: Final = re.compile(
    r"https://[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?"
    r"|http://(?:localhost|127\.0\.0\.1)(?::[0-9]{1,5})?"
)
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_LONGEST: Final = 3000


def _require_origin(written: str) -> str:
    origin = written.lower()
    if not _ORIGIN.fullmatch(origin):
        raise ValueError(
            f"{written[:80]!r} is no origin: write scheme and host alone,"
            " such as https://www.example.com"
        )
    return origin


Origin = Annotated[str, AfterValidator(_require_origin)]


class ConsentForm(Message):
    """A public page at `/forms/TENANT/NAME`. Who fills it in gets an opt-in request by text."""

    title: str = Field(default="", max_length=200)
    """The heading.  Left out, one with the tenant's name."""
    wording: str = Field(default=WORDING, max_length=_LONGEST)
    """What people agree to.  {company}, {purpose}, {frequency} and {rates} are filled in as in the
    opt-in request."""
    sender: SenderAddress | None = None
    """Left out, the consent is for all that the tenant texts from."""
    language: str = "en"
    frame_origins: tuple[Origin, ...] = Field(default=(), max_length=50)
    """Sites that may show the page inside of their own, such as `https://www.example.com`."""

    @field_validator("language")
    @classmethod
    def _known_language(cls, language: str) -> str:
        if language not in LANGUAGES:
            raise ValueError(
                f"there are no words for {language[:20]!r}: use {', '.join(LANGUAGES)}"
            )
        return language

    @field_validator("wording")
    @classmethod
    def _says_enough(cls, wording: str, info: ValidationInfo) -> str:
        if is_kept(info):
            return wording
        places = _PLACE.findall(wording)
        if unknown := [name for name in places if name not in PARTS]:
            raise ValueError(
                f"there is no {{{unknown[0][:40]}}} to put in: parts are {', '.join(PARTS)}"
            )
        if is_blank(wording) or "company" not in places:
            raise ValueError("the wording must say who texts: {company} is missing")
        if not re.search(r"\bSTOP\b", wording):
            raise ValueError("the wording must say how to opt out: STOP is missing")
        return wording

    @model_validator(mode="after")
    def _has_words_of_its_language(self) -> ConsentForm:
        if self.language != "en" and self.wording == WORDING:
            raise ValueError(f"give the wording in {self.language!r}: ours is English")
        return self

    def text(self, name: str, request: ConsentRequest) -> str:
        """What people agree to, to the letter; `name` is the tenant's."""
        said = {part: str(getattr(request, part) or name) for part in PARTS}
        return _PLACE.sub(lambda place: said.get(place[1], place[0]), self.wording)

    @property
    def version(self) -> str:
        """Names exactly this form: the first 12 hex digits of its SHA-256."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

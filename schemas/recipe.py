"""How a tenant reminds people by itself: recipes, templates, and mails to staff."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator

from schemas.base import Message, Slug, UtcTime
from schemas.case_event import Role, Title
from schemas.offsets import Offset, as_offset, parse_offset
from schemas.send_request import Kind
from schemas.when import ClockTime, KindName


class IfLate(StrEnum):
    """What becomes of a reminder whose time had passed when the event became known."""

    SEND = "send"
    SKIP = "skip"


class Recipe(Message):
    """On an event of a type, or around a named date: this template, to these roles, at this
    distance.  It holds for all cases of the tenant, also for events that were saved before."""

    event_type: Title | None = None
    """Of the events that it is for; upper and lower case are the same."""
    date_name: Slug | None = None
    """Instead: the date (`DateSet`) that it is for."""
    offset: Annotated[Offset, BeforeValidator(as_offset)]
    at: ClockTime | None = None
    """With days or weeks: at this time of that day, on the event's clock.  Left out, the event's
    own; 09:00 for an event of the whole day and for a named date."""
    template: Slug
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=20)] = ("client",)
    if_late: IfLate = IfLate.SEND
    kind: KindName = Kind.REMINDER
    margin_minutes: int = Field(default=30, ge=0, le=10080)
    """A reminder that could only leave later than this before the event is of no use."""
    confirm: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    """The word by which they confirm, such as C; never one of the consent words."""

    @model_validator(mode="after")
    def _has_one_anchor(self) -> Recipe:
        if (self.event_type is None) == (self.date_name is None):
            raise ValueError("a recipe is for an event_type or for a date_name")
        if self.date_name is not None and not parse_offset(self.offset).unit.is_calendar:
            raise ValueError("a named date has no hour: write its offset in days or weeks")
        return self


class Template(Message):
    """The words of a text, by language.  Fields stand in double braces: {{ person.first }}."""

    texts: Annotated[
        dict[str, Annotated[str, Field(min_length=1, max_length=4000)]], Field(min_length=1)
    ]
    """By the language's code; a person whose language is not there gets the tenant's first locale,
    else the first of these."""

    @field_validator("texts")
    @classmethod
    def _languages(cls, texts: dict[str, str]) -> dict[str, str]:
        for code in texts:
            if not (2 <= len(code) <= 10 and code.replace("-", "").isalpha()):
                raise ValueError(f"{code[:20]!r} is no language: write a code such as en or es")
        return texts

    @property
    def version(self) -> str:
        """Names exactly these texts in this order: the first one may stand in for a language."""
        written = json.dumps([*self.texts.items()], ensure_ascii=False)
        return hashlib.sha256(written.encode()).hexdigest()[:12]


class TemplateVersion(Message):
    """A template as it was applied at some time, kept for good: settings have only the last one."""

    tenant: Slug
    name: Slug
    version: Slug
    """The first 12 hex digits of the SHA-256 of its texts; `CaseText.template_version` names it."""
    texts: dict[str, str]
    """By the language's code."""
    by: str | None = None
    """Who applied it; left out, nobody knows."""
    at: UtcTime
    """When it was applied; the last time, if it was applied again after another one."""

    @property
    def template_key(self) -> str:
        return f"{self.tenant}/{self.name}/{self.version}"


class MailSettings(Message):
    """Mails to staff about replies."""

    to: Annotated[str, Field(max_length=254)] | None = None
    """Where replies are mailed; left out, nowhere.  A case may have its own address."""
    bundle_minutes: int = Field(default=0, ge=0, le=1440)
    """Wait so long for more texts of a burst, and mail once.  0: a mail for each."""
    unanswered_hours: int | None = Field(default=None, ge=1, le=1000)
    """Working hours after which a second mail says that they still wait."""
    show_last_digits: bool = True
    """Of the number, in the mail."""
    link: Annotated[str, Field(max_length=500, pattern=r"^https?://")] | None = None
    """Where a thread can be read; `{number}` and `{case}` are filled in."""

"""People and their numbers."""

from __future__ import annotations

from datetime import datetime

from services.client.models.base import Input, NumberType, Output, Page


class NumberInput(Input):
    """A new number is a mobile, on for texts, and not the primary one, unless it says so."""

    number: str
    type: NumberType | None = None
    sms_enabled: bool | None = None
    primary: bool | None = None


class PersonInput(Input):
    """The whole person: what is left out is removed."""

    name: str | None = None
    first_name: str | None = None
    role: str | None = None
    email: str | None = None
    language: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None
    numbers: tuple[NumberInput, ...] = ()


class PersonAccepted(Output):
    person_id: str


class PersonNumberItem(Output):
    number: str
    type: str
    sms_enabled: bool
    primary: bool


class PersonItem(Output):
    person_id: str
    name: str
    first_name: str | None
    role: str | None
    email: str | None
    language: str | None
    time_zone: str | None
    postal_region: str | None
    numbers: tuple[PersonNumberItem, ...]
    reach: str
    """Whether a text can go to them: opted_in, pending, not_asked, opted_out, not_sms_enabled or
    no_number."""
    changed_at: datetime


class PersonPage(Page):
    items: tuple[PersonItem, ...]

"""What a producer says of a person."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Message, Slug, UtcTime
from schemas.person import NumberType


class PersonAction(StrEnum):
    """`upsert`: this is the whole person, and what is left out is gone.  `update`: only what is given changes."""

    UPSERT = "upsert"
    UPDATE = "update"
    DELETE = "delete"


class NumberChange(Message):
    """A number of the person.  What is left out stays as it was; a new number is then a mobile, its switch on if it is
    a mobile, and not the primary one."""

    number: str
    type: NumberType | None = None
    sms_enabled: bool | None = None
    primary: bool | None = None


class PersonEvent(Message):
    """With `update`, an empty text clears a field, `numbers` adds or changes the ones named, and `remove` takes numbers
    away.  A repeat, by `event_id`, changes nothing."""

    event_id: Slug
    tenant: Slug
    person_id: Slug
    action: PersonAction
    name: str | None = None
    role: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None
    email: str | None = None
    numbers: tuple[NumberChange, ...] = ()
    remove: tuple[str, ...] = ()
    at: UtcTime

    @property
    def person_key(self) -> str:
        return f"{self.tenant}/{self.person_id}"

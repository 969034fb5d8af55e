"""A tenant's record of somebody: who they are, and the numbers they can be reached at."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Message, Slug, UtcTime
from schemas.structs import struct


class NumberType(StrEnum):
    MOBILE = "mobile"
    HOME = "home"
    WORK = "work"
    OTHER = "other"


@struct
class PersonNumber(Message):
    """`number` in E.164 where it can be.  `sms_enabled` is the switch that staff set; whether a text may go is for
    consent and the gate to say."""

    number: str
    type: NumberType = NumberType.MOBILE
    sms_enabled: bool
    primary: bool = False


@struct
class Person(Message):
    """The whole of what is known, as the people room made it of the events.  One that was deleted keeps nothing but
    its id."""

    tenant: Slug
    person_id: Slug
    name: str = ""
    role: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None
    numbers: tuple[PersonNumber, ...] = ()
    email: str | None = None
    deleted: bool = False
    at: UtcTime

    @property
    def person_key(self) -> str:
        return f"{self.tenant}/{self.person_id}"

"""People and their numbers: who somebody is, what producers say of them, and the texts requested
for them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from schemas.base import Evidence, Message, RequestContext, Slug, UtcTime, document_words
from schemas.decision import Verdict
from schemas.numbers import e164
from schemas.send_request import CancelSource, UndoSeconds
from schemas.structs import struct


class NumberType(StrEnum):
    MOBILE = "mobile"
    HOME = "home"
    WORK = "work"
    OTHER = "other"


@struct
class PersonNumber(Message):
    number: str
    """In E.164 where it can be."""
    type: NumberType = NumberType.MOBILE
    sms_enabled: bool
    """The switch that staff set.  Whether a text may go is for consent and the gate to decide."""
    primary: bool = False


@struct
class Person(Message):
    """The whole of what is known of a person, as the people processor derived it from the events.

    A person who was deleted keeps nothing but the id."""

    tenant: Slug
    person_id: Slug
    name: str = ""
    role: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None
    numbers: tuple[PersonNumber, ...] = ()
    email: str | None = None
    first_name: str | None = None
    """As they are addressed.  Never guessed from `name`: "Anne Marie" is one."""
    language: str | None = None
    """Of their texts, by its code in the tenant's templates, such as `es`."""
    deleted: bool = False
    at: UtcTime

    @property
    def person_key(self) -> str:
        return f"{self.tenant}/{self.person_id}"


class PersonAction(StrEnum):
    UPSERT = "upsert"
    """This is the whole person: what is left out is removed."""
    UPDATE = "update"
    """Only what is given changes."""
    DELETE = "delete"


class NumberChange(Message):
    """A number of the person.  What is left out stays as it was.

    A new number is then a mobile, enabled if it is a mobile, and not the primary one."""

    number: str
    type: NumberType | None = None
    sms_enabled: bool | None = None
    primary: bool | None = None


class PersonEvent(Message):
    """What a producer says of a person.  A repeat, by `event_id`, changes nothing.

    With `update`, an empty text clears a field."""

    event_id: Slug
    tenant: Slug
    person_id: Slug
    action: PersonAction
    name: str | None = None
    role: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None
    email: str | None = None
    first_name: str | None = None
    language: str | None = None
    numbers: tuple[NumberChange, ...] = ()
    """With `update`: the numbers to add or change."""
    remove: tuple[str, ...] = ()
    """With `update`: the numbers to remove."""
    by: str | None = None
    """The member of staff, by name, who wants it so."""
    at: UtcTime

    @property
    def person_key(self) -> str:
        return f"{self.tenant}/{self.person_id}"


@struct
class PersonRequest(RequestContext):
    """A SendRequest without a number.  People picks the number, now or when there is one, and
    issues the send request under the same id."""

    person_id: Slug
    to: str | None = None
    """One of the person's numbers that is not their mobile; the tenant's settings must allow it."""
    number_type: NumberType | None = None
    """Instead of `to`: a number of this type."""
    body: str
    postal_region: str | None = None
    not_before: UtcTime | None = None
    resend_of: Slug | None = None
    """The text that this one is sent again for."""
    undo_seconds: UndoSeconds | None = None
    """See `SendRequest.undo_seconds`.  The gate begins to count when it has the number."""

    @property
    def person_key(self) -> str:
        return f"{self.tenant}/{self.person_id}"


class PersonCancel(Message):
    """Take a person-request back, whatever number it went to.

    One that has left cannot be called back.  A cancel that comes before its request waits for
    it."""

    tenant: Slug
    person_id: Slug
    request_id: Slug
    case_id: Slug | None = None
    """The case that takes it back, and is told when nothing is under way any more."""
    reason: str = ""
    by: Annotated[str, document_words(CancelSource)] = ""
    at: UtcTime

    @property
    def person_key(self) -> str:
        return f"{self.tenant}/{self.person_id}"


class PersonAnswer(Message):
    """What became of a request that people issued, so that a text moves with its person, once.

    The gate sends one for each of its decisions; outcomes sends one for what dispatch canceled
    before any call."""

    tenant: Slug
    person_id: Slug
    request_id: Slug
    """The person-request's id."""
    message_id: Slug
    """The id it was issued under.  It differs for what was issued again."""
    verdict: Verdict
    by: str = ""
    """Who canceled it, where the verdict is `cancel`."""
    may_have_left: bool = False
    """It was ordered before somebody canceled it, and dispatch may be calling: outcomes tells if
    nobody was called for it."""
    at: UtcTime

    @property
    def person_key(self) -> str:
        return f"{self.tenant}/{self.person_id}"


class NumberFact(Message):
    """What is known of a number apart from consent.  Only what is given changes.

    A fact that we learn from a text's end names that text, its code and the record that showed
    it."""

    tenant: Slug
    number: str
    sms_enabled: bool | None = None
    """With `person_id`: that person's switch.  The number is off while everybody who has it has it
    off."""
    type: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None
    landline: bool | None = None
    doubtful: bool | None = None
    unreachable_at: UtcTime | None = None
    """A text did not reach it then.  On several days, that makes it doubtful."""
    suppressed: bool | None = None
    """The provider accepts no texts to it."""
    person_id: Slug | None = None
    """The person whose number this tells of."""
    left: bool = False
    """That person no longer has the number, and their switch counts no more."""
    message_id: Slug | None = None
    error_code: str | None = None
    evidence: Evidence | None = None
    at: UtcTime

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"

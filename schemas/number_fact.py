"""What is known of a number apart from consent."""

from __future__ import annotations

from schemas.base import Evidence, Message, Slug, UtcTime
from schemas.numbers import e164


class NumberFact(Message):
    """Only what is given is changed: None leaves what was known.

    With `person_id` it is what people know of one person's number: the number is off while everybody who has it has it
    off.  `left`: that person has it no longer, and their switch counts no more.

    `unreachable_at`: a text did not reach it then; on several days, it is doubtful.  `suppressed`: the provider takes
    no texts to it.  What a text's end tells of its number names that text, its code and the record that brought it."""

    tenant: Slug
    number: str
    sms_enabled: bool | None = None
    type: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None
    landline: bool | None = None
    doubtful: bool | None = None
    unreachable_at: UtcTime | None = None
    suppressed: bool | None = None
    person_id: Slug | None = None
    left: bool = False
    message_id: Slug | None = None
    error_code: str | None = None
    evidence: Evidence | None = None
    at: UtcTime

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"

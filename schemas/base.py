"""What every message on the wire has in common."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from schemas.structs import struct
from schemas.wire_types import to_utc

UtcTime = Annotated[AwareDatetime, AfterValidator(to_utc)]
"""RFC 3339 with an offset, kept in UTC.  A time without an offset is refused: nobody can say what it meant."""

IDENTITY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}")
Slug = Annotated[str, StringConstraints(pattern=f"^{IDENTITY.pattern}$")]
"""An identity: no slash (keys are joined by it), no blank, no control character, at most 128 characters."""

Whole = Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]
"""A whole number that every JSON reader holds exactly (RFC 8259 section 6) and every database can store."""


class Message(BaseModel):
    """A fact: immutable, and read leniently, so that producers may add fields before we know them."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        ser_json_timedelta="float",
        hide_input_in_errors=True,  # they come into logs, and what somebody was texted must not
    )


@struct
class Evidence(Message):
    """Where a fact came from: a record's place on Kafka, or who said it and how (CTIA Messaging Principles 5.1.2).

    `wording` is what the person was shown, to the letter, and `wording_sha256` the SHA-256 of its UTF-8, in hex;
    `origin` is where an imported line says that it was taken from."""

    topic: str | None = None
    partition: Whole | None = None
    offset: Whole | None = None
    wording: str | None = None
    wording_version: str | None = None
    wording_sha256: str | None = None
    text: str | None = None
    document: str | None = None
    url: str | None = None
    ip: str | None = None
    actor: str | None = None
    key_id: str | None = None
    origin: str | None = None

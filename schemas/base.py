"""What every message on the wire has in common."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    ValidationInfo,
)
from pydantic_core import CoreSchema

from schemas.structs import struct
from schemas.wire_types import require_day, require_time, to_utc

UtcTime = Annotated[AwareDatetime, BeforeValidator(require_time), AfterValidator(to_utc)]
"""RFC 3339 with an offset and nothing else, kept in UTC.  A time without an offset could mean any
hour, and digits alone any year."""

Day = Annotated[date, BeforeValidator(require_day)]
"""`YYYY-MM-DD`."""

IDENTITY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}")
Slug = Annotated[str, StringConstraints(pattern=f"^{IDENTITY.pattern}$")]
"""An identity of at most 128 characters.  It has no slash (keys are joined by it), no blank and no
control character."""

Whole = Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]
"""A whole number that every JSON reader holds exactly (RFC 8259 section 6) and every database
can store."""


_SCALARS: Final = frozenset({"str", "int", "float", "bool"})


def _require_exact_scalars(schema: Any) -> None:
    """Mark the scalars of a core schema as strict.

    The whole class cannot be strict: then Python code could not give lists for tuples, nor words
    for enums, although no reader could mistake them.  Times and days have checks of their own
    before, and must still read text."""
    if isinstance(schema, dict):
        is_schema = isinstance(schema.get("type"), str)  # else it is a mapping of fields by name
        if is_schema and schema["type"] in _SCALARS:
            schema["strict"] = True
        for name, part in schema.items():
            if not is_schema or name not in ("metadata", "serialization", "default"):
                _require_exact_scalars(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            _require_exact_scalars(part)


KEPT: Final = {"kept": True}
"""Validation context of what a topic holds.  An earlier version may have accepted it, and it is in
force: checks that are for what is written today leave it alone."""


def is_kept(info: ValidationInfo) -> bool:
    return bool(info.context and info.context.get("kept"))


def document_words(words: type[StrEnum]) -> Any:
    """Annotate a text for which these words are known.

    The catalog shows them.  Readers still accept any other word: a newer version may have added
    one."""
    return Field(examples=[word.value for word in words])


class Message(BaseModel):
    """An immutable fact.  We read it leniently, so that producers may add fields before we know
    them.

    The docstring under a field is its description in the catalog (`schemas.catalog`)."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        ser_json_timedelta="float",
        hide_input_in_errors=True,  # errors are logged, and must not show what somebody was texted
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """No value is read as one of another type: no digits as a number, no word as a boolean."""
        schema = handler(source)
        _require_exact_scalars(schema)
        return schema


@struct
class Evidence(Message):
    """Where a fact came from: a record's place on Kafka, or who said it and how (CTIA Messaging
    Principles 5.1.2)."""

    topic: str | None = None
    partition: Whole | None = None
    offset: Whole | None = None
    wording: str | None = None
    """What the person was shown, to the letter."""
    wording_version: str | None = None
    wording_sha256: str | None = None
    """The SHA-256 of its UTF-8, in hex."""
    text: str | None = None
    document: str | None = None
    url: str | None = None
    ip: str | None = None
    actor: str | None = None
    key_id: str | None = None
    origin: str | None = None
    """Where an imported line says that it was taken from."""


class MessageContext(Message):
    """What identifies and describes a text, on every record about it."""

    message_id: Slug
    tenant: Slug
    branch: str | None = None
    kind: str
    """What the text is for; any word, so that a newer producer's kind reaches the gate and is
    answered there."""
    person_id: str | None = None
    case_id: str | None = None
    event_id: str | None = None
    event_at: UtcTime | None = None
    """When the event is that the text is about."""
    event_title: str | None = None
    """What that event is, as "hearing"."""


class RequestContext(MessageContext):
    """What a request says besides the number and the text; its decisions repeat it."""

    sender: str | None = None
    """What it is sent from; left out in a request, the branch's or the tenant's sender."""
    time_zone: str | None = None
    """The recipient's time zone, by its IANA name."""
    valid_until: UtcTime | None = None
    """When the text is of no use any more."""
    requested_at: UtcTime
    requested_by: str | None = None
    written_by: str | None = None
    """The member of staff, by name, who wrote this one text by hand.  It may go while staff have
    not read yet what may be an opt-out; automatic texts wait."""
    test_mode: bool | None = None
    """It is evaluated as any text is, and never sent: for programs that are being written."""


def copy_context(source: Any, kind: type[MessageContext] = MessageContext) -> dict[str, Any]:
    """The fields of `kind`, for another record about the same text; its identity is not among
    them."""
    names, get = _context_of(kind)
    return dict(zip(names, get(source), strict=True))


@cache
def _context_of(kind: type[MessageContext]) -> tuple[tuple[str, ...], attrgetter[Any]]:
    names = tuple(name for name in kind.model_fields if name not in ("message_id", "tenant"))
    return names, attrgetter(*names)

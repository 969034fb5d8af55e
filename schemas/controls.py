"""What dispatch obeys before it takes another order.  `type` tells them apart; an unknown one is
ignored."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from schemas.base import Message, Slug, UtcTime, Whole
from schemas.tagged import UNKNOWN, by_type


class Stop(Message):
    """No order under a lower consent epoch may leave for this number."""

    type: Literal["stop"] = "stop"
    sender: str
    number: str
    tenant: Slug | None = None
    consent_epoch: Whole
    at: UtcTime


class Recall(Message):
    """Orders under a lower consent epoch return to the gate, which holds or sends them by what it
    knows then.  They are neither lost nor canceled."""

    type: Literal["recall"] = "recall"
    sender: str
    number: str
    tenant: Slug
    consent_epoch: Whole
    at: UtcTime


class Cancel(Message):
    """This order must not leave.  One that has left cannot be called back."""

    type: Literal["cancel"] = "cancel"
    sender: str
    tenant: Slug
    message_id: Slug
    reason: str = ""
    at: UtcTime


class Sighting(Message):
    """The provider has called back about an attempt that was in doubt: it did get through."""

    type: Literal["sighting"] = "sighting"
    sender: str
    tenant: Slug
    message_id: Slug
    attempt: Whole
    provider_id: str
    status: str
    at: UtcTime


class Pause(Message):
    """Nothing leaves from this sender until Resume.  Orders wait, in their order."""

    type: Literal["pause"] = "pause"
    sender: str
    by: str = ""
    at: UtcTime


class Resume(Message):
    """Go on after a Pause."""

    type: Literal["resume"] = "resume"
    sender: str
    by: str = ""
    at: UtcTime


class Resolve(Message):
    """What a person decided about an in-doubt attempt."""

    type: Literal["resolve"] = "resolve"
    sender: str
    tenant: Slug
    message_id: Slug
    attempt: Whole
    action: Literal["resend", "drop"]
    """`resend`: evaluate it again and send it if that may be; the person accepts that it may arrive
    twice.  `drop`: leave it as it is and ask no more."""
    by: str
    at: UtcTime


_KNOWN = ("cancel", "pause", "recall", "resolve", "resume", "sighting", "stop")


class UnknownControl(Message):
    """A control of a newer version: counted and ignored, and no dead letter."""

    type: str = Field(json_schema_extra={"not": {"enum": list(_KNOWN)}})
    sender: str


Control = Annotated[
    Annotated[Stop, Tag("stop")]
    | Annotated[Cancel, Tag("cancel")]
    | Annotated[Sighting, Tag("sighting")]
    | Annotated[Pause, Tag("pause")]
    | Annotated[Recall, Tag("recall")]
    | Annotated[Resolve, Tag("resolve")]
    | Annotated[Resume, Tag("resume")]
    | Annotated[UnknownControl, Tag(UNKNOWN)],
    by_type(_KNOWN),
]

"""What dispatch obeys before it looks at another order.  `type` tells them apart; an unknown one is passed over."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from schemas.base import Message, Slug, UtcTime, Whole


class Stop(Message):
    """Nothing judged under an epoch lower than this one may leave for this number."""

    type: Literal["stop"] = "stop"
    sender: str
    number: str
    tenant: Slug | None = None
    consent_epoch: Whole
    at: UtcTime


class Cancel(Message):
    """This order is not to leave; one that has left cannot be called back."""

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
    """Nothing leaves from this sender until Resume; orders wait, in their order."""

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
    """A person's word on a doubt.  `resend`: judge it again, and send it if that may be; the person takes it upon them
    that it may arrive twice.  `drop`: leave it as it is and ask no more."""

    type: Literal["resolve"] = "resolve"
    sender: str
    tenant: Slug
    message_id: Slug
    attempt: Whole
    action: Literal["resend", "drop"]
    by: str
    at: UtcTime


_KNOWN = ("cancel", "pause", "resolve", "resume", "sighting", "stop")


class UnknownControl(Message):
    """A control of a newer version: counted, not obeyed, not dead."""

    type: str = Field(json_schema_extra={"not": {"enum": list(_KNOWN)}})
    sender: str


def _tag(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return kind if isinstance(kind, str) and kind in _KNOWN else "unknown"


Control = Annotated[
    Annotated[Stop, Tag("stop")]
    | Annotated[Cancel, Tag("cancel")]
    | Annotated[Sighting, Tag("sighting")]
    | Annotated[Pause, Tag("pause")]
    | Annotated[Resolve, Tag("resolve")]
    | Annotated[Resume, Tag("resume")]
    | Annotated[UnknownControl, Tag("unknown")],
    Discriminator(_tag),
]

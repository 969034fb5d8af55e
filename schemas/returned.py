"""An order that dispatch could not send in its time, handed back to the gate for judgement."""

from __future__ import annotations

from schemas.base import Message, UtcTime, Whole
from schemas.send import Send
from schemas.structs import struct


@struct
class Returned(Message):
    """`reason` is for people, `code` the word for it: the gate judges the order anew by what it knows then.  `until`:
    there is no room for it before, in the tenant's budget for opt-in requests (`ask_budget`) or at its sender
    (`no_room`).  `attempt`: the last number under which an attempt was reported."""

    order: Send
    reason: str
    at: UtcTime
    until: UtcTime | None = None
    code: str = ""
    attempt: Whole = 0

    @property
    def number_key(self) -> str:
        return f"{self.order.tenant}/{self.order.to}"

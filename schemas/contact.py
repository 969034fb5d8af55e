"""A tenant is about to text a number from a sender."""

from __future__ import annotations

from schemas.base import Message, Slug, UtcTime
from schemas.numbers import e164
from schemas.structs import struct


@struct
class Contact(Message):
    """Published by the gate with every order to a shared sender and with the first to any other, in the same
    transaction: so the inbox knows whose reply it may be before the text is out.

    `unasked`: the ask that was ordered `at` has come to nothing (refused, not delivered, handed back)."""

    sender: str
    number: str
    tenant: Slug
    asked: bool = False
    unasked: bool = False
    at: UtcTime

    @property
    def sender_key(self) -> str:
        return f"{self.sender}/{e164(self.number)}"

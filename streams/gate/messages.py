"""Kinds of texts, and the identities of messages."""

from __future__ import annotations

import re
from typing import Final

from schemas.number_writings import former_writings
from schemas.numbers import strip_signs
from schemas.send import Priority
from schemas.send_request import Kind, SendRequest, SystemKind
from schemas.text_hash import sha256_hex

PRIORITIES: Final[dict[str, Priority]] = {
    Kind.DIRECT: Priority.TRANSACTIONAL,
    Kind.TRANSACTIONAL: Priority.TRANSACTIONAL,
    Kind.TEST: Priority.TRANSACTIONAL,
    Kind.REMINDER: Priority.REMINDER,
    Kind.ALERT: Priority.REMINDER,
    Kind.FOLLOW_UP: Priority.REMINDER,
    Kind.MARKETING: Priority.MARKETING,
}
"""Every kind that can be requested."""

WITHOUT_OPT_IN: Final[dict[str, Priority]] = {
    SystemKind.CONSENT_ASK: Priority.REPLY,
    SystemKind.STOP_CONFIRMATION: Priority.REPLY,
    SystemKind.START_CONFIRMATION: Priority.REPLY,
    SystemKind.HELP_ANSWER: Priority.REPLY,
    SystemKind.OPT_IN_HINT: Priority.REPLY,
}
"""All that we send to somebody who has not opted in."""

SYSTEM_PRIORITIES: Final[dict[str, Priority]] = {
    **WITHOUT_OPT_IN,
    SystemKind.UNMONITORED_ANSWER: Priority.REPLY,
}
"""All kinds that Sayso sends by itself."""

AFTER_OPT_OUT: Final[frozenset[str]] = frozenset(
    {SystemKind.STOP_CONFIRMATION, SystemKind.HELP_ANSWER}
)
"""All that we send after an opt-out: one confirmation (47 CFR 64.1200(a)(12)), and the help they
asked for."""

SYSTEM: Final = "sayso"
"""Who requests system messages."""

_ID_PREFIXES: Final = {
    SystemKind.CONSENT_ASK: "ask",
    SystemKind.STOP_CONFIRMATION: "stop",
    SystemKind.START_CONFIRMATION: "start",
    SystemKind.HELP_ANSWER: "help",
    SystemKind.OPT_IN_HINT: "hint",
    SystemKind.UNMONITORED_ANSWER: "unmonitored",
}
_SYSTEM_ID: Final = re.compile(rf"({'|'.join(_ID_PREFIXES.values())})-[0-9a-f]{{16}}-[0-9]+")


def system_message_id(kind: SystemKind, tenant: str, phone: str, ordinal: int) -> str:
    """`ordinal` counts the texts of this kind to this number, so that a repeat gets the same id."""
    digest = sha256_hex(f"{tenant}/{phone}")[:16]
    return f"{_ID_PREFIXES[kind]}-{digest}-{ordinal}"


def is_system_message_id(
    message_id: str, kind: SystemKind, tenant: str, phone: str, ordinal: int
) -> bool:
    """Whether it is that text's id, or was by another writing of the number."""
    return any(
        message_id == system_message_id(kind, tenant, writing, ordinal)
        for writing in (phone, *former_writings(phone))
    )


def is_system_id(message_id: str) -> bool:
    """Whether only Sayso gives ids of this form."""
    return _SYSTEM_ID.fullmatch(message_id) is not None


def fingerprint(request: SendRequest) -> str:
    """Tells a repeat from another text under the same id."""
    return _fingerprint(request.number, request)


def is_same_request(known: str, request: SendRequest) -> bool:
    """Whether a fingerprint is that of this number and text.

    A version before took the number as it was written."""
    if known == fingerprint(request):
        return True
    writings = (strip_signs(request.to), *former_writings(request.number))
    return any(known == _fingerprint(writing, request) for writing in writings)


def _fingerprint(number: str, request: SendRequest) -> str:
    """A text that is to be sent does not repeat one in test mode."""
    test = "\0test" if request.test_mode else ""
    return sha256_hex(f"{number}\0{request.body}{test}")[:16]

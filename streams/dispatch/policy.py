"""What is done with a text that is proven not to have been taken."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from schemas.send_request import Kind
from schemas.system_kind import SystemKind


class Policy(StrEnum):
    AGAIN = "again"
    """Through the gate, which judges consent and time afresh."""
    DROP = "drop"
    """It has lost its point by now."""
    PERSON = "person"
    """Somebody decides: `sayso doubt resend` or `drop`."""


POLICIES: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        SystemKind.CONSENT_ASK: Policy.AGAIN,
        SystemKind.STOP_CONFIRMATION: Policy.DROP,
        SystemKind.START_CONFIRMATION: Policy.DROP,
        SystemKind.HELP_ANSWER: Policy.DROP,
        Kind.REMINDER: Policy.AGAIN,
        Kind.ALERT: Policy.AGAIN,
        Kind.FOLLOW_UP: Policy.AGAIN,
        Kind.TRANSACTIONAL: Policy.PERSON,
        Kind.DIRECT: Policy.PERSON,
        Kind.TEST: Policy.DROP,
        Kind.MARKETING: Policy.DROP,
    }
)
"""By kind; one that is not named here is left to a person."""


def policy_of(kind: str) -> Policy:
    return POLICIES.get(kind, Policy.PERSON)

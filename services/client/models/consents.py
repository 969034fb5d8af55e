"""Consent: what somebody decided, and where it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime

from services.client.models.base import Id, Input, Output


class ConsentClaim(Input):
    """An opt-in has to carry what the person saw, and where. An opt-out needs no evidence."""

    event_id: Id | None = None
    """Names the claim for good. Left out, the client makes one."""
    action: Literal["opt_in", "opt_out"]
    number: str
    at: AwareDatetime
    """When the person did it."""
    verified: bool = False
    """It is known that the number is this person's."""
    sender: str | None = None
    wording: str | None = None
    wording_version: str | None = None
    wording_sha256: str | None = None
    url: str | None = None
    ip: str | None = None
    """Of the person's browser."""


class ConsentTaken(Output):
    event_id: str
    action: str
    source: str
    repeated: bool
    """The same was reported before, under this id: nothing happened again."""


class RevocationInQuestion(Output):
    """A text that may be an opt-out, until staff have answered."""

    since: datetime
    opt_out_at: datetime
    """When it counts as an opt-out if nobody answers."""
    event_id: str
    read_by: str = ""


class ConsentStatus(Output):
    tenant: str
    number: str
    state: str
    """unknown, none, pending, opted_in or opted_out."""
    consent_epoch: int
    since: datetime
    source: str
    asked_at: datetime | None = None
    ask_again_at: datetime | None = None
    held: int = 0
    """Texts that wait for the answer."""
    in_question: RevocationInQuestion | None = None
    log_seq: int | None = None
    log_hash: str | None = None


class Evidence(Output):
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
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


class ConsentChange(Output):
    """What became of one claim. The changes of a number are a hash chain."""

    tenant: str
    number: str
    sender: str | None = None
    event_id: str
    action: str
    source: str
    was: str
    now: str
    applied: bool
    reason: str
    consent_epoch: int
    claimed_at: datetime
    at: datetime
    evidence: Evidence = Evidence()
    flagged: bool = False
    read_by: str | None = None
    seq: int | None = None
    previous: str | None = None
    hash: str | None = None


class ConsentHistory(Output):
    number: str
    entries: tuple[ConsentChange, ...]
    """The oldest first."""

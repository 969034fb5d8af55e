"""Consent: what others claim of it, what the gate made of each claim, and where it stands now."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from schemas.base import Evidence, Message, Slug, UtcTime, Whole, document_words
from schemas.numbers import e164


class ConsentAction(StrEnum):
    OPT_IN = "opt_in"
    OPT_OUT = "opt_out"
    ASK = "ask"
    """Send this number an opt-in request."""
    ASK_FAILED = "ask_failed"
    """From outcomes only: the opt-in request `message_id` was refused, or did not arrive."""
    UNREADABLE = "unreadable"
    """From the inbox: a text of this number could not be read, and may have been a STOP.  It blocks
    the number."""
    RESOLVED = "resolved"
    """From staff, by name: they have looked at what could not be read, and it changes nothing."""
    MAYBE_REVOKED = "maybe_revoked"
    """What they wrote may be an opt-out.  It changes no consent: automatic texts wait until staff
    have read it."""
    GO_ON = "go_on"
    """From staff, by name: they have read what may have been an opt-out, and it was none."""


MOVED: Final = "moved"
"""The action of a log entry by which another writing's log joins this number's."""


class ConsentSource(StrEnum):
    """What the gate, the audit and the metrics tell apart.

    On the wire a source is any text, because a tenant may name one of its own (`paper`).  The gate
    treats such a source like `manual`."""

    INBOUND = "inbound"
    """A text from the number itself.  Only the inbox says so."""
    CARRIER = "carrier"
    """The provider's or carrier's own list of STOPs."""
    FORM = "form"
    """A form whose tenant confirms that the number is the person's own: by proof, or in person."""
    WEB_FORM = "web_form"
    """A form where anybody may have typed the number.  It is no consent: the gate sends an opt-in
    request first."""
    IMPORT = "import"
    """A list of consents that a tenant has collected before."""
    MANUAL = "manual"
    """Staff, by name."""


class ConsentEvent(Message):
    """What a form, a member of staff, an import or a carrier says of somebody's consent.  The gate
    decides what becomes of it."""

    event_id: Slug
    tenant: Slug
    number: str
    sender: str | None = None
    """The sender it is about; left out, all that the tenant texts from."""
    message_id: Slug | None = None
    """Our text that it is about, if there is one."""
    action: ConsentAction
    source: Annotated[str, document_words(ConsentSource)]
    at: UtcTime
    evidence: Evidence = Evidence()
    read_by: str | None = None
    """What found the meaning of their text: the word, the pattern's id, or the model's version."""
    only_if_known: bool = False
    """From the gate: this number is one of several that an unreadable record may have meant.  It
    counts only where the tenant knows the number."""

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"


class ConsentState(StrEnum):
    UNKNOWN = "unknown"
    """What older records call `none`.  We read it as that, and no longer write it."""
    NONE = "none"
    PENDING = "pending"
    """We have sent an opt-in request; it is unanswered."""
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"


def _read_state(state: Any) -> Any:
    return ConsentState.NONE if state == ConsentState.UNKNOWN else state


CurrentState = Annotated[ConsentState, BeforeValidator(_read_state)]


class ConsentChange(Message):
    """What the gate made of one claim: an entry of the history that proves every text.  Kept for
    ever.

    A number's entries are a hash chain, so that nobody can change or remove one unnoticed."""

    tenant: Slug
    number: str
    sender: str | None = None
    event_id: str
    action: Annotated[str, document_words(ConsentAction)]
    source: Annotated[str, document_words(ConsentSource)]
    was: CurrentState
    now: CurrentState
    applied: bool
    """False if the claim changed nothing: a repeat, or older than what holds."""
    reason: str
    """Why it was applied or not."""
    consent_epoch: Whole
    """The number's consent epoch after it."""
    claimed_at: UtcTime
    at: UtcTime
    evidence: Evidence = Evidence()
    flagged: bool = False
    """An opt-out in other words than STOP.  It counts at once; a person is to confirm or lift
    it."""
    read_by: str | None = None
    """What found the meaning of their text: the word, the pattern's id, or the model's version."""
    seq: Whole | None = None
    """Counts the number's entries from 1."""
    previous: str | None = None
    """The `hash` of the entry before; "" for the first."""
    hash: str | None = None
    """The SHA-256 of the entry's canonical JSON (RFC 8785) without `hash` itself, in hex."""

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{self.number}"


class RevocationInQuestion(Message):
    """What somebody wrote may be an opt-out, and staff have not answered yet.  Automatic texts
    wait."""

    since: UtcTime
    """When they wrote it: the broker's append time."""
    opt_out_at: UtcTime
    """Unanswered, it is an opt-out from then on."""
    event_id: str
    """The event id of its entry in the consent log."""
    read_by: str = ""
    """What found it: the word, the pattern's id, or the model's version."""


class ConsentStatus(Message):
    """Where a number's consent stands, for readers who need no history."""

    tenant: Slug
    number: str
    state: CurrentState
    consent_epoch: Whole
    since: UtcTime
    """When the gate changed it to this."""
    source: Annotated[str, document_words(ConsentSource)]
    """Where the claim that settled it came from."""
    asked_at: UtcTime | None = None
    """When the last opt-in request was issued."""
    ask_again_at: UtcTime | None = None
    """When staff may send the next one."""
    held: Whole = 0
    """How many texts wait for this number; may be a second old."""
    in_question: RevocationInQuestion | None = None
    log_seq: Whole | None = None
    """With `log_hash`: the entry of the consent log that settled it, or a later one.  It is a
    witness to that number's hash chain, kept apart from it."""
    log_hash: str | None = None

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{self.number}"

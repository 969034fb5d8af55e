"""What the gate remembers of one number of one tenant, and how one step changes it.

The state is a set of small entries, by name:

- the number itself has the empty name
- `msg/<id>`: a request's identity and status, until 35 days after its decision
- `held/<id>`: a request that waits, with its text
- `wait/<n>`: a record that waits until other writings of the number have answered
- `ev/<id>`, `in/<id>`, `ap/<id>`: a consent event, an inbound keyword or an approval that was
  processed

The names in the stored JSON are older than some attributes' (`rename`).
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from msgspec.structs import force_setattr

from schemas.base import Evidence, Message
from schemas.consent import ConsentState
from schemas.dead_letter import DeadLetterCause
from schemas.decision import Verdict
from schemas.number_writings import former_writings
from schemas.numbers import e164
from schemas.send_request import SendRequest
from schemas.topics import Topic
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    Publication,
    Settings,
    StateEntry,
    StateStore,
    StepResult,
    build_dead_letter,
)

NUMBER: Final = ""
HELD: Final = "held/"

FIELDS_AT_MOST: Final = 4_000
"""Characters in all fields of a request or number fact but the text: an entry must stay under 64
kB."""

SENDERS_AT_MOST: Final = 200
"""Senders that one number may be texted from: every one of them is told of a STOP."""


class OptInStatus(StrEnum):
    """What became of the last opt-in request."""

    NONE = "none"
    WAITING = "waiting"
    """Not ordered yet, for example until the morning."""
    OUT = "out"
    FAILED = "failed"
    """Refused, not delivered or not allowed: it has reached nobody."""


class OptInRequests(
    StateEntry,
    rename={
        "issued_at": "at",
        "unanswered": "before",
        "previous_at": "earlier",
        "wait_until": "no_room_until",
        "wait_rule": "no_room_rule",
    },
):
    """A number's opt-in requests."""

    count: int = 0
    last: OptInStatus = OptInStatus.NONE
    issued_at: datetime | None = None
    """When the last one that went out was ordered."""
    unanswered: int = 0
    """How many earlier ones are unanswered."""
    previous_at: datetime | None = None
    """When the one before the last was ordered."""
    wait_until: datetime | None = None
    """Until then there is no room for it."""
    wait_rule: str = ""
    """Where there is no room; empty: in the tenant's budget."""
    hinted: bool = False
    """The recipient was told, after the last one, that START opts in."""


class HelpReplies(StateEntry):
    """How often we have answered HELP, or that nobody reads replies, and when last."""

    times: int
    at: datetime


class RevocationQuestion(StateEntry):
    """What somebody wrote may be an opt-out; staff have not answered yet."""

    since_ms: int
    """Broker append time of what they wrote first."""
    opt_out_at: datetime
    """Unanswered, it is an opt-out from then on."""
    event_id: str
    read_by: str = ""
    evidence: Evidence = Evidence()


class NumberState(
    StateEntry,
    rename={
        "latest_ms": "heard_ms",
        "had_opted_in": "had_agreed",
        "opt_in": "asking",
        "stopped_senders": "out",
        "blocked_senders": "blocked",
        "help_replies": "helped",
        "count_due_at": "tell_at",
        "published_held": "told_held",
    },
):
    """The consent of one number, and what else is known of it."""

    state: ConsentState = ConsentState.NONE
    epoch: int = 0
    """Counts the consent changes.  A Stop cancels every order with a lower one."""
    since_ms: int = 0
    """Broker append time of the latest consent record that counted."""
    source: str = ""
    unreadable_ms: int = 0
    """Append time of a record that may have been a STOP and could not be read; 0: none."""
    latest_ms: int = 0
    """Append time of the latest consent record, whether it counted or not."""
    flagged: bool = False
    """The opt-out was in other words than STOP: staff may lift it."""
    had_opted_in: bool | None = None
    """The recipient had opted in before that opt-out."""
    senders: tuple[str, ...] = ()
    """Every sender that ever texted the number, kept for ever: a STOP goes to all."""
    sender: str = ""
    """The sender that texted last: the one that the recipient knows."""
    sms_enabled: bool | None = None
    switches: dict[str, bool] = {}
    """By person: whether they have the number switched on."""
    type: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None
    landline: bool | None = None
    doubtful: bool | None = None
    suppressed: bool | None = None
    unreachable: tuple[date, ...] = ()
    """Days (UTC) on which no text reached it."""
    region: str = ""
    problem: str = ""
    checked_by: str = ""
    """The version of the number metadata that `region` and `problem` come from."""
    texted_ms: dict[str, tuple[int, ...]] | None = None
    """By kind that has a cap: when the last few texts were ordered."""
    log_seq: int = 0
    log_hash: str = ""
    """Number and hash of the last entry of its consent log."""
    opt_in: OptInRequests | None = None
    stopped_senders: dict[str, int] | None = None
    """Senders that the recipient has stopped one by one, with the append time."""
    blocked_senders: dict[str, int] | None = None
    """Senders that the carrier blocks for this number, with the append time."""
    help_replies: HelpReplies | None = None
    unmonitored_replies: HelpReplies | None = None
    by_hand_ms: int = 0
    """When a text that somebody wrote by hand was ordered last."""
    question: RevocationQuestion | None = None
    """Automatic texts wait while there is one."""
    count_due_at: datetime | None = None
    """When the count of held texts is published again."""
    published_held: int | None = None
    """The count that was published last."""
    writings: dict[str, bool] | None = None
    """Other writings of the number that were asked for what they know, and whether they have
    answered (`streams.gate.number_moves`)."""
    waited: int = 0
    """Counts the records that had to wait for that."""
    moved: bool | None = None
    """This is another writing of a number, and all of it has joined that number."""

    def __post_init__(self) -> None:
        if self.state is ConsentState.UNKNOWN:
            force_setattr(self, "state", ConsentState.NONE)


class ProcessedClaim(StateEntry, rename={"content": "said"}):
    """A consent event that was processed."""

    at_ms: int
    """When it was appended."""
    content: str = ""
    """What it claimed; empty: not noted."""


class Cancellation(StateEntry):
    """Who canceled a request, why and when."""

    by: str
    reason: str
    at: datetime


class ApprovedBy(StateEntry):
    """Who approved a text, or rejected or canceled it, and when."""

    by: str
    at: datetime


class MessageState(
    StateEntry,
    rename={"is_system": "own", "ended_by": "because", "requested_sha256": "asked_sha256"},
):
    """A request's identity and status."""

    fingerprint: str
    """Empty if only its cancellation has come so far."""
    seq: int = 0
    """Counts its decisions."""
    verdict: Verdict = Verdict.HOLD
    received: datetime
    """When it first came to us."""
    is_system: bool = False
    """It is a system message."""
    issued_at: datetime | None = None
    """When the order that is out was issued."""
    sender: str = ""
    """The sender of the order that is out."""
    approved: ApprovedBy | None = None
    ended_by: str = ""
    """The rule that ended it."""
    settled: ApprovedBy | None = None
    """Who rejected or canceled it, and when."""
    canceled: Cancellation | None = None
    request: SendRequest | None = None
    """While an order is out: the request without its text, so that it can be evaluated again."""
    next_attempt: int = 0
    """The number for its next order, above all that dispatch has reported."""
    undo_until: datetime | None = None
    """Until then whoever sent it can withdraw it."""
    requested_sha256: str = ""
    """Hash of the requested text if smart encoding changed it: it may come back in the changed
    form."""


class HeldRequest(StateEntry, rename={"evidence": "place"}):
    """A request that waits."""

    request: SendRequest
    evidence: Evidence
    """The record of the request."""
    rules: tuple[str, ...] = ()
    until: datetime | None = None
    """Why it waits and until when, as last published."""


class WaitingRecord(StateEntry):
    """A record that waits until other writings of its number have answered."""

    topic: str
    partition: int
    offset: int
    at_ms: int
    value: str
    """Its JSON."""


def message_name(message_id: str) -> str:
    return f"msg/{message_id}"


def hold_name(message_id: str) -> str:
    return f"held/{message_id}"


def to_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


class StepBuilder:
    """One step: the state as it was loaded, and what the handlers change.

    Handlers replace `number` and add entries, publications and timers, in the order in which things
    happen.  `build` makes the result of it.
    """

    __slots__ = (
        "entries",
        "loaded",
        "now",
        "number",
        "publications",
        "settings",
        "store",
        "timers",
    )

    def __init__(self, store: StateStore, now: datetime, settings: Settings) -> None:
        self.store = store
        self.now = now
        self.settings = settings
        self.loaded: Final = store.get(NUMBER, NumberState) or NumberState()
        self.number = self.loaded
        self.entries: dict[str, StateEntry | None] = {}
        self.publications: list[Publication] = []
        self.timers: dict[str, datetime | None] = {}

    @property
    def tenant_id(self) -> str:
        return self.store.entity_key.partition("/")[0]

    @property
    def phone(self) -> str:
        return self.store.entity_key.partition("/")[2]

    @property
    def is_identity(self) -> bool:
        """Whether this is the number's key, and not one that a version before kept for a writing
        of it."""
        return e164(self.phone) == self.phone

    @property
    def has_unjoined(self) -> bool:
        """Whether a writing of this number that a version before may have texted has not answered
        yet (`number_moves`)."""
        formers = former_writings(self.phone)
        if not formers:
            return False
        writings = self.number.writings or {}
        return not all(writings.get(former) for former in formers)

    def publish(self, topic: Topic[Any], value: Message) -> None:
        self.publications.append(Publication(topic, value))

    def put(self, name: str, entry: StateEntry | None, timer: datetime | None) -> None:
        """Write an entry (None deletes it) and set its timer (None stops it)."""
        self.entries[name] = entry
        self.timers[name] = timer

    def reject_record(self, record: InputRecord, cause: DeadLetterCause, reason: str) -> None:
        """A record that can be read but must not be acted on."""
        self.publications.append(build_dead_letter("gate", record, self.now, cause, reason))

    def build(self) -> StepResult:
        if self.number is not self.loaded:
            self.entries[NUMBER] = self.number
        if not (self.entries or self.publications or self.timers):
            return NO_CHANGE
        return StepResult(self.entries, tuple(self.publications), self.timers)

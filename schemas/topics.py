"""Every topic, declared once.  Call sites never spell a name or pick a key."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Final, Generic, TypeVar, get_args

from pydantic import TypeAdapter

from schemas.attempt import Attempt
from schemas.base import Message
from schemas.consent_change import ConsentChange
from schemas.consent_event import ConsentEvent
from schemas.consent_status import ConsentStatus
from schemas.contact import Contact
from schemas.controls import Control
from schemas.dead_letter import DeadLetter
from schemas.decision import Decision
from schemas.delivery_receipt import DeliveryReceipt
from schemas.inbound_message import InboundMessage
from schemas.number_fact import NumberFact
from schemas.outcome import Outcome
from schemas.person import Person
from schemas.person_answer import PersonAnswer
from schemas.person_event import PersonEvent
from schemas.person_request import PersonRequest
from schemas.reply import Reply
from schemas.request_cancel import CancelRequest
from schemas.returned import Returned
from schemas.send import Send
from schemas.send_request import SendRequest
from schemas.sender import Sender
from schemas.sender_status import SenderStatus
from schemas.tenant_settings import TenantSettings
from schemas.usage_row import UsageRow

M = TypeVar("M", bound=Message)

FOREVER: Final = None
A_MONTH: Final = timedelta(days=35)
A_YEAR: Final = timedelta(days=400)


_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True)
class Topic(Generic[M]):
    """`carries` is a message type (or a tagged union); `key` tells a message's key; `keep` is retention, None for
    ever.  `append_time`: the broker stamps records, so that nobody can backdate them."""

    name: str
    carries: Any
    key: Callable[[M], str]
    keep: timedelta | None
    about: str
    keyed_by: str = ""
    """What `key` makes the key of, in words."""
    compacted: bool = False
    append_time: bool = False
    single: bool = False
    """One partition whatever the cluster's default: small, and read whole by everybody."""
    max_bytes: int | None = None

    @cached_property
    def adapter(self) -> TypeAdapter[M]:
        return TypeAdapter(self.carries)

    def decode(self, value: bytes) -> M:
        """Raises pydantic's ValidationError, which says what is wrong field by field."""
        return self.adapter.validate_json(value)

    def encode(self, message: M) -> bytes:
        """As it goes on the wire: what is None is left out, because a reader takes what is missing for None."""
        return self.adapter.dump_json(message, exclude_none=True)

    @cached_property
    def messages(self) -> tuple[type[Message], ...]:
        """The one type it carries, or each member of the tagged union."""
        if isinstance(self.carries, type):
            return (self.carries,)
        return tuple(get_args(member)[0] for member in get_args(get_args(self.carries)[0]))

    @cached_property
    def event_type(self) -> str:
        """The CloudEvents `type` of its records: `SendRequest` is `sayso.send_request.v1`, each control
        `sayso.control.v1`.  A breaking change of the wire would be `v2`, on a topic of its own."""
        name = self.carries.__name__ if isinstance(self.carries, type) else "Control"
        return f"sayso.{_CAPITAL.sub('_', name).lower()}.v1"

    def partitions(self, default: int) -> int:
        return 1 if self.single else default

    def config(self, *, replication: int) -> dict[str, str]:
        """Broker settings of this topic.  With three replicas a write needs two, and a stale replica may never
        lead: an acknowledged record survives the loss of one broker."""
        settings = {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": "-1" if self.keep is None else str(int(self.keep.total_seconds() * 1000)),
            "message.timestamp.type": "LogAppendTime" if self.append_time else "CreateTime",
            "compression.type": "uncompressed",  # whatever producers use, every reader can read it (zstd needs a library)
            "min.insync.replicas": "2" if replication >= 3 else "1",
            "unclean.leader.election.enable": "false",
        }
        if self.max_bytes:
            settings["max.message.bytes"] = str(self.max_bytes)
        return settings


SEND_REQUESTS: Final = Topic[SendRequest](
    name="sms.send-requests", carries=SendRequest, key=lambda m: m.number_key, keyed_by="tenant/number", keep=A_MONTH,
    about="Asked for, not yet judged.",
)
REQUEST_CANCELS: Final = Topic[CancelRequest](
    name="sms.request-cancels", carries=CancelRequest, key=lambda m: m.number_key, keyed_by="tenant/number", keep=A_MONTH,
    about="Take a request back before it leaves; read before requests.",
)
PERSON_EVENTS: Final = Topic[PersonEvent](
    name="sms.person-events", carries=PersonEvent, key=lambda m: m.person_key, keyed_by="tenant/person", keep=A_YEAR,
    about="People as producers tell of them: upserts, updates, deletes.",
)
PEOPLE: Final = Topic[Person](
    name="sms.people", carries=Person, key=lambda m: m.person_key, keyed_by="tenant/person",
    keep=FOREVER, compacted=True,
    about="Each person as a whole.",
)
PERSON_REQUESTS: Final = Topic[PersonRequest](
    name="sms.person-requests", carries=PersonRequest, key=lambda m: m.person_key, keyed_by="tenant/person", keep=A_MONTH,
    about="Asked for, to a person: people finds the number.",
)
PERSON_ANSWERS: Final = Topic[PersonAnswer](
    name="sms.person-answers", carries=PersonAnswer, key=lambda m: m.person_key, keyed_by="tenant/person", keep=A_MONTH,
    about="What the gate decided of what people issued.",
)
CONSENT_EVENTS: Final = Topic[ConsentEvent](
    name="sms.consent-events", carries=ConsentEvent, key=lambda m: m.number_key, keyed_by="tenant/number",
    keep=A_YEAR, append_time=True,
    about="Claims about consent from outside: forms, staff, imports, carriers.",
)
INBOUND: Final = Topic[InboundMessage](
    name="sms.inbound", carries=InboundMessage, key=lambda m: m.sender_key, keyed_by="sender/number",
    keep=A_YEAR, append_time=True,
    about="Texts people sent us, as the provider gave them.",
)
REPLIES: Final = Topic[Reply](
    name="sms.replies", carries=Reply, key=lambda m: m.number_key, keyed_by="tenant/number",
    keep=A_MONTH, append_time=True,
    about="Inbound texts, resolved to the tenant they were meant for.",
)
CONTACTS: Final = Topic[Contact](
    name="sms.contacts", carries=Contact, key=lambda m: m.sender_key, keyed_by="sender/number", keep=A_YEAR,
    about="Which tenants text a number from a sender: tells the inbox whose reply it is.",
)
NUMBER_FACTS: Final = Topic[NumberFact](
    name="sms.number-facts", carries=NumberFact, key=lambda m: m.number_key, keyed_by="tenant/number", keep=A_YEAR,
    about="SMS-enabled, type, zone, region, landline, doubtful.",
)
CONSENT_LOG: Final = Topic[ConsentChange](
    name="sms.consent-log", carries=ConsentChange, key=lambda m: m.number_key, keyed_by="tenant/number", keep=FOREVER,
    about="What the gate made of each consent fact: the proof.",
)
CONSENT_STATUS: Final = Topic[ConsentStatus](
    name="sms.consent-status", carries=ConsentStatus, key=lambda m: m.number_key, keyed_by="tenant/number",
    keep=FOREVER, compacted=True,
    about="Where each number's consent stands now.",
)
DECISIONS: Final = Topic[Decision](
    name="sms.decisions", carries=Decision, key=lambda m: m.message_key, keyed_by="tenant/message id", keep=A_YEAR,
    about="The gate's verdicts, with every finding.",
)
DISPATCH_ORDERS: Final = Topic[Send](
    name="sms.dispatch-orders", carries=Send, key=lambda m: m.sender, keyed_by="sender", keep=A_MONTH,
    about="Send this, once, at the sender's pace.",
)
DISPATCH_CONTROLS: Final = Topic[Any](
    name="sms.dispatch-controls", carries=Control, key=lambda m: m.sender, keyed_by="sender", keep=A_MONTH,
    about="Stop, Cancel, Sighting, Pause, Resume, Resolve: read before orders.",
)
RETURNED: Final = Topic[Returned](
    name="sms.returned", carries=Returned, key=lambda m: m.number_key, keyed_by="tenant/number", keep=A_MONTH,
    about="Orders that could not leave in their time, handed back for judgement.",
)
ATTEMPTS: Final = Topic[Attempt](
    name="sms.attempts", carries=Attempt, key=lambda m: m.message_key, keyed_by="tenant/message id", keep=A_YEAR,
    about="What dispatch did with an order, try by try.",
)
DELIVERY_RECEIPTS: Final = Topic[DeliveryReceipt](
    name="sms.delivery-receipts", carries=DeliveryReceipt, key=lambda m: m.message_key, keyed_by="tenant/message id",
    keep=A_YEAR,
    about="The provider's status callbacks.",
)
OUTCOMES: Final = Topic[Outcome](
    name="sms.outcomes", carries=Outcome, key=lambda m: m.tenant, keyed_by="tenant", keep=A_YEAR,
    about="What we hold true of each message, version by version.",
)
USAGE_REPORT: Final = Topic[UsageRow](
    name="sms.usage-report", carries=UsageRow, key=lambda m: m.identity, keyed_by="tenant/branch/sender/period/kind/state/error code",
    keep=FOREVER, compacted=True,
    about="Absolute counts by tenant, branch, sender, day, kind, state and code.",
)
SETTINGS: Final = Topic[TenantSettings](
    name="sms.settings", carries=TenantSettings, key=lambda m: m.tenant, keyed_by="tenant",
    keep=FOREVER, compacted=True, single=True,
    about="How each tenant wants to be served; read whole by every worker.",
)
SENDERS: Final = Topic[Sender](
    name="sms.senders", carries=Sender, key=lambda m: m.sender, keyed_by="sender",
    keep=FOREVER, compacted=True, single=True,
    about="What we text from, and at what pace; read whole by every worker.",
)
SENDER_STATUS: Final = Topic[SenderStatus](
    name="sms.sender-status", carries=SenderStatus, key=lambda m: m.sender, keyed_by="sender",
    keep=FOREVER, compacted=True,
    about="How each sender is doing: queue, pace, doubts.",
)
DEAD_LETTERS: Final = Topic[DeadLetter](
    name="sms.dead-letters", carries=DeadLetter, key=lambda m: m.place, keyed_by="source topic/partition",
    keep=A_MONTH, max_bytes=4 << 20,
    about="Records that could not be read or placed: bytes, place, reason.",
)

TOPICS: Final[tuple[Topic[Any], ...]] = (
    SEND_REQUESTS, CONSENT_EVENTS, INBOUND, REPLIES, CONTACTS, NUMBER_FACTS, CONSENT_LOG, CONSENT_STATUS, DECISIONS,
    DISPATCH_ORDERS, DISPATCH_CONTROLS, RETURNED, ATTEMPTS, DELIVERY_RECEIPTS, OUTCOMES, USAGE_REPORT, SETTINGS,
    SENDERS, DEAD_LETTERS, REQUEST_CANCELS, PERSON_EVENTS, PEOPLE, PERSON_REQUESTS, PERSON_ANSWERS,
    SENDER_STATUS,
)  # fmt: skip

MESSAGES: Final[dict[str, type[Message]]] = {
    message.__name__: message for topic in TOPICS for message in topic.messages
}
BY_NAME: Final[dict[str, Topic[Any]]] = {topic.name: topic for topic in TOPICS}


def rows_topic(room: str) -> Topic[Any]:
    """A room's changelog: its rows and its positions, private to the kit, restored by the next owner."""
    return Topic[Any](
        name=f"sayso.{room}.rows", carries=Any, key=lambda m: str(m), keep=FOREVER, compacted=True,
        about=f"The rows of the {room} room; read by nobody else.",
    )  # fmt: skip


ROOMS: Final = ("people", "gate", "inbox", "dispatch", "outcomes", "usage")
EVERY_TOPIC: Final[tuple[Topic[Any], ...]] = (*TOPICS, *(rows_topic(room) for room in ROOMS))
"""What `sayso topics apply` creates."""

"""Every topic, declared once: nobody else spells a topic's name or picks a key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from schemas.approval import Approval, ApprovalAnswer
from schemas.attempt import Attempt, DeliveryReceipt
from schemas.base import Message
from schemas.case import (
    Case,
    CaseAnswer,
    CaseLink,
    CaseNumber,
    CasePerson,
    CaseReply,
    CaseText,
)
from schemas.case_event import CaseEvent
from schemas.consent import ConsentChange, ConsentEvent, ConsentStatus
from schemas.controls import Control
from schemas.dead_letter import DeadLetter, LetterResolution
from schemas.decision import Decision
from schemas.inbound import Contact, InboundMessage, Reply
from schemas.number_move import NumberMove
from schemas.outcome import Alert, Outcome
from schemas.person import (
    NumberFact,
    Person,
    PersonAnswer,
    PersonCancel,
    PersonEvent,
    PersonRequest,
)
from schemas.recipe import TemplateVersion
from schemas.reports import BalanceRow, UsageRow
from schemas.send import Returned, Send
from schemas.send_request import CancelRequest, Dismissal, SendRequest
from schemas.sender import Sender, SenderStatus
from schemas.tenant_settings import TenantSettings
from schemas.thread import MailRequest, Thread, ThreadEvent, ThreadMessage
from schemas.topic import Topic as Topic

FOREVER: Final = None
A_MONTH: Final = timedelta(days=35)
A_YEAR: Final = timedelta(days=400)

SEND_REQUESTS: Final = Topic[SendRequest](
    name="sms.send-requests",
    carries=SendRequest,
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=A_MONTH,
    about="Requested, not yet decided.",
)
REQUEST_CANCELS: Final = Topic[CancelRequest](
    name="sms.request-cancels",
    carries=CancelRequest,
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=A_MONTH,
    about="Cancels of requests; the gate reads them before requests.",
)
APPROVALS: Final = Topic[Approval](
    name="sms.approvals",
    carries=Approval,
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=A_YEAR,
    about="Staff approve or reject a waiting text, or have it evaluated again.",
)
APPROVAL_LOG: Final = Topic[ApprovalAnswer](
    name="sms.approval-log",
    carries=ApprovalAnswer,
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=A_YEAR,
    about="What the gate made of each approval, and why.",
)
DISMISSALS: Final = Topic[Dismissal](
    name="sms.dismissals",
    carries=Dismissal,
    key=lambda m: m.message_key,
    keyed_by="tenant/message id",
    keep=A_YEAR,
    about="Failed texts that staff have seen and dismissed.",
)
PERSON_EVENTS: Final = Topic[PersonEvent](
    name="sms.person-events",
    carries=PersonEvent,
    key=lambda m: m.person_key,
    keyed_by="tenant/person",
    keep=A_YEAR,
    about="What producers say of people: upserts, updates, deletes.",
)
PEOPLE: Final = Topic[Person](
    name="sms.people",
    carries=Person,
    key=lambda m: m.person_key,
    keyed_by="tenant/person",
    keep=FOREVER,
    compacted=True,
    about="Each person as a whole.",
)
PERSON_REQUESTS: Final = Topic[PersonRequest](
    name="sms.person-requests",
    carries=PersonRequest,
    key=lambda m: m.person_key,
    keyed_by="tenant/person",
    keep=A_MONTH,
    about="Requests for a person; people picks the number.",
)
PERSON_ANSWERS: Final = Topic[PersonAnswer](
    name="sms.person-answers",
    carries=PersonAnswer,
    key=lambda m: m.person_key,
    keyed_by="tenant/person",
    keep=A_MONTH,
    about="What became of the requests that people issued.",
)
CONSENT_EVENTS: Final = Topic[ConsentEvent](
    name="sms.consent-events",
    carries=ConsentEvent,
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=A_YEAR,
    append_time=True,
    about="Claims about consent from outside: forms, staff, imports, carriers.",
)
INBOUND: Final = Topic[InboundMessage](
    name="sms.inbound",
    carries=InboundMessage,
    key=lambda m: m.sender_key,
    keyed_by="sender/number",
    keep=A_YEAR,
    append_time=True,
    about="Texts that people sent us, as the provider gave them.",
)
REPLIES: Final = Topic[Reply](
    name="sms.replies",
    carries=Reply,
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=A_MONTH,
    append_time=True,
    about="Inbound texts, resolved to the tenant they were meant for.",
)
CONTACTS: Final = Topic[Contact](
    name="sms.contacts",
    carries=Contact,
    key=lambda m: m.sender_key,
    keyed_by="sender/number",
    keep=A_YEAR,
    about="Which tenants text a number from a sender: so the inbox knows whose reply a text is.",
)
NUMBER_FACTS: Final = Topic[NumberFact](
    name="sms.number-facts",
    carries=NumberFact,
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=A_YEAR,
    about="What is known of a number: enabled for SMS, type, zone, region, landline, doubtful.",
)
NUMBER_MOVES: Final = Topic[NumberMove](
    name="sms.number-moves",
    carries=NumberMove,
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=A_MONTH,
    about="State kept under another writing of a number, on its way to the number's one key.",
)
CONSENT_LOG: Final = Topic[ConsentChange](
    name="sms.consent-log",
    carries=ConsentChange,
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=FOREVER,
    about="What the gate made of each claim of consent: the proof.",
)
CONSENT_STATUS: Final = Topic[ConsentStatus](
    name="sms.consent-status",
    carries=ConsentStatus,
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=FOREVER,
    compacted=True,
    about="Where each number's consent stands now.",
)
DECISIONS: Final = Topic[Decision](
    name="sms.decisions",
    carries=Decision,
    key=lambda m: m.message_key,
    keyed_by="tenant/message id",
    keep=A_YEAR,
    about="The verdict on each request, with every finding.",
)
DISPATCH_ORDERS: Final = Topic[Send](
    name="sms.dispatch-orders",
    carries=Send,
    key=lambda m: m.sender,
    keyed_by="sender",
    keep=A_MONTH,
    about="Send this, once, at the sender's pace.",
)
DISPATCH_CONTROLS: Final = Topic[Any](
    name="sms.dispatch-controls",
    carries=Control,
    key=lambda m: m.sender,
    keyed_by="sender",
    keep=A_MONTH,
    about="Stop, Recall, Cancel, Sighting, Pause, Resume, Resolve; read before orders by dispatch.",
)
RETURNED: Final = Topic[Returned](
    name="sms.returned",
    carries=Returned,
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=A_MONTH,
    about="Orders that could not leave in their time: the gate evaluates them again.",
)
ATTEMPTS: Final = Topic[Attempt](
    name="sms.attempts",
    carries=Attempt,
    key=lambda m: m.message_key,
    keyed_by="tenant/message id",
    keep=A_YEAR,
    about="What dispatch did with an order, attempt by attempt.",
)
DELIVERY_RECEIPTS: Final = Topic[DeliveryReceipt](
    name="sms.delivery-receipts",
    carries=DeliveryReceipt,
    key=lambda m: m.message_key,
    keyed_by="tenant/message id",
    keep=A_YEAR,
    about="The provider's status callbacks.",
)
OUTCOMES: Final = Topic[Outcome](
    name="sms.outcomes",
    carries=Outcome,
    key=lambda m: m.tenant,
    keyed_by="tenant",
    keep=A_YEAR,
    about="What we hold true of each message, version by version.",
)
ALERTS: Final = Topic[Alert](
    name="sms.alerts",
    carries=Alert,
    key=lambda m: m.tenant,
    keyed_by="tenant",
    keep=A_MONTH,
    about="What is at stake for a person, a case or an event, now that a text has not arrived.",
)
USAGE_REPORT: Final = Topic[UsageRow](
    name="sms.usage-report",
    carries=UsageRow,
    key=lambda m: m.identity,
    keyed_by="tenant/branch/sender/period/kind/state/error code",
    keep=FOREVER,
    compacted=True,
    about="Absolute counts by tenant, branch, sender, day, kind, state and code.",
)
BALANCE: Final = Topic[BalanceRow](
    name="sms.balance",
    carries=BalanceRow,
    key=lambda m: m.identity,
    keyed_by="tenant/hour",
    keep=FOREVER,
    compacted=True,
    about="The reconciliation of each hour by the ledger; the residue is 0 at rest.",
)
SETTINGS: Final = Topic[TenantSettings](
    name="sms.settings",
    carries=TenantSettings,
    key=lambda m: m.tenant,
    keyed_by="tenant",
    keep=FOREVER,
    compacted=True,
    single=True,
    about="Each tenant's settings; every worker reads them all.",
)
TEMPLATES: Final = Topic[TemplateVersion](
    name="sms.templates",
    carries=TemplateVersion,
    key=lambda m: m.template_key,
    keyed_by="tenant/template/version",
    keep=FOREVER,
    compacted=True,
    about="Every version of each template, as it was applied.",
)
SENDERS: Final = Topic[Sender](
    name="sms.senders",
    carries=Sender,
    key=lambda m: m.sender,
    keyed_by="sender",
    keep=FOREVER,
    compacted=True,
    single=True,
    about="What we text from, and at what pace; every worker reads them all.",
)
SENDER_STATUS: Final = Topic[SenderStatus](
    name="sms.sender-status",
    carries=SenderStatus,
    key=lambda m: m.sender,
    keyed_by="sender",
    keep=FOREVER,
    compacted=True,
    about="How each sender is doing: queue, pace, in-doubt attempts.",
)
DEAD_LETTERS: Final = Topic[DeadLetter](
    name="sms.dead-letters",
    carries=DeadLetter,
    key=lambda m: m.place,
    keyed_by="source topic/partition",
    keep=A_MONTH,
    max_bytes=4 << 20,
    about="Records that could not be processed: bytes, place, reason.",
)
LETTER_RESOLUTIONS: Final = Topic[LetterResolution](
    name="sms.dead-letter-resolutions",
    carries=LetterResolution,
    key=lambda m: m.place,
    keyed_by="source topic/partition",
    keep=A_YEAR,
    append_time=True,
    about="What staff did about a dead letter: replayed it, once, or dropped it.",
)
CASE_EVENTS: Final = Topic[Any](
    name="sms.case-events",
    carries=CaseEvent,
    family="CaseEvent",
    key=lambda m: m.case_key,
    keyed_by="tenant/case",
    keep=A_YEAR,
    about="What producers and staff say of cases: parties, tasks, events, switches.",
)
CASES: Final = Topic[Case](
    name="sms.cases",
    carries=Case,
    key=lambda m: m.case_key,
    keyed_by="tenant/case",
    keep=FOREVER,
    compacted=True,
    max_bytes=8 << 20,
    about="Each case as a whole.",
)
CASE_TEXTS: Final = Topic[CaseText](
    name="sms.case-texts",
    carries=CaseText,
    key=lambda m: m.case_key,
    keyed_by="tenant/case",
    keep=A_YEAR,
    about="What cases did about each text to each party, and why.",
)
CASE_LINKS: Final = Topic[CaseLink](
    name="sms.case-links",
    carries=CaseLink,
    key=lambda m: m.person_key,
    keyed_by="tenant/person",
    keep=A_YEAR,
    about="Which cases want to hear of a person's changes.",
)
CASE_PEOPLE: Final = Topic[CasePerson](
    name="sms.case-people",
    carries=CasePerson,
    key=lambda m: m.case_key,
    keyed_by="tenant/case",
    keep=A_MONTH,
    about="The records of a case's parties, as people has them.",
)
CASE_ANSWERS: Final = Topic[CaseAnswer](
    name="sms.case-answers",
    carries=CaseAnswer,
    key=lambda m: m.case_key,
    keyed_by="tenant/case",
    keep=A_MONTH,
    about="What became of the texts of a case.",
)
CASE_REPLIES: Final = Topic[CaseReply](
    name="sms.case-replies",
    carries=CaseReply,
    key=lambda m: m.case_key,
    keyed_by="tenant/case",
    keep=A_MONTH,
    about="Replies that confirm an event of a case.",
)
CASE_NUMBERS: Final = Topic[CaseNumber](
    name="sms.case-numbers",
    carries=CaseNumber,
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=A_YEAR,
    about="Which cases and people a number belongs to.",
)
PERSON_CANCELS: Final = Topic[PersonCancel](
    name="sms.person-cancels",
    carries=PersonCancel,
    key=lambda m: m.person_key,
    keyed_by="tenant/person",
    keep=A_MONTH,
    about="Cancels of requests for a person; people reads them before requests.",
)
THREAD_EVENTS: Final = Topic[Any](
    name="sms.thread-events",
    carries=ThreadEvent,
    family="ThreadEvent",
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=A_YEAR,
    about="What staff did about a conversation: notes, answers, assignments.",
)
THREAD_MESSAGES: Final = Topic[ThreadMessage](
    name="sms.thread-messages",
    carries=ThreadMessage,
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=A_MONTH,
    about="Texts of cases and of people, as threads need them.",
)
THREADS: Final = Topic[Thread](
    name="sms.threads",
    carries=Thread,
    key=lambda m: m.number_key,
    keyed_by="tenant/number",
    keep=FOREVER,
    compacted=True,
    about="How each conversation stands: what waits for an answer, and since when.",
)
MAIL_REQUESTS: Final = Topic[MailRequest](
    name="sms.mail-requests",
    carries=MailRequest,
    key=lambda m: m.tenant,
    keyed_by="tenant",
    keep=A_MONTH,
    about="Mails to staff: somebody has texted, or still waits for an answer.",
)

TOPICS: Final[tuple[Topic[Any], ...]] = (
    SEND_REQUESTS,
    CONSENT_EVENTS,
    INBOUND,
    REPLIES,
    CONTACTS,
    NUMBER_FACTS,
    CONSENT_LOG,
    CONSENT_STATUS,
    DECISIONS,
    DISPATCH_ORDERS,
    DISPATCH_CONTROLS,
    RETURNED,
    ATTEMPTS,
    DELIVERY_RECEIPTS,
    OUTCOMES,
    USAGE_REPORT,
    SETTINGS,
    SENDERS,
    DEAD_LETTERS,
    REQUEST_CANCELS,
    PERSON_EVENTS,
    PEOPLE,
    PERSON_REQUESTS,
    PERSON_ANSWERS,
    SENDER_STATUS,
    APPROVALS,
    APPROVAL_LOG,
    DISMISSALS,
    ALERTS,
    LETTER_RESOLUTIONS,
    BALANCE,
    NUMBER_MOVES,
    CASE_EVENTS,
    CASES,
    CASE_TEXTS,
    CASE_LINKS,
    CASE_PEOPLE,
    CASE_ANSWERS,
    CASE_REPLIES,
    CASE_NUMBERS,
    PERSON_CANCELS,
    THREAD_EVENTS,
    THREAD_MESSAGES,
    THREADS,
    MAIL_REQUESTS,
    TEMPLATES,
)

MESSAGES: Final[dict[str, type[Message]]] = {
    message.__name__: message for topic in TOPICS for message in topic.messages
}
BY_NAME: Final[dict[str, Topic[Any]]] = {topic.name: topic for topic in TOPICS}


def state_topic(processor: str) -> Topic[Any]:
    """A processor's changelog: its state and its input positions, restored by the partition's next
    owner."""
    return Topic[Any](
        name=f"sayso.{processor}.rows",
        carries=Any,
        key=str,
        keep=FOREVER,
        compacted=True,
        about=f"The state of the {processor} processor; nobody else reads it.",
    )


PROCESSOR_NAMES: Final = (
    "cases",
    "people",
    "gate",
    "inbox",
    "threads",
    "dispatch",
    "outcomes",
    "usage",
)
EVERY_TOPIC: Final[tuple[Topic[Any], ...]] = (
    *TOPICS,
    *(state_topic(processor) for processor in PROCESSOR_NAMES),
)
"""What `sayso topics apply` creates."""

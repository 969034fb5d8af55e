"""A client of Sayso's HTTP API: `Client`, and `AsyncClient` for asyncio. See README.md.

It imports nothing else of Sayso, so that its folder can be copied into another program."""

from services.client.async_client import AsyncClient
from services.client.calls.texts import BatchStopped
from services.client.client import Client
from services.client.errors import ApiError, NoAnswer, SaysoError, UnknownAnswer
from services.client.exchange import Retries
from services.client.models.base import FieldProblem, Kind, NumberType, ProblemDetails
from services.client.models.cases import (
    Case,
    CaseItem,
    Changed,
    EventInput,
    OpenCase,
    PartyInput,
    TaskInput,
    TaskWhen,
)
from services.client.models.consents import (
    ConsentChange,
    ConsentClaim,
    ConsentStatus,
    ConsentTaken,
)
from services.client.models.event_webhooks import (
    DeliveryItem,
    EndpointInput,
    EndpointItem,
    NewSecret,
    ReplayPeriod,
)
from services.client.models.people import NumberInput, PersonAccepted, PersonInput, PersonItem
from services.client.models.reports import SenderItem, Usage, UsageRow
from services.client.models.texts import (
    Accepted,
    ApprovalResult,
    BatchResult,
    CancelAnswer,
    DismissalResult,
    MessageDetail,
    MessageItem,
    PreviewAnswer,
    ResendAnswer,
    SendText,
    ShownText,
)
from services.client.models.threads import (
    EntryItem,
    Noted,
    NoteInput,
    ReplyInput,
    Thread,
    ThreadItem,
)

__all__ = [
    "Accepted",
    "ApiError",
    "ApprovalResult",
    "AsyncClient",
    "BatchResult",
    "BatchStopped",
    "CancelAnswer",
    "Case",
    "CaseItem",
    "Changed",
    "Client",
    "ConsentChange",
    "ConsentClaim",
    "ConsentStatus",
    "ConsentTaken",
    "DeliveryItem",
    "DismissalResult",
    "EndpointInput",
    "EndpointItem",
    "EntryItem",
    "EventInput",
    "FieldProblem",
    "Kind",
    "MessageDetail",
    "MessageItem",
    "NewSecret",
    "NoAnswer",
    "NoteInput",
    "Noted",
    "NumberInput",
    "NumberType",
    "OpenCase",
    "PartyInput",
    "PersonAccepted",
    "PersonInput",
    "PersonItem",
    "PreviewAnswer",
    "ProblemDetails",
    "ReplayPeriod",
    "ReplyInput",
    "ResendAnswer",
    "Retries",
    "SaysoError",
    "SendText",
    "SenderItem",
    "ShownText",
    "TaskInput",
    "TaskWhen",
    "Thread",
    "ThreadItem",
    "UnknownAnswer",
    "Usage",
    "UsageRow",
]

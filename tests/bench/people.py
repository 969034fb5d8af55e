"""Fictional numbers (555-01XX of real area codes) and requests with real texts, for the gate and
the whole path."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from schemas.consent import ConsentAction, ConsentEvent
from schemas.send_request import Kind, SendRequest
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from services.local.demo.fixtures import CORPUS

TENANT: Final = TenantSettings.model_validate(
    {
        "tenant": "harbor",
        "name": "Harbor Legal Aid",
        "sender": "72976",
        "when": {"quiet_hours": {"before": "00:00", "after": "23:59"}},
    }
)
"""The hour is looked at and, a minute a day aside, is fit: a bench at night measures the same."""
SENDER: Final = Sender(sender="72976", kind=SenderKind.SHORT_CODE, pace=1_000_000, owner="harbor")
"""As fast as the machine allows."""

AREAS: Final = (
    201,
    202,
    203,
    205,
    206,
    207,
    208,
    210,
    212,
    213,
    214,
    215,
    216,
    217,
    218,
    301,
    302,
    303,
    304,
    305,
    307,
    310,
    312,
    313,
    314,
    401,
    402,
    404,
    405,
    406,
    410,
    412,
    414,
    415,
    501,
    502,
    503,
    504,
    505,
    512,
)
KINDS: Final = (Kind.REMINDER, Kind.REMINDER, Kind.TRANSACTIONAL, Kind.DIRECT)


def number(i: int) -> str:
    i %= 100 * len(AREAS)
    return f"+1{AREAS[i % len(AREAS)]}55501{i // len(AREAS):02}"


def consents() -> Iterator[ConsentEvent]:
    """Everybody says yes."""
    for i in range(100 * len(AREAS)):
        yield ConsentEvent(
            event_id=f"form-{i}",
            tenant=TENANT.tenant,
            number=number(i),
            action=ConsentAction.OPT_IN,
            source="form",
            at=datetime.now(UTC),
        )


def requests(count: int, prefix: str) -> Iterator[SendRequest]:
    texts = [line.partition("\t")[2] for line in CORPUS.read_text("utf-8").splitlines()]
    for i in range(count):
        yield SendRequest(
            message_id=f"{prefix}-{i}",
            tenant=TENANT.tenant,
            to=number(i * 31),
            body=texts[i % len(texts)],
            kind=KINDS[i % len(KINDS)],
            case_id=f"case-{i % 977}",
            requested_at=datetime.now(UTC),
            requested_by="cases",
        )

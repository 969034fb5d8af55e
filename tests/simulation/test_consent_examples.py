"""The kept examples of the consent log are what the processors really publish: readers are built
from them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas import topics as t
from schemas.base import Evidence, Message
from schemas.catalog.examples import examples
from schemas.consent import ConsentAction, ConsentEvent, ConsentSource
from schemas.inbound import InboundMessage
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from schemas.topics import Topic
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from streams.gate.consent_log import entry_hash
from streams.processing import build_settings
from streams.topology import PROCESSORS
from tests.simulation.world import World

TENANT, SENDER, NUMBER = "harbor-title", "72975", "+14155550142"
TENANTS = {TENANT: TenantSettings(tenant=TENANT, name="Harbor Title", sender=SENDER)}
SENDERS = {SENDER: Sender(sender=SENDER, kind=SenderKind.SHORT_CODE, owner=TENANT)}
OWN = ("at", "previous", "hash")
"""What depends on when it was judged, and on the entry before."""


def event(event_id: str, source: ConsentSource, at: datetime, **evidence: Any) -> ConsentEvent:
    return ConsentEvent(
        event_id=event_id,
        tenant=TENANT,
        number=NUMBER,
        action=ConsentAction.OPT_IN,
        source=source,
        at=at,
        evidence=Evidence(**evidence),
    )


def text(provider_id: str, body: str, at: datetime) -> InboundMessage:
    return InboundMessage(
        provider_id=provider_id,
        sender=SENDER,
        to_address=SENDER,
        number=NUMBER,
        body=body,
        received_at=at,
    )


SAID: list[tuple[datetime, Topic[Any], Any]] = [
    (at, topic, say(at))
    for at, topic, say in (
        (
            datetime(2026, 2, 11, 18, 22, 31, tzinfo=UTC),
            t.CONSENT_EVENTS,
            lambda at: event(
                "form-5c1d",
                ConsentSource.FORM,
                at,
                wording_version="2026-01",
                ip="192.0.2.44",
                url="https://harbor-title.example/intake",
            ),
        ),
        (
            datetime(2026, 3, 5, 17, 1, 44, tzinfo=UTC),
            t.INBOUND,
            lambda at: text("SM0a1b2c3d4e5f60718293a4b5c6d7e8f9", "Stop", at),
        ),
        (
            datetime(2026, 3, 6, 9, 0, tzinfo=UTC),
            t.CONSENT_EVENTS,
            lambda at: event(
                "import:2025-12:row-9", ConsentSource.IMPORT, datetime(2025, 12, 3, 8, tzinfo=UTC)
            ),
        ),
        (
            datetime(2026, 3, 8, 11, 2, 40, tzinfo=UTC),
            t.INBOUND,
            lambda at: text("SM4d1b2c3d4e5f60718293a4b5c6d7e8f9", "START", at),
        ),
        (
            datetime(2026, 3, 9, 15, 20, 11, tzinfo=UTC),
            t.INBOUND,
            lambda at: text(
                "SM5e1b2c3d4e5f60718293a4b5c6d7e8f9",
                "Hi, I hired someone else. You can stop texting me now!",
                at,
            ),
        ),
    )
]


def taken(post: SendCall, now: datetime) -> SendResult:
    return SendResult(
        tenant=post.tenant,
        message_id=post.message_id,
        attempt=post.attempt,
        sender=post.sender,
        result=Result.ACCEPTED,
        provider_id=f"SM{post.message_id}",
    )


@pytest.fixture(scope="module")
def played() -> World:
    began = SAID[0][0] - timedelta(seconds=1)
    world = World(
        1,
        list(PROCESSORS.values()),
        build_settings(TENANTS, SENDERS),
        taken,
        partitions=1,
        now=began,
    )
    message: Message
    for at, topic, message in SAID:
        world.publish_at(at, topic, message)
    world.settle(until=timedelta(days=40))
    return world


def published(world: World, topic: Topic[Any]) -> list[dict[str, Any]]:
    return [json.loads(topic.encode(message)) for message in world.log.all(topic)]


def comparable(entry: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in entry.items() if name not in OWN}
    if "evidence" in kept:
        kept["evidence"] = {
            k: v for k, v in kept["evidence"].items() if k not in {"partition", "offset"}
        }
    return kept


def kept(topic: Topic[Any]) -> list[dict[str, Any]]:
    return [one.document for one in examples() if one.topic is topic]


def kept_log() -> list[dict[str, Any]]:
    return sorted(kept(t.CONSENT_LOG), key=lambda entry: entry["seq"])


def test_the_examples_of_the_log_are_what_is_published(played: World) -> None:
    told = [comparable(entry) for entry in published(played, t.CONSENT_LOG)]
    assert [comparable(entry) for entry in kept_log()] == told


def test_the_examples_of_the_log_are_a_chain() -> None:
    entries = kept_log()
    assert [entry["hash"] for entry in entries] == [entry_hash(entry) for entry in entries]
    assert [entry["previous"] for entry in entries] == [
        "",
        *(entry["hash"] for entry in entries[:-1]),
    ]


def test_the_example_of_an_opted_out_status_is_what_is_published(played: World) -> None:
    [example] = [one for one in kept(t.CONSENT_STATUS) if one["state"] == "opted_out"]
    told = [
        one for one in published(played, t.CONSENT_STATUS) if one["log_seq"] == example["log_seq"]
    ]
    assert {name: told[0].get(name) for name in example if name not in {"since", "log_hash"}} == {
        name: value for name, value in example.items() if name not in {"since", "log_hash"}
    }
    assert example["log_hash"] == kept_log()[example["log_seq"] - 1]["hash"]

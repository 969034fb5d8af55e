"""The ledger: how fast topics become rows, and how long a message's story takes among a million."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.attempt import Attempt, AttemptState, DeliveryReceipt
from schemas.base import Evidence, Message
from schemas.decision import Decision, Verdict
from schemas.outcome import Outcome
from schemas.send_request import SendRequest
from schemas.topics import ATTEMPTS, DECISIONS, DELIVERY_RECEIPTS, OUTCOMES, SEND_REQUESTS, Topic
from services.ledger.explain import Explanation, explain
from services.ledger.ledger import FILE, Ledger
from tests.adapters.ledger_filler import LedgerFiller
from tests.bench import people
from tests.bench.gate import empty_house, tear_down, tell

EVENTS: Final = 7
"""Records of one message: asked, decided, tried twice, reported, two outcomes."""
ASKED: Final = 50
"""Messages explained."""
BEGAN: Final = datetime(2026, 11, 1, tzinfo=UTC)


class Kept(NamedTuple):
    """`slowest` and `usual`: seconds for one story."""

    messages: int
    usual: float
    slowest: float


def life(i: int) -> Iterator[tuple[Topic[Any], Message]]:
    at = BEGAN + timedelta(seconds=i % 2_000_000)
    who = {"message_id": f"m-{i}", "tenant": people.TENANT.tenant}
    to, kind = people.number(i), people.KINDS[i % len(people.KINDS)]
    yield (
        SEND_REQUESTS,
        SendRequest(**who, to=to, kind=kind, body="Your papers are ready.", requested_at=at),
    )
    yield (
        DECISIONS,
        Decision(
            **who,
            to=to,
            kind=kind,
            sender="72976",
            requested_at=at,
            verdict=Verdict.SEND,
            segments=1,
            decided_at=at,
            policy_version="p",
            consent_epoch=1,
            evidence=Evidence(),
        ),
    )
    for state in (AttemptState.SENDING, AttemptState.ACCEPTED):
        yield ATTEMPTS, Attempt(**who, attempt=1, sender="72976", to=to, state=state, at=at)
    yield (
        DELIVERY_RECEIPTS,
        DeliveryReceipt(
            **who,
            attempt=1,
            provider_id=f"SM{i}",
            status="delivered",
            received_at=at,
            raw={"MessageStatus": "delivered"},
        ),
    )
    for version, state_ in enumerate(("accepted", "delivered"), 1):
        yield (
            OUTCOMES,
            Outcome(
                **who,
                to=to,
                kind=kind,
                sender="72976",
                requested_at=at,
                state=state_,
                segments=1,
                final=version == 2,
                version=version,
                at=at,
            ),
        )


async def one_run(bootstrap: str, events: int) -> float:
    """Events a second, from an empty file to the topics' ends.  Raises InUse or LedgerError."""
    await empty_house(bootstrap)
    try:
        for topic, messages in by_topic(events // EVENTS).items():
            await tell(bootstrap, topic, messages)
        with tempfile.TemporaryDirectory(prefix="sayso-bench-") as folder:
            ledger = Ledger.open(Path(folder) / FILE)
            began = time.perf_counter()
            caught = await ledger.catch_up(bootstrap)
            seconds = time.perf_counter() - began
            ledger.close()
        return caught.records / seconds
    finally:
        await tear_down(bootstrap)


def by_topic(messages: int) -> dict[Topic[Any], list[Message]]:
    found: dict[Topic[Any], list[Message]] = {}
    for i in range(messages):
        for topic, message in life(i):
            found.setdefault(topic, []).append(message)
    return found


def stories(messages: int) -> Kept:
    """Some of so many, each asked for once.  What is folded here has not been on Kafka."""
    with tempfile.TemporaryDirectory(prefix="sayso-bench-") as folder:
        fill(Path(folder), messages)
        ledger = Ledger.open(Path(folder) / FILE)
        seconds = sorted(_told(ledger, f"m-{i * (messages // ASKED)}") for i in range(ASKED))
        ledger.close()
    return Kept(messages, seconds[len(seconds) // 2], seconds[-1])


def _told(ledger: Ledger, message_id: str) -> float:
    began = time.perf_counter()
    found = explain(ledger, message_id)
    seconds = time.perf_counter() - began
    if not isinstance(found, Explanation) or len(found.events) != EVENTS:
        raise ValueError(f"the ledger has not the whole story of {message_id}")
    return seconds


def fill(folder: Path, messages: int) -> None:
    """As SQL has them after a fold; one real life is read, and copied under the other ids."""
    filler = LedgerFiller(folder / FILE)
    for topic, message in life(0):
        filler.add(topic, message)
    filler.ledger.close()
    _copy(folder / FILE, messages)


def _copy(path: Path, messages: int) -> None:
    """Indexes are made afterwards, all at once."""
    sql = sqlite3.connect(path, isolation_level=None)
    sql.execute("PRAGMA synchronous = OFF")
    indexes = sql.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in indexes:
        sql.execute(f"DROP INDEX {name}")
    sql.execute("BEGIN")
    sql.execute(
        "CREATE TEMP TABLE others AS WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s LIMIT ?) "
        "SELECT n FROM s",
        (messages - 1,),
    )
    for table in ("requests", "decisions", "attempts", "receipts", "outcome_history", "outcomes"):
        names = [row[1] for row in sql.execute(f"PRAGMA table_info({table})")]
        changed = ", ".join(_CHANGED.get(name, f'"{name}"') for name in names)
        sql.execute(f"INSERT INTO {table} SELECT {changed} FROM others, (SELECT * FROM {table})")
    sql.execute("COMMIT")
    for _, how in indexes:
        sql.execute(how)
    sql.close()


_OTHER: Final = "replace({0}, 'm-0', 'm-' || n)"
_CHANGED: Final = {name: _OTHER.format(name) for name in ("identity", "message_id", "json")} | {
    "off": "off + 2 * n",
    "requested_ms": "requested_ms + n % 2000000 * 1000",
}

"""The same call twice has one effect and one answer (draft-ietf-httpapi-idempotency-key-header).

Theory of operation
-------------------
* `reserve` says for each claim what to do: go on, give the answer of before, or refuse.
* Claims that come while a transaction of the file runs are reserved together by the next one. It
  runs in a thread, so that the disk never holds up other calls.
* What is under way in this process, and what is done but not written yet, is in memory.
* Without the file (a full disk) everything goes on: a STOP must get through, and processors
  recognise repeats.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple

import structlog

from services.console.api.idempotency_store import Claim, IdempotencyStore, Kept

log = structlog.get_logger("sayso.api")


class Verdict(Enum):
    GO = auto()
    """Do it: it is new, or was not confirmed before."""
    DONE = auto()
    """It was done before: give the same answer."""
    UNDER_WAY = auto()
    """It is being done just now."""
    REUSED = auto()
    """The identity was used for another call."""


class Reserved(NamedTuple):
    verdict: Verdict
    answer: str | None = None
    """Of DONE, where the route has kept one."""


_GO = Reserved(Verdict.GO)


class Idempotency:
    """Use it on one event loop."""

    def __init__(self, store: IdempotencyStore) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, "idempotency")
        self._under_way: dict[tuple[str, str], bytes] = {}
        """The body of each call that has no answer yet."""
        self._done: dict[tuple[str, str], tuple[Claim, str | None]] = {}
        """Answers that are not in the file yet."""
        self._refused: list[Claim] = []
        """Reservations that are to go from the file."""
        self._waiting: list[tuple[Sequence[Claim], asyncio.Future[list[Kept | None]]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._now = 0

    async def reserve(self, claims: Sequence[Claim], now: datetime) -> list[Reserved]:
        """In the order of the claims. Each that may go is under way until `finish` or `release`."""
        self._now = int(now.timestamp())
        known = [self._in_memory(claim) for claim in claims]
        unknown = [claim for claim, found in zip(claims, known, strict=True) if found is None]
        if not unknown:
            return [found for found in known if found is not None]
        for claim in unknown:
            self._under_way[claim.identity] = claim.body
        kept = iter(await self._ask_file(unknown))
        return [
            self._judge(claim, next(kept)) if found is None else found
            for claim, found in zip(claims, known, strict=True)
        ]

    def finish(self, claims: Iterable[Claim], answer: str | None = None) -> None:
        """Kafka has them."""
        for claim in claims:
            self._under_way.pop(claim.identity, None)
            self._done[claim.identity] = (claim, answer)
        self._wake()

    def release(self, claims: Iterable[Claim]) -> None:
        """It was not confirmed. The same call may come again; another one is refused."""
        for claim in claims:
            self._under_way.pop(claim.identity, None)

    def refuse(self, claims: Iterable[Claim]) -> None:
        """Nothing was published: what the identity stands for is known elsewhere."""
        for claim in claims:
            self._under_way.pop(claim.identity, None)
            self._refused.append(claim)

    async def close(self) -> None:
        while self._writer is not None and not self._writer.done():
            await self._writer
        self._thread.shutdown()
        self._store.close()

    def _in_memory(self, claim: Claim) -> Reserved | None:
        body = self._under_way.get(claim.identity)
        if body is not None:
            return Reserved(Verdict.UNDER_WAY if body == claim.body else Verdict.REUSED)
        if claim.identity in self._done:
            before, answer = self._done[claim.identity]
            same = before.body == claim.body
            return Reserved(Verdict.DONE, answer) if same else Reserved(Verdict.REUSED)
        return None

    def _judge(self, claim: Claim, kept: Kept | None) -> Reserved:
        if kept is None:
            return _GO
        if kept.body == claim.body and not kept.done:
            return _GO
        self._under_way.pop(claim.identity, None)
        same = kept.body == claim.body
        return Reserved(Verdict.DONE, kept.answer) if same else Reserved(Verdict.REUSED)

    async def _ask_file(self, claims: Sequence[Claim]) -> list[Kept | None]:
        asked: asyncio.Future[list[Kept | None]] = asyncio.get_running_loop().create_future()
        self._waiting.append((claims, asked))
        self._wake()
        try:
            return await asked
        except BaseException:
            self.release(claims)
            raise

    def _wake(self) -> None:
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting or self._done:
            asked, self._waiting = self._waiting, []
            done = dict(self._done)
            refused, self._refused = self._refused, []
            claims = [claim for some, _ in asked for claim in some]
            try:
                found = await loop.run_in_executor(
                    self._thread,
                    self._store.reserve,
                    claims,
                    list(done.values()),
                    refused,
                    self._now,
                )
            except sqlite3.Error as error:
                log.error("no ids", problem=str(error))
                found = [None] * len(claims)
            for identity, value in done.items():
                if self._done.get(identity) is value:
                    del self._done[identity]
            rest = iter(found)
            for some, answer in asked:
                kept = [next(rest) for _ in some]
                if not answer.done():
                    answer.set_result(kept)

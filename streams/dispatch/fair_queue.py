"""One lane's texts: fair between tenants, and between the cases of each; first issued, first out within a case.

So one tenant's launch on a shared sender takes every other turn at most, however many texts it has."""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import NamedTuple

from streams.dispatch.fair_scheduler import FairScheduler
from streams.dispatch.indexed_heap import TIDY

Place = tuple[datetime, int]
"""When the order was issued; its offset decides between equals."""


class Waiting(NamedTuple):
    """`ahead`: segments of its case that had come or gone before it; see `Flow`."""

    tenant: str
    case: str
    place: Place
    segments: int
    ahead: int


class CaseQueue:
    """A case's texts.  `came` and `gone`: segments that have joined and left since it began; what stands before a text
    is what came before it less what has gone."""

    __slots__ = ("came", "count", "gone", "heap", "last")

    def __init__(self) -> None:
        self.heap: list[tuple[Place, str]] = []
        self.count = self.came = self.gone = 0
        self.last: Place | None = None

    @property
    def segments(self) -> int:
        """That wait."""
        return self.came - self.gone

    def join(self, name: str, place: Place, segments: int) -> int:
        """What stands before it.  One that comes back to an earlier place is taken to be first."""
        ahead = self.gone if self.last is not None and place < self.last else self.came
        self.last = place if self.last is None else max(self.last, place)
        heapq.heappush(self.heap, (place, name))
        self.count += 1
        self.came += segments
        return ahead

    def lost(self, text: Waiting) -> None:
        """The last one leaves the others as they were.  One in between is taken to have been before all that are left:
        better to wait in vain than to be sent away in vain."""
        if text.ahead + text.segments == self.came:
            self.came = text.ahead
        else:
            self.gone += text.segments


class TenantQueue:
    """A tenant's cases."""

    __slots__ = ("flows", "segments", "turns")

    def __init__(self) -> None:
        self.flows: dict[str, CaseQueue] = {}
        self.turns: FairScheduler[Place] = FairScheduler()
        self.segments = 0


class FairQueue:
    """`waiting`: each text that is in it; what the heaps hold besides has left.  O(log n)."""

    def __init__(self) -> None:
        self.waiting: dict[str, Waiting] = {}
        self.segments = 0
        self._shares: dict[str, TenantQueue] = {}
        self._turns: FairScheduler[Place] = FairScheduler()

    def __len__(self) -> int:
        return len(self.waiting)

    def push(self, name: str, tenant: str, case: str, place: Place, segments: int) -> None:
        share = self._shares.get(tenant) or self._shares.setdefault(tenant, TenantQueue())
        flow = share.flows.get(case) or share.flows.setdefault(case, CaseQueue())
        self.waiting[name] = Waiting(
            tenant, case, place, segments, flow.join(name, place, segments)
        )
        share.segments += segments
        self.segments += segments
        if flow.heap[0][1] == name:
            share.turns.waits(case, place)
            self._turns.waits(tenant, self._first_of(share)[0])

    def drop(self, name: str) -> None:
        """It has left in another way than by its turn."""
        if (text := self.waiting.pop(name, None)) is not None:
            self._shares[text.tenant].flows[text.case].lost(text)
            self._left(text)

    def took(self, name: str) -> None:
        """It goes: `name` is what `first` said."""
        text = self.waiting.pop(name)
        self._turns.took(text.tenant, text.segments)
        self._shares[text.tenant].turns.took(text.case, text.segments)
        self._shares[text.tenant].flows[text.case].gone += text.segments
        self._left(text)

    def first(self) -> str | None:
        tenant = self._turns.first()
        return None if tenant is None else self._first_of(self._shares[tenant])[1]

    def before(self, name: str) -> int:
        """Segments that may be expected to go before it: of its own case those that stand before it, and as many of
        each other case and tenant, at least one of those whose turn is first, but no more than they have."""
        text = self.waiting[name]
        share = self._shares[text.tenant]
        flow = share.flows[text.case]
        own = max(0, text.ahead - flow.gone)
        own += min(
            share.segments - flow.segments,
            max((len(share.flows) - 1) * own, share.turns.before(text.case)),
        )
        return own + min(
            self.segments - share.segments,
            max((len(self._turns) - 1) * own, self._turns.before(text.tenant)),
        )

    def _left(self, text: Waiting) -> None:
        share = self._shares[text.tenant]
        flow = share.flows[text.case]
        self.segments -= text.segments
        share.segments -= text.segments
        flow.count -= 1
        if not flow.count:
            del share.flows[text.case]
            share.turns.leaves(text.case)
        else:
            self._tidy(flow)
            share.turns.waits(text.case, flow.heap[0][0])
        if share.flows:
            self._turns.waits(text.tenant, self._first_of(share)[0])
        else:
            del self._shares[text.tenant]
            self._turns.leaves(text.tenant)

    def _tidy(self, flow: CaseQueue) -> None:
        """Its heap begins with a text that is still there."""
        while not self._is_here(*flow.heap[0]):
            heapq.heappop(flow.heap)
        if len(flow.heap) > 2 * flow.count + TIDY:
            flow.heap = [entry for entry in flow.heap if self._is_here(*entry)]
            heapq.heapify(flow.heap)

    def _is_here(self, place: Place, name: str) -> bool:
        text = self.waiting.get(name)
        return text is not None and text.place == place

    def _first_of(self, share: TenantQueue) -> tuple[Place, str]:
        case = share.turns.first()
        assert case is not None
        return share.flows[case].heap[0]

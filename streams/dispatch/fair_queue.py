"""The queue of one priority: fair between tenants, and between the cases of each tenant.

Theory of operation
-------------------
Texts of one case leave in the order in which they were issued. Cases of a tenant take turns, and so
do tenants. A turn is counted in segments: a `FairScheduler` (start-time fair queueing; Goyal, Vin
and Cheng, SIGCOMM 1996) remembers how many segments each flow has sent and gives the next turn to
the one that has sent the fewest. One scheduler stands between tenants; one for each tenant stands
between its cases.

So on a shared sender, another tenant's launch delays a text by one turn, however many texts it has.

A flow that is new starts at the level of the others: it owes nothing and is owed nothing. A flow
that runs empty and comes back is not new: what it has sent is remembered until the others have sent
as much.

Everything here is an index in memory. A new owner builds it again from the state; nobody is owed a
turn by then. Every operation takes O(log n).
"""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from streams.dispatch.indexed_heap import MAX_STALE, IndexedHeap

P = TypeVar("P")

Position = tuple[datetime, int]
"""When the order was issued; its offset decides between equals."""


class FairScheduler(Generic[P]):
    """Decides which flow is next: the one that has sent the fewest segments; among equals, the one
    whose first text has the lowest position. A flow is a tenant, or a case of a tenant."""

    def __init__(self) -> None:
        self._heap: IndexedHeap[tuple[float, P]] = IndexedHeap()
        """Flows with something waiting, by segments sent and position of the first text."""
        self._level = 0.0
        """Segments sent by the flow that had the last turn: a new flow starts there."""
        self._sent: dict[str, float] = {}
        self._idle: IndexedHeap[float] = IndexedHeap()
        """Flows with nothing waiting, by segments sent; forgotten once the others have sent as
        much."""
        self._ranks: dict[str, tuple[float, int]] = {}
        """Of each waiting flow: segments sent, and how many flows with as much came before it."""
        self._counts: dict[float, list[int]] = {}
        """By segments sent: how many flows have come to this amount, and how many have gone."""

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def idle_count(self) -> int:
        """Flows that are remembered only until the others have sent as much."""
        return len(self._idle)

    def first(self) -> str | None:
        found = self._heap.first()
        return None if found is None else found[1]

    def set_first(self, flow: str, position: P) -> None:
        """The flow has something waiting, and its first text is at this position."""
        sent = self._sent.get(flow, 0.0)
        if flow not in self._heap:
            self._idle.drop(flow)
            sent = self._sent[flow] = max(sent, self._level)
        self._heap.push((sent, position), flow)
        rank = self._ranks.get(flow)
        if rank is None or rank[0] != sent:
            self._drop_rank(flow)
            counts = self._counts.setdefault(sent, [0, 0])
            self._ranks[flow] = sent, counts[0]
            counts[0] += 1

    def flows_before(self, flow: str) -> int:
        """Flows that have sent as much and came before this one: each of them sends one text
        first."""
        sent, rank = self._ranks[flow]
        return max(0, rank - self._counts[sent][1])

    def charge(self, flow: str, segments: int) -> None:
        """The flow whose turn it was has sent so much. Call `set_first` or `remove` next."""
        self._level = max(self._level, self._sent[flow])
        self._sent[flow] += segments

    def remove(self, flow: str) -> None:
        """The flow has nothing waiting."""
        self._heap.drop(flow)
        self._drop_rank(flow)
        if not len(self._heap):
            self._level = 0.0
            self._sent = {}
            self._idle = IndexedHeap()
            return
        self._idle.push(self._sent[flow], flow)
        while (idle := self._idle.first()) and idle[0] <= self._level:
            self._idle.drop(idle[1])
            del self._sent[idle[1]]

    def _drop_rank(self, flow: str) -> None:
        sent, _ = self._ranks.pop(flow, (None, 0))
        if sent is not None:
            counts = self._counts[sent]
            counts[1] += 1
            if counts[0] == counts[1]:
                del self._counts[sent]


class WaitingText(NamedTuple):
    tenant: str
    case: str
    position: Position
    segments: int
    ahead: int
    """Segments of its case that had joined before it, or had left; see `CaseQueue`."""


class CaseQueue:
    """The texts of one case.

    `joined` and `left` count segments since the queue began. What stands before a text is what had
    joined before it, less what has left."""

    __slots__ = ("count", "heap", "joined", "last", "left")

    def __init__(self) -> None:
        self.heap: list[tuple[Position, str]] = []
        self.count = 0
        self.joined = 0
        self.left = 0
        self.last: Position | None = None

    @property
    def segments(self) -> int:
        """Segments that wait."""
        return self.joined - self.left

    def join(self, name: str, position: Position, segments: int) -> int:
        """Add a text; returns its `ahead`. One that comes back to an earlier position is taken to
        be first."""
        ahead = self.left if self.last is not None and position < self.last else self.joined
        self.last = position if self.last is None else max(self.last, position)
        heapq.heappush(self.heap, (position, name))
        self.count += 1
        self.joined += segments
        return ahead

    def withdraw(self, text: WaitingText) -> None:
        """A text leaves out of turn. The last one leaves the others as they were. One in between is
        taken to have been before all the others: it is better to wait in vain than to be returned
        in vain."""
        if text.ahead + text.segments == self.joined:
            self.joined = text.ahead
        else:
            self.left += text.segments


class TenantQueue:
    """The cases of one tenant."""

    __slots__ = ("cases", "scheduler", "segments")

    def __init__(self) -> None:
        self.cases: dict[str, CaseQueue] = {}
        self.scheduler: FairScheduler[Position] = FairScheduler()
        self.segments = 0

    def first(self) -> tuple[Position, str]:
        """Position and name. A tenant's queue is dropped when it is empty, so there is one."""
        case = self.scheduler.first()
        if case is None:
            raise LookupError("the queue of a tenant is empty")
        return self.cases[case].heap[0]


class FairQueue:
    """All texts of one priority."""

    def __init__(self) -> None:
        self.waiting: dict[str, WaitingText] = {}
        """Each text that is in the queue; whatever else the heaps hold has left."""
        self.segments = 0
        self._tenants: dict[str, TenantQueue] = {}
        self._scheduler: FairScheduler[Position] = FairScheduler()

    def __len__(self) -> int:
        return len(self.waiting)

    def push(self, name: str, tenant: str, case: str, position: Position, segments: int) -> None:
        owner = self._tenants.get(tenant) or self._tenants.setdefault(tenant, TenantQueue())
        texts = owner.cases.get(case) or owner.cases.setdefault(case, CaseQueue())
        ahead = texts.join(name, position, segments)
        self.waiting[name] = WaitingText(tenant, case, position, segments, ahead)
        owner.segments += segments
        self.segments += segments
        if texts.heap[0][1] == name:
            owner.scheduler.set_first(case, position)
            self._scheduler.set_first(tenant, owner.first()[0])

    def remove(self, name: str) -> None:
        """The text leaves out of turn."""
        if (text := self.waiting.pop(name, None)) is not None:
            self._tenants[text.tenant].cases[text.case].withdraw(text)
            self._settle(text)

    def pop(self, name: str) -> None:
        """The text leaves in its turn: `name` is what `first` said."""
        text = self.waiting.pop(name)
        owner = self._tenants[text.tenant]
        self._scheduler.charge(text.tenant, text.segments)
        owner.scheduler.charge(text.case, text.segments)
        owner.cases[text.case].left += text.segments
        self._settle(text)

    def first(self) -> str | None:
        tenant = self._scheduler.first()
        return None if tenant is None else self._tenants[tenant].first()[1]

    def segments_before(self, name: str) -> int:
        """Segments that are expected to leave before this text.

        Those of its own case that stand before it. From each other case and tenant as many, and at
        least one from each whose turn is first, but no more than they have."""
        text = self.waiting[name]
        owner = self._tenants[text.tenant]
        case = owner.cases[text.case]
        own = max(0, text.ahead - case.left)
        own += min(
            owner.segments - case.segments,
            max((len(owner.cases) - 1) * own, owner.scheduler.flows_before(text.case)),
        )
        return own + min(
            self.segments - owner.segments,
            max((len(self._scheduler) - 1) * own, self._scheduler.flows_before(text.tenant)),
        )

    def _settle(self, text: WaitingText) -> None:
        """A text has left: bring counts, turns and heaps up to date."""
        owner = self._tenants[text.tenant]
        case = owner.cases[text.case]
        self.segments -= text.segments
        owner.segments -= text.segments
        case.count -= 1
        if not case.count:
            del owner.cases[text.case]
            owner.scheduler.remove(text.case)
        else:
            self._drop_stale(case)
            owner.scheduler.set_first(text.case, case.heap[0][0])
        if owner.cases:
            self._scheduler.set_first(text.tenant, owner.first()[0])
        else:
            del self._tenants[text.tenant]
            self._scheduler.remove(text.tenant)

    def _drop_stale(self, case: CaseQueue) -> None:
        """Afterwards the heap begins with a text that is still there."""
        while not self._is_waiting(*case.heap[0]):
            heapq.heappop(case.heap)
        if len(case.heap) > 2 * case.count + MAX_STALE:
            case.heap = [entry for entry in case.heap if self._is_waiting(*entry)]
            heapq.heapify(case.heap)

    def _is_waiting(self, position: Position, name: str) -> bool:
        text = self.waiting.get(name)
        return text is not None and text.position == position

"""One step of a case under way: the entries as they will be, and what is to be published.

A case may have 20,000 parties.  So nothing may look through all entries for each record.  An index
of the entries' names is made once a batch and kept with what the batch has pending
(`StateStore.pending`), which is never written."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from schemas.base import Message
from schemas.tenant_settings import TenantSettings
from schemas.topics import Topic
from streams.cases.state import (
    CASE,
    CONFIRMATIONS,
    DATES,
    DUE,
    EVENTS,
    PARTIES,
    RECIPES,
    TASKS,
    TEXTS,
    Anchor,
    CaseEntry,
    DateEntry,
    EventEntry,
    TaskEntry,
)
from streams.processing import Publication, Settings, StateEntry, StateStore, StepResult

R = TypeVar("R", bound=StateEntry)
MODELS: Final[Mapping[str, type[Any]]] = {
    "task": TaskEntry,
    "event": EventEntry,
    "date": DateEntry,
}
SORTS: Final = (PARTIES, RECIPES, TASKS, EVENTS, DATES)


class Index:
    """The names of a case's entries, sorted."""

    def __init__(self, names: Iterable[str]) -> None:
        self.by_sort: dict[str, list[str]] = {sort: [] for sort in SORTS}
        self.texts: dict[str, list[str]] = {}
        """By anchor, without the prefixes."""
        self.confirmations: list[str] = []
        self.names_of_texts: dict[str, str] = {}
        """By text id."""
        self.cache: dict[str, Any] = {}
        """What was computed of tasks, events, dates and recipes."""
        self.parsed: dict[str, tuple[Any, StateEntry]] = {}
        """Entries that were read in this batch, each with the bytes that it was read from."""
        self.active: dict[str, None] | None = None
        """Anchors of which something may be due now, once somebody has asked for them."""
        self.audience = False
        """Others may be due a text now."""
        self.views = False
        """Something has changed that readers of the case see."""
        for name in names:
            found = self._list_of(name)
            if found is not None:
                found.append(name)
            if name.startswith(TEXTS):
                self.names_of_texts[name.rpartition("/")[2]] = name
        for found in (*self.by_sort.values(), *self.texts.values(), self.confirmations):
            found.sort()

    def add(self, name: str) -> None:
        names = self._list_of(name)
        if names is not None:
            insort(names, name)
        if name.startswith(TEXTS):
            self.names_of_texts[name.rpartition("/")[2]] = name

    def _list_of(self, name: str) -> list[str] | None:
        """The list that a name belongs to; None: nobody looks for names of that sort."""
        if name.startswith(TEXTS):
            return self.texts.setdefault(name[len(TEXTS) :].rpartition("/")[0], [])
        if name.startswith(CONFIRMATIONS):
            return self.confirmations
        sort = name[: name.find("/", len(DUE) if name.startswith(DUE) else 0) + 1]
        return self.by_sort.get(sort)

    def drop(self, name: str) -> None:
        names = self._list_of(name)
        if names is not None:
            names.remove(name)
        if name.startswith(TEXTS):
            self.names_of_texts.pop(name.rpartition("/")[2], None)

    def anchors(self) -> list[str]:
        return [*self.by_sort[TASKS], *self.by_sort[EVENTS], *self.by_sort[DATES]]


def take_after(names: list[str], after: str, count: int) -> list[str]:
    """The next names of a sorted list behind one of them."""
    start = bisect_right(names, after)
    return names[start : start + count]


class Draft:
    def __init__(self, state: StateStore, now: datetime, settings: Settings) -> None:
        self.now = now
        self.settings = settings
        self.tenant_id, _, self.case_id = state.entity_key.partition("/")
        self.tenant: TenantSettings = settings.tenants[self.tenant_id]
        self.is_preview = False
        self.is_behind = False
        """What came after this may be waiting to be read: nothing is requested before it was."""
        self._state = state
        self._changed: dict[str, StateEntry | None] = {}
        self._timers: dict[str, datetime | None] = {}
        self._published: list[Publication] = []
        if state.pending is None:
            state.pending = Index(state.raw)
        self.index: Index = state.pending

    # --- entries

    def get(self, name: str, model: type[R]) -> R | None:
        if name in self._changed:
            found = self._changed[name]
            assert found is None or isinstance(found, model)
            return found
        raw = self._state.raw.get(name)
        if raw is None or type(raw) is model:
            return raw
        known = self.index.parsed.get(name)
        if known is not None and known[0] is raw:
            assert isinstance(known[1], model)
            return known[1]
        entry = self._state.get(name, model)
        assert entry is not None
        self.index.parsed[name] = (raw, entry)
        return entry

    def put(self, name: str, entry: StateEntry) -> None:
        if name.startswith((DUE, RECIPES)) or name == CASE:
            self.index.cache.clear()
        self.keep(name, entry)

    def keep(self, name: str, entry: StateEntry) -> None:
        """As `put`, where nothing changes that decides on what is due."""
        if not self.has(name):
            self.index.add(name)
        self._changed[name] = entry

    def remove(self, name: str) -> None:
        if self.has(name):
            self.index.drop(name)
        self._changed[name] = None
        self._timers.pop(name, None)

    def has(self, name: str) -> bool:
        if name in self._changed:
            return self._changed[name] is not None
        return name in self._state.raw

    @property
    def case(self) -> CaseEntry:
        return self.get(CASE, CaseEntry) or CaseEntry()

    @property
    def zone(self) -> str:
        """Of what names none."""
        return self.case.time_zone or self.tenant.time_zone

    def anchor(self, name: str) -> Anchor | None:
        model = MODELS[name.split("/", 2)[1]]
        found: Anchor | None = self.get(name, model)
        return found

    # --- results

    def publish(self, topic: Topic[Any], message: Message) -> None:
        self._published.append(Publication(topic, message))

    def set_timer(self, name: str, at: datetime | None) -> None:
        self._timers[name] = at

    def show(self) -> None:
        """Something has changed that readers of the case see."""
        self.index.views = True

    def result(self) -> StepResult:
        return StepResult(dict(self._changed), tuple(self._published), dict(self._timers))

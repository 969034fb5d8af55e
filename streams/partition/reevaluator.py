"""Evaluate waiting entries again when the settings have changed: a walk over the state, one slice a
batch.

Waiting entries have timers, but only for what the clock can change.  Timers that fire now and then
would cost an evaluation each, for ever.  The walk costs one evaluation per change of settings, and
only for the tenants concerned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, NamedTuple

from streams.partition import changelog
from streams.processing import Settings, StateStore

SCANNED: Final = 5000
"""Entries looked at in one batch: a few milliseconds."""
REEVALUATED: Final = 200
"""Entries evaluated again in one batch, so that new records do not wait for the walk."""


class ReevaluateEntry(NamedTuple):
    """An entry to evaluate again; it keeps its timer, unless it is given another."""

    key: bytes
    """Its changelog key."""


class Reevaluator:
    def __init__(self, prefix: str | None) -> None:
        """`prefix`: how the names of waiting entries begin."""
        self.settled: str | None = None
        """The settings (`digest`) under which all that waits has been evaluated.  The changelog
        keeps it with the positions, so that we also see a change that was made while nobody had the
        partition."""
        self._prefix = prefix
        self._settings: Settings | None = None
        self._target = ""
        self._walk: Iterator[bytes | None] | None = None
        self._tenants: frozenset[str] | None = frozenset()

    @property
    def is_walking(self) -> bool:
        return self._walk is not None

    def follow_settings(self, settings: Settings, stores: Mapping[str, StateStore]) -> None:
        """Start a walk if the settings have changed.  Cheap if not: settings are replaced as a
        whole."""
        if self._prefix is None or settings is self._settings:
            return
        before = self._settings
        self._settings = settings
        self._target = digest(settings)
        if self._target == self.settled and not self.is_walking:
            return
        self._tenants = _tenants_concerned(
            self._tenants if self.is_walking else frozenset(), before, settings
        )
        self._walk = self._waiting(stores, self._prefix, self._tenants)

    def next_slice(self) -> list[ReevaluateEntry]:
        """The last slice sets `settled`, in the same transaction in which its entries are
        evaluated."""
        if self._walk is None:
            return []
        found: list[ReevaluateEntry] = []
        scanned = 0
        for key in islice(self._walk, SCANNED):
            scanned += 1
            if key is not None:
                found.append(ReevaluateEntry(key))
                if len(found) == REEVALUATED:
                    return found
        if scanned < SCANNED:
            self._walk = None
            self.settled = self._target
        return found

    @staticmethod
    def _waiting(
        stores: Mapping[str, StateStore], prefix: str, tenants: frozenset[str] | None
    ) -> Iterator[bytes | None]:
        for entity_key in list(stores):
            yield None
            if tenants is not None and entity_key.partition("/")[0] not in tenants:
                continue
            state = stores.get(entity_key)
            for name in list(state.raw) if state is not None else ():
                yield changelog.join_key(entity_key, name) if name.startswith(prefix) else None


def _tenants_concerned(
    pending: frozenset[str] | None, before: Settings | None, after: Settings
) -> frozenset[str] | None:
    """The tenants whose settings have changed, and those of a walk under way; None: any of them."""
    if pending is None or before is None:
        return None
    names = before.versions.keys() | after.versions.keys()
    tenants = {name for name in names if before.versions.get(name) != after.versions.get(name)}
    for name in before.senders.keys() | after.senders.keys():
        old = before.senders.get(name)
        new = after.senders.get(name)
        if old != new:
            tenants.update(*(sender.tenants for sender in (old, new) if sender is not None))
    return pending | tenants


def digest(settings: Settings) -> str:
    senders = {name: sender.model_dump_json() for name, sender in settings.senders.items()}
    state = sorted(settings.versions.items()), sorted(senders.items())
    return hashlib.sha256(repr(state).encode()).hexdigest()[:12]

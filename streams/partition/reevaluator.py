"""What waits, judged again because the settings have changed: a walk over the families, a slice a batch.

Rows that wait have wakes, but only for what the clock can change.  To wake them all now and then would cost as much as
judging them, for ever; this costs it once a change, and only for the tenants that it is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, NamedTuple

from streams.partition import changelog
from streams.processing import Settings, StateStore

SCANNED: Final = 5000
"""Names of rows looked at in one batch: a few milliseconds."""
AT_ONCE: Final = 200
"""Rows judged anew in one batch, so that what comes in meanwhile goes on."""


class ReevaluateEntry(NamedTuple):
    """A row to be judged anew; it keeps its wake, unless it is given another."""

    key: bytes


class Reevaluator:
    """`settled` names the settings under which everything that waits has been judged or is bound to be.  The changelog
    keeps it with the positions, so that a change is also seen that was made while nobody had the partition."""

    def __init__(self, prefix: str | None) -> None:
        self.settled: str | None = None
        self._prefix = prefix
        self._settings: Settings | None = None
        self._target = ""
        self._walk: Iterator[bytes | None] | None = None
        self._tenants: frozenset[str] | None = frozenset()

    @property
    def is_walking(self) -> bool:
        return self._walk is not None

    def follow_settings(self, settings: Settings, stores: Mapping[str, StateStore]) -> None:
        """Cheap where nothing has changed: a snapshot of the settings is replaced as a whole."""
        if self._prefix is None or settings is self._settings:
            return
        before, self._settings, self._target = self._settings, settings, digest(settings)
        if self._target == self.settled and not self.is_walking:
            return
        self._tenants = _more(self._tenants if self.is_walking else frozenset(), before, settings)
        self._walk = self._waiting(stores, self._prefix, self._tenants)

    def take(self) -> list[ReevaluateEntry]:
        """The last slice makes the settings settled: in the same transaction in which its rows are judged."""
        if self._walk is None:
            return []
        found, scanned = list[ReevaluateEntry](), 0
        for key in islice(self._walk, SCANNED):
            scanned += 1
            if key is not None:
                found.append(ReevaluateEntry(key))
                if len(found) == AT_ONCE:
                    return found
        if scanned < SCANNED:
            self._walk, self.settled = None, self._target
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
                yield changelog.join(entity_key, name) if name.startswith(prefix) else None


def _more(
    pending: frozenset[str] | None, before: Settings | None, after: Settings
) -> frozenset[str] | None:
    """Whose settings have changed, with those that a walk under way was about; None: anybody's may have."""
    if pending is None or before is None:
        return None
    names = before.versions.keys() | after.versions.keys()
    tenants = {name for name in names if before.versions.get(name) != after.versions.get(name)}
    for name in before.senders.keys() | after.senders.keys():
        old, new = before.senders.get(name), after.senders.get(name)
        if old != new:
            tenants.update(*(sender.tenants for sender in (old, new) if sender is not None))
    return pending | tenants


def digest(settings: Settings) -> str:
    senders = {name: sender.model_dump_json() for name, sender in settings.senders.items()}
    told = sorted(settings.versions.items()), sorted(senders.items())
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]

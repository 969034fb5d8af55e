"""Check that a tenant exists.

A misspelt name would go on record for good, or be answered as if nothing ever happened."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Collection
from pathlib import Path
from typing import Final, NamedTuple

from aiokafka.errors import KafkaError

from schemas.topics import SETTINGS
from services.ledger import Ledger, LedgerError
from services.ledger.location import locate_in
from services.ledger.topic_reader import TopicReaderError, open_reader
from services.operations.errors import InvalidRequest
from services.operations.topics import read_between

PATIENCE: Final = 5.0
"""Seconds to read the settings.  Where they cannot be had, the processor that reads the record has
the last word."""
_TRACES: Final = (
    "requests",
    "decisions",
    "outcomes",
    "usage",
    "alerts",
    "consent_events",
    "consent_log",
    "number_facts",
    "person_events",
    "case_events",
)
"""Tables with rows of a tenant whose settings are gone."""


def require_tenant_on_record(ledger: Ledger, tenant: str | None) -> None:
    """Raises InvalidRequest for a tenant that has neither settings nor any record.

    A ledger without any settings cannot tell: every name passes."""
    names = {row["tenant"] for row in ledger.rows("SELECT tenant FROM tenants")}
    if tenant is None or not names or tenant in names:
        return
    if not any(
        ledger.rows(f"SELECT 1 FROM {table} WHERE tenant = ? LIMIT 1", tenant) for table in _TRACES
    ):
        require_known(tenant, names)


def require_tenant_in(state: Path, tenant: str) -> None:
    """Check against the ledger of that folder, if there is one.  Raises InvalidRequest."""
    try:
        ledger = Ledger.open(locate_in(state), existing=True)
    except LedgerError:
        return
    try:
        require_tenant_on_record(ledger, tenant)
    finally:
        ledger.close()


def require_known(tenant: str, names: Collection[str]) -> None:
    """Raises InvalidRequest, with the nearest name."""
    if tenant in names:
        return
    if not names:
        raise InvalidRequest(
            f"There is no tenant {tenant!r}, nor any other yet", "sayso tenants apply FILE.yaml"
        )
    near = difflib.get_close_matches(tenant, names, 1, 0.6)
    hint = f"did you mean {near[0]!r}?" if near else "see `sayso tenants list`"
    raise InvalidRequest(f"There is no tenant {tenant!r}", hint)


class KnownTenants(NamedTuple):
    """Tenants with settings on Kafka; None if the settings cannot be read."""

    names: frozenset[str] | None = None
    topics: frozenset[str] | None = None
    """Every topic that Kafka has, as it was asked for them."""

    def require(self, *tenants: str) -> None:
        """Raises InvalidRequest.  Every name passes if the settings cannot be read."""
        for tenant in tenants if self.names is not None else ():
            require_known(tenant, self.names or ())


async def require_tenants(bootstrap: str, *tenants: str) -> None:
    """Check against the settings on Kafka.  Raises InvalidRequest."""
    (await read_tenants(bootstrap)).require(*tenants)


async def read_tenants(bootstrap: str) -> KnownTenants:
    has_settings: dict[str, bool] = {}
    try:
        async with asyncio.timeout(PATIENCE), open_reader(bootstrap, {SETTINGS.name}) as source:
            for entry in await read_between(source, await source.starts(), await source.ends()):
                tenant = (entry.key or b"").decode(errors="replace")
                has_settings[tenant] = entry.value is not None
    except (TopicReaderError, KafkaError, TimeoutError):
        return KnownTenants()
    names = frozenset(tenant for tenant, stands in has_settings.items() if stands)
    return KnownTenants(names, source.topics)

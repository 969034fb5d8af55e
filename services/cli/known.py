"""Is there such a tenant?  A misspelt name would go on record for good, or be answered as if nothing ever happened."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.ledger import Ledger

PATIENCE: Final = 5.0
"""Seconds for the settings; where they cannot be had, whoever judges what is written has the last word."""
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
)
"""Tables that tell of a tenant whose settings are gone."""


def must_know(bootstrap: str, *tenants: str) -> None:
    """Before something is written.  Raises Refused."""
    from services.cli.kafka import run

    found = run(_declared(bootstrap))
    if found is None:
        return
    for tenant in tenants:
        among(tenant, found)


def must_have(opened: Ledger, tenant: str | None) -> None:
    """Before something is read: one that has settings, or had them and has left traces.  A ledger without settings
    cannot tell.  Raises Refused."""
    names = {row["tenant"] for row in opened.rows("SELECT tenant FROM tenants")}
    if tenant is None or not names or tenant in names:
        return
    if not any(
        opened.rows(f"SELECT 1 FROM {table} WHERE tenant = ? LIMIT 1", tenant) for table in _TRACES
    ):
        among(tenant, names)


def must_have_in(state: Path, tenant: str) -> None:
    """By the ledger of that folder as it is, if there is one.  Raises Refused."""
    from services.ledger import Ledger, LedgerError
    from services.ledger.ledger import FILE

    try:
        opened = Ledger.open(state / FILE, existing=True)
    except LedgerError:
        return
    try:
        must_have(opened, tenant)
    finally:
        opened.close()


def among(tenant: str, names: Collection[str]) -> None:
    """Raises Refused."""
    if tenant in names:
        return
    if not names:
        raise Refused(
            f"There is no tenant {tenant!r}, nor any other yet: sayso tenants apply FILE.yaml"
        )
    near = difflib.get_close_matches(tenant, names, 1, 0.6)
    hint = f"did you mean {near[0]!r}?" if near else "see `sayso tenants list`"
    raise Refused(f"There is no tenant {tenant!r}: {hint}")


async def _declared(bootstrap: str) -> set[str] | None:
    """Those with settings on Kafka; None where that cannot be read."""
    from aiokafka.errors import KafkaError

    from schemas.topics import SETTINGS
    from services.cli.tail import between
    from services.ledger.source import SourceError, reading

    told: dict[str, bool] = {}
    try:
        async with asyncio.timeout(PATIENCE), reading(bootstrap, {SETTINGS.name}) as source:
            for entry in await between(source, await source.starts(), await source.ends()):
                told[(entry.key or b"").decode(errors="replace")] = entry.value is not None
    except (SourceError, KafkaError, TimeoutError):
        return None
    return {tenant for tenant, stands in told.items() if stands}

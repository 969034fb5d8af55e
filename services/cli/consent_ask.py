"""`sayso consent ask`: have a person asked to opt in, by hand, and hear whether that was done."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.consent_source import ConsentSource
from services.cli import options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from schemas.consent_event import ConsentEvent

PATIENCE = 15.0
"""Seconds until the gate has answered."""


def ask(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="With plus and country code.")],
    tenant: Annotated[str, typer.Option("--tenant", "-t", help="Who asks.")],
    sender: Annotated[
        str | None, typer.Option(help="From this sender; else the tenant's own.")
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Who wants it.")] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Ask a person once more to opt in, by text; the first request goes out by itself.

    At most one in 24 hours goes to a number, and none after an opt-out: then it is refused, and says why.

    Example: [cyan]sayso consent ask +12125550123 -t harbor --actor dana[/]
    """
    from schemas.consent_event import ConsentEvent
    from schemas.topics import CONSENT_EVENTS
    from services.cli.bar import waiting_for
    from services.cli.input import identity, message
    from services.cli.input import number as clean
    from services.cli.kafka import bootstrap_of, publish
    from services.cli.known import must_know
    from services.cli.screen import console

    event = message(
        ConsentEvent,
        event_id=identity("a"),
        tenant=tenant,
        number=clean("NUMBER", number),
        sender=sender,
        action="ask",
        source=ConsentSource.MANUAL,
        at=datetime.now(UTC),
        evidence={"actor": actor},
    )
    where = bootstrap_of(bootstrap, state)
    must_know(where, tenant)
    publish(where, CONSENT_EVENTS, [event])
    with waiting_for("waiting for the gate's answer"):
        answer = _answer(event, bootstrap, state)
    if answer is None:
        raise Refused(
            f"The gate has not answered yet; look again: sayso consent show {event.number} -t {tenant}",
            1,
        )
    if not answer["applied"]:
        raise Refused(f"Not asked: {answer['reason'].removeprefix('not asked: ')}", 1)
    said = str(answer["reason"])
    console().print(f"{said[:1].upper()}{said[1:]}.")


def _answer(event: ConsentEvent, bootstrap: str | None, state: Path) -> dict[str, Any] | None:
    """Its entry in the consent log, once there is one."""
    from services.cli.kafka import ledger

    sql = "SELECT json FROM consent_log WHERE number = ? AND tenant = ? ORDER BY off DESC"
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with ledger(bootstrap, state) as opened:
            entries = [
                json.loads(row["json"]) for row in opened.rows(sql, event.number, event.tenant)
            ]
        found = next((entry for entry in entries if entry["event_id"] == event.event_id), None)
        if found is not None:
            return dict(found)
        time.sleep(0.3)
    return None

"""`sayso alerts`: who must be called, because a text has not reached them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import options

if TYPE_CHECKING:
    from services.ledger.alerts import Standing

All = Annotated[bool, typer.Option("--all", help="Also those that nobody need act on any more.")]


def alerts(
    tenant: options.Tenant = None,
    everything: All = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """What is at stake, now that a text has not arrived: the most urgent first.

    Example: [cyan]sayso alerts --tenant harbor[/]
    """
    from services.cli.kafka import ledger
    from services.cli.masking import mask
    from services.cli.screen import console, print_json, table
    from services.ledger.alerts import alerts as raised
    from services.ledger.alerts import as_data

    now = datetime.now(UTC)
    with ledger(bootstrap, state, tenant) as opened:
        found = raised(opened, now, tenant, closed=everything)
    if as_json:
        plain = [as_data(standing) for standing in found]
        print_json(plain if unmask else mask(plain))
        return
    if not found:
        console().print("Nothing: no text that failed leaves anybody with something to do.")
        return
    columns = ("urgency", "left", "", "number", "of", "meaning", "message")
    console().print(table(None, columns, (_row(standing, now, unmask) for standing in found)))


def _row(standing: Standing, now: datetime, unmask: bool) -> tuple[str, ...]:
    from schemas.numbers import mask_number
    from services.cli.masking import mask_text
    from streams.reasons import span

    alert = standing.alert
    left = span(alert.before - now) if alert.before and alert.before > now else ""
    number = alert.to or ""
    urgent = standing.urgency if alert.open else "closed"
    says, because = alert.says, alert.because or ""
    if not unmask:
        number, says, because = mask_number(number), mask_text(says), mask_text(because)
    about = " ".join(filter(None, (alert.person_id, alert.case_id, alert.event_id)))
    return str(urgent), left, says, number, about, because, f"{alert.tenant}/{alert.message_id}"

"""`sayso usage --check`: our count of segments against the provider's."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Final

MOST: Final = 20
"""Messages shown of each list; `--json` has them all."""


def print_check(bootstrap: str | None, state: Path, tenant: str | None, as_json: bool) -> None:
    from services.cli.kafka import ledger
    from services.cli.screen import console, print_json, table
    from services.ledger.billing import checked, contradicted, differing

    most = None if as_json else MOST
    with ledger(bootstrap, state, tenant) as opened:
        sums = checked(opened, tenant)
        differ = list(islice(differing(opened, tenant), most))
        beside = list(islice(contradicted(opened, tenant), most))
    if as_json:
        print_json(
            sums._asdict()
            | {
                "messages": [one._asdict() for one in differ],
                "contradictions": [one._asdict() for one in beside],
            }
        )
        return
    screen = console()
    screen.print(
        f"{sums.out:,} messages are out; the provider has counted {sums.counted:,} of them: "
        f"{sums.predicted:,} segments predicted, {sums.billed:,} billed."
    )
    if sums.differ:
        title = f"{sums.differ:,} differ" + (f", the newest {MOST}" if sums.differ > MOST else "")
        screen.print(table(title, ("tenant", "message", "sender", "predicted#", "billed#"), differ))
    else:
        screen.print("Not one differs.", style="green")
    if sums.contradicted:
        title = f"{sums.contradicted:,} with reports that cannot both be true"
        rows = [(one.tenant, one.message_id, one.state, ", ".join(one.beside)) for one in beside]
        screen.print(table(title, ("tenant", "message", "stands as", "reported beside it"), rows))

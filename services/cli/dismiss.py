"""`sayso dismiss`: somebody has looked at a failed text, and nothing more is to be done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from services.cli import options, picking
from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.ledger.boxes import Item


def dismiss(
    message_ids: picking.Ids = None,
    tenant: options.Tenant = None,
    branch: picking.Branch = None,
    person: picking.Person = None,
    code: picking.Code = None,
    since: picking.Day = None,
    until: picking.Day = None,
    all_: picking.All = False,
    yes: picking.Yes = False,
    by: picking.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Take failed texts off the lists: out of the outbox, and no exclamation mark in the sentbox any more. What became
    of them stays on record.

    Example: [cyan]sayso dismiss m-20261121-120000-7f3a9c --by dana[/]
    """
    from schemas.dismissal import Dismissal
    from schemas.topics import DISMISSALS
    from services.cli.input import message
    from services.cli.kafka import bootstrap_of, ledger, publish
    from services.cli.screen import console, print_json
    from streams.mailboxes import Box

    pick = picking.Pick(message_ids, tenant, branch, person, code, since, until, all_)
    now, name = datetime.now(UTC), picking.who(by)
    with ledger(bootstrap, state, tenant) as opened:
        items = picking.picked(opened, pick, (Box.SENTBOX, Box.OUTBOX), now)
    failed = [item for item in items if _failed(item)]
    if pick.ids and (other := [item for item in items if item not in failed]):
        raise Refused(
            f"{other[0].message_id} is {other[0].state}: only what has failed can be dismissed", 1
        )
    if not failed:
        raise Refused("Nothing that matches has failed", 1)
    if not pick.ids and not yes:
        picking.confirmed("Dismiss", len(failed), lambda: None)
    said = [
        message(Dismissal, tenant=one.tenant, message_id=one.message_id, by=name, at=now)
        for one in failed
    ]
    publish(bootstrap_of(bootstrap, state), DISMISSALS, said)
    if as_json:
        print_json(
            [{"tenant": one.tenant, "message_id": one.message_id, "done": True} for one in failed]
        )
    else:
        console().print(f"{len(failed):,} dismissed.")


def _failed(item: Item) -> bool:
    from streams.mailboxes import FAILED_AFTER, FAILED_BEFORE

    return item.state in FAILED_BEFORE | FAILED_AFTER

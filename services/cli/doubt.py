"""`sayso doubt`: calls that were cut off, and nobody knows whether the text went out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from services.cli import as_whom, options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.ledger import Ledger
    from services.ledger.doubts import Doubt

app = typer.Typer(
    help="Texts of which nobody knows whether they went out, and what to do with them.",
    no_args_is_help=True,
)


STAYS = "it stays in doubt and may not be sent again: it was canceled, or its number has said STOP since"
DROPPED = {
    "unknown": "dropped: it is not sent again, and counts as unknown until the provider tells of it",
    "canceled": "dropped: the provider does not have it, so it counts as canceled",
}


class After(NamedTuple):
    """What dispatch made of it.  `done`: what was asked for is so."""

    state: str
    says: str
    done: bool


Which = Annotated[str, typer.Argument(metavar="MESSAGE_ID", help="As in sayso doubt list.")]


@app.command("list")
def show(
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """What is in doubt, since when and why, and what was found in the provider's list. The longest standing first.

    Example: [cyan]sayso doubt list[/]
    """
    from schemas.numbers import mask_number
    from services.cli.kafka import ledger
    from services.cli.masking import mask, mask_text
    from services.cli.screen import clock, console, print_json, table
    from services.ledger.doubts import doubts

    with ledger(bootstrap, state, tenant) as opened:
        found = doubts(opened, tenant)
    if as_json:
        plain = [one._asdict() for one in found]
        print_json(plain if unmask else mask(plain))
        return
    if not found:
        console().print("Nothing is in doubt.")
        return
    rows = [
        (
            f"{one.tenant}/{one.message_id}",
            one.to if unmask else mask_number(one.to),
            one.sender,
            clock(one.since)[:16],
            mask_text(
                f"{one.evidence}; found: {one.found}"
                if one.found
                else f"{one.evidence}; nothing found out yet"
            ),
        )
        for one in found
    ]
    console().print(
        table("In doubt", ("message", "number", "sender", "since (UTC)", "because"), rows)
    )


@app.command()
def resend(
    message_id: Which,
    tenant: options.Tenant = None,
    by: as_whom.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Send it again, if the gate still lets it: you take it upon you that it may arrive twice.

    The gate judges it afresh: consent, hours and caps of now. Exit code 1 if nobody has answered.

    Example: [cyan]sayso doubt resend m-20261121-120000-7f3a9c[/]
    """
    _resolve("resend", message_id, tenant, as_whom.whom(by), bootstrap, state, as_json)


@app.command()
def drop(
    message_id: Which,
    tenant: options.Tenant = None,
    by: as_whom.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Leave it as it is: it is not sent again, and counts as unknown until the provider tells of it.

    Exit code 1 if nobody has answered.

    Example: [cyan]sayso doubt drop m-20261121-120000-7f3a9c[/]
    """
    _resolve("drop", message_id, tenant, as_whom.whom(by), bootstrap, state, as_json)


def _resolve(
    action: Literal["resend", "drop"],
    message_id: str,
    tenant: str | None,
    by: str,
    bootstrap: str | None,
    state: Path,
    as_json: bool,
) -> None:
    from schemas.controls import Resolve
    from schemas.topics import DISPATCH_CONTROLS
    from services.cli.awaited import awaited
    from services.cli.kafka import bootstrap_of, ledger, publish
    from services.cli.screen import console, print_json

    where = bootstrap_of(bootstrap, state)
    with ledger(bootstrap, state, tenant) as opened:
        doubt = _one(opened, message_id, tenant)
        word = Resolve(
            sender=doubt.sender,
            tenant=doubt.tenant,
            message_id=message_id,
            attempt=doubt.attempt,
            action=action,
            by=by,
            at=datetime.now(UTC),
        )
        publish(where, DISPATCH_CONTROLS, [word])
        after = awaited(opened, where, lambda ledger: _after(ledger, doubt, action))
    if after is None:
        raise Refused(
            f"Asked to {action} it, and nobody has answered yet: is dispatch's worker running? (sayso lag)",
            1,
        )
    if as_json:
        print_json(
            {
                "tenant": doubt.tenant,
                "message_id": message_id,
                "action": action,
                "state": after.state,
                "says": after.says,
            }
        )
    else:
        console().print(f"[bold]{doubt.tenant}/{message_id}[/]: {after.says}")
        console().print(
            f"  sayso explain {message_id} --tenant {doubt.tenant}{options.same(state, bootstrap)}",
            style="cyan",
        )
    raise typer.Exit(0 if after.done else 1)


def _one(ledger: Ledger, message_id: str, tenant: str | None) -> Doubt:
    from services.ledger.doubts import doubts
    from services.ledger.standing import standings

    found = doubts(ledger, tenant, message_id)
    if len(found) > 1:
        raise Refused(
            f"{', '.join(one.tenant for one in found)} each doubt a {message_id!r}: say which with --tenant"
        )
    if found:
        return found[0]
    known = standings(ledger, message_id, tenant)
    if not known:
        raise Refused(
            f"No message {message_id!r} is on record" + (f" at {tenant}" if tenant else "")
        )
    raise Refused(
        f"{known[0].tenant}/{message_id} is not in doubt: it is {known[0].state or 'not judged yet'}"
    )


def _after(ledger: Ledger, doubt: Doubt, action: str) -> After | None:
    """None while dispatch has said nothing since."""
    from services.ledger.doubts import doubts
    from services.ledger.standing import standings
    from streams.lifecycle import MEANINGS, State

    still = doubts(ledger, doubt.tenant, doubt.message_id)
    if still and still[0].attempt == doubt.attempt:
        return After("in_doubt", STAYS, done=False) if still[0].reports > doubt.reports else None
    (now,) = standings(ledger, doubt.message_id, doubt.tenant)
    if now.state == State.IN_DOUBT:
        return None  # dispatch has told, and outcomes is about to
    if action == "drop":
        return After(
            now.state or "", DROPPED.get(now.state or "", f"it is {now.state} by now"), done=True
        )
    known = (
        MEANINGS[State(now.state)].words if now.state in set(State) else "not known to this version"
    )
    return After(now.state or "", f"taken up again: it is {now.state}: {known}", done=True)

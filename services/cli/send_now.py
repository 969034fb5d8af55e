"""`sayso send-now`: another look at what waits, another try of what failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from services.cli import options, picking
from services.cli.refused import Refused

if TYPE_CHECKING:
    from schemas.approval import Approval
    from services.cli.resending import Again
    from services.ledger import Ledger
    from services.ledger.boxes import Item


class Plan(NamedTuple):
    """What to do about a message: have it judged, or ask for it again, or neither, and why."""

    item: Item
    judge: Approval | None = None
    again: Again | None = None
    why_not: str = ""


def send_now(
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
    """Judge texts that wait again, now, and ask again for those that failed: those named, or all that match in the
    outbox, and in the sentbox where they failed.

    No rule is set aside: what waits for the morning, or for an approval, goes on waiting and says so.

    Example: [cyan]sayso send-now --code 30008 --since 2026-11-20[/]
    """
    from services.cli.answered import NO_ANSWER, told
    from services.cli.input import identity
    from services.cli.kafka import ledger
    from services.cli.resending import publish_again
    from streams.mailboxes import Box

    pick = picking.Pick(message_ids, tenant, branch, person, code, since, until, all_)
    now, name, batch = datetime.now(UTC), picking.who(by), identity("now")
    with ledger(bootstrap, state, tenant) as opened:
        items = picking.picked(opened, pick, (Box.SENTBOX, Box.OUTBOX), now)
        wanted = (
            items
            if pick.ids
            else [item for item in items if item.box is Box.OUTBOX or item.attention]
        )
        plans = [_plan(opened, item, f"{batch}-{n}", name, now) for n, item in enumerate(wanted, 1)]
    plans = plans if pick.ids else [plan for plan in plans if not plan.why_not]
    if not plans:
        raise Refused("Nothing that matches waits, or has failed", 1)
    if not pick.ids and not yes:
        picking.confirmed(
            "Send now", len(plans), lambda: _show([_row(plan, None) for plan in plans])
        )
    judged = told([plan.judge for plan in plans if plan.judge], bootstrap, state)
    publish_again([plan.again for plan in plans if plan.again], bootstrap, state)
    answers = {answer["approval_id"]: answer for answer in judged if answer}
    rows = [
        _row(plan, answers.get(plan.judge.approval_id, NO_ANSWER) if plan.judge else None)
        for plan in plans
    ]
    _tell(rows, as_json)


def _plan(ledger: Ledger, item: Item, approval_id: str, by: str, now: datetime) -> Plan:
    from schemas.approval import Approval
    from services.cli.input import message
    from services.cli.resending import Cannot, again
    from streams.lifecycle import State

    if item.state in (State.DELIVERED, State.READ):
        return Plan(
            item, why_not=f"{item.message_id} has arrived: to send it a second time, say resend"
        )
    if item.state is not State.HELD:
        found = again(ledger, item, None, by, now)
        return (
            Plan(item, why_not=found.why) if isinstance(found, Cannot) else Plan(item, again=found)
        )
    if not item.number:
        return Plan(
            item, why_not="It waits for a number: add one to the person, and it goes by itself"
        )
    judge = message(
        Approval,
        approval_id=approval_id,
        tenant=item.tenant,
        number=item.number,
        message_id=item.message_id,
        action="send_now",
        by=by,
        at=now,
    )
    return Plan(item, judge=judge)


def _row(plan: Plan, answer: dict[str, Any] | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "tenant": plan.item.tenant,
        "message_id": plan.item.message_id,
        "done": True,
    }
    if plan.again:
        name = plan.again.request.message_id
        return row | {"resent_as": name, "says": f"asked again as {name}"}
    if plan.judge and answer is None:
        return row | {"says": "is judged again"}
    if answer:
        return row | {
            "done": answer["applied"],
            "says": f"{answer['reason']} → {answer['next_step']}",
        }
    return row | {"done": False, "says": plan.why_not}


def _tell(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    from services.cli.screen import print_json

    print_json(rows) if as_json else _show(rows)
    undone = [row for row in rows if not row["done"]]
    if undone:
        raise Refused(
            f"{len(undone):,} of {len(rows):,} not done; the first: {undone[0]['says']}", 1
        )


def _show(rows: Sequence[dict[str, Any]]) -> None:
    from services.cli.screen import console, table

    console().print(
        table(None, ("message", ""), [(row["message_id"], row["says"]) for row in rows])
    )

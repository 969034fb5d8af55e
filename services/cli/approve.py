"""`sayso approve`, `sayso reject`: texts that wait for a branch's word."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from services.cli import options, picking
from services.cli.refused import Refused

if TYPE_CHECKING:
    from schemas.approval import Approval
    from services.ledger import Ledger
    from services.ledger.boxes import Item


class Text(NamedTuple):
    item: Item
    body: str


def approve(
    message_ids: picking.Ids = None,
    tenant: options.Tenant = None,
    branch: picking.Branch = None,
    person: picking.Person = None,
    since: picking.Day = None,
    until: picking.Day = None,
    all_: picking.All = False,
    yes: picking.Yes = False,
    by: picking.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Let texts go that wait for approval: those named, or all that match. Every other rule still counts.

    What is shown is what is approved: a text that has changed meanwhile is refused. The exit code is 0 when all were
    approved, 1 when some were not.

    Example: [cyan]sayso approve --branch court --since 2026-11-20[/]
    """
    pick = picking.Pick(message_ids, tenant, branch, person, None, since, until, all_)
    _decide("approve", pick, yes, picking.who(by), _Where(bootstrap, state, as_json, unmask))


def reject(
    message_ids: picking.Ids = None,
    tenant: options.Tenant = None,
    branch: picking.Branch = None,
    person: picking.Person = None,
    since: picking.Day = None,
    until: picking.Day = None,
    all_: picking.All = False,
    yes: picking.Yes = False,
    by: picking.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Say no to texts that wait: those named, or all that match. They are never sent.

    Example: [cyan]sayso reject m-20261121-120000-7f3a9c --by dana[/]
    """
    pick = picking.Pick(message_ids, tenant, branch, person, None, since, until, all_)
    _decide("reject", pick, yes, picking.who(by), _Where(bootstrap, state, as_json, unmask))


class _Where(NamedTuple):
    bootstrap: str | None
    state: Path
    as_json: bool
    unmask: bool


def _decide(action: str, pick: picking.Pick, yes: bool, by: str, where: _Where) -> None:
    from services.cli.answered import told
    from services.cli.kafka import ledger
    from services.cli.screen import console
    from streams.mailboxes import Box

    now = datetime.now(UTC)
    with ledger(where.bootstrap, where.state, pick.tenant) as opened:
        texts = [_text(opened, item) for item in picking.picked(opened, pick, (Box.READY,), now)]
    if not texts:
        raise Refused("Nothing that matches waits for approval", 1)
    if not pick.ids and not yes:
        picking.confirmed(
            action.capitalize(), len(texts), lambda: console().print(_seen(texts, where.unmask))
        )
    answers = told(approvals(action, texts, by, now), where.bootstrap, where.state)
    _tell(texts, answers, where)


def _text(ledger: Ledger, item: Item) -> Text:
    from services.ledger.asked import asked

    if not item.number:
        raise Refused(f"{item.message_id} waits for a number first: add one to the person")
    known = asked(ledger, item.tenant, item.message_id)
    if known is None:
        raise Refused(
            f"The text of {item.message_id} is not on record (any more): nobody can say what it is"
        )
    return Text(item, known.body)


def approvals(action: str, texts: Sequence[Text], by: str, now: datetime) -> list[Approval]:
    """Of the texts as they are shown."""
    from schemas.approval import Approval
    from services.cli.input import identity, message

    batch = identity("approval")
    return [
        message(
            Approval,
            approval_id=f"{batch}-{n}",
            tenant=text.item.tenant,
            number=text.item.number,
            message_id=text.item.message_id,
            action=action,
            by=by,
            at=now,
            body_sha256=hashlib.sha256(text.body.encode()).hexdigest(),
        )
        for n, text in enumerate(texts, 1)
    ]


def _seen(texts: Sequence[Text], unmask: bool) -> Any:
    from services.cli.boxes import shown_number
    from services.cli.screen import table

    rows = [
        (
            text.item.message_id,
            text.item.outcome.get("branch"),
            shown_number(text.item, unmask),
            text.body,
        )
        for text in texts
    ]
    return table(None, ("message", "branch", "to", "text"), rows)


def _tell(texts: Sequence[Text], answers: Sequence[dict[str, Any] | None], where: _Where) -> None:
    from services.cli.answered import NO_ANSWER
    from services.cli.boxes import shown_number
    from services.cli.screen import console, print_json, table

    became = [answer or NO_ANSWER for answer in answers]
    if where.as_json:
        print_json([_data(text, answer) for text, answer in zip(texts, became, strict=True)])
    else:
        rows = [
            (
                text.item.message_id,
                shown_number(text.item, where.unmask),
                text.body,
                answer.get("verdict") if answer["applied"] else "not done",
                f"{answer['reason']} → {answer['next_step']}",
            )
            for text, answer in zip(texts, became, strict=True)
        ]
        console().print(table(None, ("message", "to", "text", "now", "because"), rows))
    undone = [answer for answer in became if not answer["applied"]]
    if undone:
        raise Refused(
            f"{len(undone):,} of {len(texts):,} not done; the first: {undone[0]['reason']}", 1
        )


def _data(text: Text, answer: dict[str, Any]) -> dict[str, Any]:
    said = {
        name: answer.get(name)
        for name in ("approval_id", "applied", "verdict", "rule", "reason", "next_step")
    }
    return {
        "tenant": text.item.tenant,
        "message_id": text.item.message_id,
        "text": text.body,
        **said,
    }

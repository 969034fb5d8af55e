"""`sayso approve` and `sayso reject`: texts that wait for a branch to decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from services.cli import options
from services.cli.connection import find_bootstrap, operate, read_ledger
from services.cli.mailbox import confirm, format_number
from services.operations import approvals
from services.operations.errors import OperationFailed
from services.operations.selection import Selection, select_messages
from services.terminal import console, print_json, table
from streams.mailboxes import Box


class _Where(NamedTuple):
    """Which stack to act on, and how to print what came of it."""

    bootstrap: str | None
    state: Path
    as_json: bool
    unmask: bool


def approve(
    message_ids: options.MessageIds = None,
    tenant: options.Tenant = None,
    branch: options.Branch = None,
    person: options.Person = None,
    since: options.Day = None,
    until: options.Day = None,
    all_: options.All = False,
    yes: options.Yes = False,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Approve texts that wait: those you name, or all that match. Other rules still apply.

    You approve the text that is shown: one that has changed meanwhile is refused. The exit code
    is 0 when all were approved, 1 when some were not.

    Example: [cyan]sayso approve --branch court --since 2026-11-20[/]
    """
    selection = Selection(message_ids, tenant, branch, person, None, since, until, all_)
    _decide("approve", selection, yes, by, _Where(bootstrap, state, as_json, unmask))


def reject(
    message_ids: options.MessageIds = None,
    tenant: options.Tenant = None,
    branch: options.Branch = None,
    person: options.Person = None,
    since: options.Day = None,
    until: options.Day = None,
    all_: options.All = False,
    yes: options.Yes = False,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Reject texts that wait: those you name, or all that match. They are never sent.

    Example: [cyan]sayso reject m-20261121-120000-7f3a9c --by dana[/]
    """
    selection = Selection(message_ids, tenant, branch, person, None, since, until, all_)
    _decide("reject", selection, yes, by, _Where(bootstrap, state, as_json, unmask))


def _decide(action: str, selection: Selection, yes: bool, by: str | None, where: _Where) -> None:
    actor = options.read_actor(by)
    now = datetime.now(UTC)
    with read_ledger(where.bootstrap, where.state, selection.tenant) as ledger:
        items = select_messages(ledger, selection, (Box.READY,), now)
        texts = [approvals.read_waiting_text(ledger, item) for item in items]
        if not texts:
            raise OperationFailed("Nothing that matches waits for approval")
        if not selection.ids and not yes:
            confirm(action.capitalize(), len(texts), lambda: _print_texts(texts, where.unmask))
        built = approvals.build_approvals(action, [one.seen for one in texts], actor, now)
        answers = operate(
            find_bootstrap(where.bootstrap, where.state),
            lambda kafka: approvals.submit_approvals(kafka, ledger, built),
            waiting="waiting for the gate's answer",
        )
    _print_answers(texts, answers, where)


def _print_texts(texts: Sequence[approvals.WaitingText], unmask: bool) -> None:
    rows = [
        (
            text.item.message_id,
            text.item.outcome.get("branch"),
            format_number(text.item, unmask),
            text.body,
        )
        for text in texts
    ]
    console().print(table(None, ("message", "branch", "to", "text"), rows))


def _print_answers(
    texts: Sequence[approvals.WaitingText], answers: Sequence[dict[str, Any]], where: _Where
) -> None:
    pairs = list(zip(texts, answers, strict=True))
    if where.as_json:
        print_json([_as_data(text, answer) for text, answer in pairs])
    else:
        rows = [
            (
                text.item.message_id,
                format_number(text.item, where.unmask),
                text.body,
                answer.get("verdict") if answer["applied"] else "not done",
                f"{answer['reason']} → {answer['next_step']}",
            )
            for text, answer in pairs
        ]
        console().print(table(None, ("message", "to", "text", "now", "because"), rows))
    undone = [answer for answer in answers if not answer["applied"]]
    if undone:
        raise OperationFailed(
            f"{len(undone):,} of {len(texts):,} not done; the first: {undone[0]['reason']}"
        )


def _as_data(text: approvals.WaitingText, answer: dict[str, Any]) -> dict[str, Any]:
    names = ("approval_id", "applied", "verdict", "rule", "reason", "next_step")
    return {
        "tenant": text.item.tenant,
        "message_id": text.item.message_id,
        "text": text.body,
        **{name: answer.get(name) for name in names},
    }

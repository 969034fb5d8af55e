"""`sayso resend`, `sayso send-now` and `sayso dismiss`: act on texts that failed or wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from services.cli import options
from services.cli.connection import find_bootstrap, operate, read_ledger
from services.cli.mailbox import confirm
from services.operations import resend_plan
from services.operations.approvals import build_dismissals, select_failed, submit_approvals
from services.operations.approvals import dismiss as publish_dismissals
from services.operations.errors import OperationFailed
from services.operations.selection import Selection, select_messages
from services.operations.session import Session
from services.operations.validation import parse_recipient
from services.terminal import console, markup, print_json, table


def resend(
    message_id: options.MessageId,
    number: Annotated[
        str | None,
        typer.Option(
            "--number",
            metavar="NUMBER",
            help="Send to this number instead, and correct it on the person's record.",
        ),
    ] = None,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Resend a text that was sent, failed or was refused, as a new request.

    The gate evaluates it like any other. Where the person is on record, a new number replaces the
    old one there, and later texts go to it too.

    Example: [cyan]sayso resend m-20261121-120000-7f3a9c --number +12125550123[/]
    """
    to = parse_recipient("--number", number) if number else None
    actor = options.read_actor(by)
    now = datetime.now(UTC)
    with read_ledger(bootstrap, state, tenant) as ledger:
        (item,) = select_messages(ledger, Selection([message_id], tenant), (), now)
        plan = resend_plan.plan_resend(ledger, item, to, actor, now)
    if isinstance(plan, resend_plan.NoResend):
        raise OperationFailed(plan.why)
    operate(
        find_bootstrap(bootstrap, state), lambda kafka: resend_plan.publish_resends(kafka, [plan])
    )
    new_id = plan.request.message_id
    if as_json:
        print_json(
            {
                "tenant": item.tenant,
                "message_id": new_id,
                "resend_of": message_id,
                "record_corrected": plan.event is not None,
            }
        )
        return
    screen = console()
    if plan.event is not None:
        words = "The number is corrected on the record of [bold]{}[/]."
        screen.print(markup(words, plan.event.person_id))
    same = options.repeat_options(state, bootstrap)
    screen.print(markup("Resent as [bold]{}[/]. To see what became of it:", new_id))
    screen.print(f"  sayso explain {new_id} --tenant {item.tenant}{same}", style="cyan")


def send_now(
    message_ids: options.MessageIds = None,
    tenant: options.Tenant = None,
    branch: options.Branch = None,
    person: options.Person = None,
    code: options.Code = None,
    since: options.Day = None,
    until: options.Day = None,
    all_: options.All = False,
    yes: options.Yes = False,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Evaluate texts that wait once more, and resend those that failed.

    Name messages, or select from the outbox, and from the sentbox what failed there. No rule is
    skipped: what waits for the morning, or for an approval, goes on waiting and says so.

    Example: [cyan]sayso send-now --code 30008 --since 2026-11-20[/]
    """
    selection = Selection(message_ids, tenant, branch, person, code, since, until, all_)
    actor = options.read_actor(by)
    with read_ledger(bootstrap, state, tenant) as ledger:
        plans = resend_plan.plan_send_now(ledger, selection, actor, datetime.now(UTC))
        if not plans:
            raise OperationFailed("Nothing that matches waits, or has failed")
        if not selection.ids and not yes:
            rows = [_row(plan, None) for plan in plans]
            confirm("Send now", len(plans), lambda: _print_rows(rows))
        approvals = [plan.approval for plan in plans if plan.approval]
        resends = [plan.resend for plan in plans if plan.resend]

        async def send_all(kafka: Session) -> list[dict[str, Any]]:
            answers = await submit_approvals(kafka, ledger, approvals)
            await resend_plan.publish_resends(kafka, resends)
            return answers

        answers = []
        if approvals or resends:
            answers = operate(
                find_bootstrap(bootstrap, state), send_all, waiting="waiting for the gate's answer"
            )
    by_id = {
        approval.approval_id: answer for approval, answer in zip(approvals, answers, strict=True)
    }
    rows = [
        _row(plan, by_id[plan.approval.approval_id] if plan.approval else None) for plan in plans
    ]
    if as_json:
        print_json(rows)
    else:
        _print_rows(rows)
    undone = [row for row in rows if not row["done"]]
    if undone:
        raise OperationFailed(
            f"{len(undone):,} of {len(rows):,} not done; the first: {undone[0]['says']}"
        )


def _row(plan: resend_plan.SendNow, answer: dict[str, Any] | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "tenant": plan.item.tenant,
        "message_id": plan.item.message_id,
        "done": True,
    }
    if plan.resend:
        name = plan.resend.request.message_id
        return row | {"resent_as": name, "says": f"resent as {name}"}
    if answer:
        says = f"{answer['reason']} → {answer['next_step']}"
        return row | {"done": answer["applied"], "says": says}
    if plan.approval:
        return row | {"says": "is evaluated again"}
    return row | {"done": False, "says": plan.why_not}


def _print_rows(rows: Sequence[dict[str, Any]]) -> None:
    cells = [(row["message_id"], row["says"]) for row in rows]
    console().print(table(None, ("message", ""), cells))


def dismiss(
    message_ids: options.MessageIds = None,
    tenant: options.Tenant = None,
    branch: options.Branch = None,
    person: options.Person = None,
    code: options.Code = None,
    since: options.Day = None,
    until: options.Day = None,
    all_: options.All = False,
    yes: options.Yes = False,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Take failed texts off the lists; what became of them stays on record.

    They leave the outbox, and lose their exclamation mark in the sentbox.

    Example: [cyan]sayso dismiss m-20261121-120000-7f3a9c --by dana[/]
    """
    selection = Selection(message_ids, tenant, branch, person, code, since, until, all_)
    actor = options.read_actor(by)
    now = datetime.now(UTC)
    with read_ledger(bootstrap, state, tenant) as ledger:
        failed = select_failed(ledger, selection, now)
    if not selection.ids and not yes:
        confirm("Dismiss", len(failed), lambda: None)
    dismissals = build_dismissals(failed, actor, now)
    operate(find_bootstrap(bootstrap, state), lambda kafka: publish_dismissals(kafka, dismissals))
    if as_json:
        print_json(
            [{"tenant": one.tenant, "message_id": one.message_id, "done": True} for one in failed]
        )
    else:
        console().print(f"{len(failed):,} dismissed.")

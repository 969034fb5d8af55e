"""What the demo prints in the end: usage, an example of each outcome, staff's work, the checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from schemas.numbers import mask_number, mask_text
from services.ledger import Ledger
from services.ledger.mailbox import MailboxFilter, MailboxItem, find_messages
from services.ledger.message_status import find_request
from services.ledger.usage import UsageFilter, UsageReport, read_usage
from services.local.demo.checks import Check, read_calls, run_checks
from services.local.demo.run import Plan, RunResult, Scene
from services.local.demo.staff import ACTOR, StaffActions
from services.local.demo.story_checks import check_story
from services.local.demo.story_lines import StoryLine, describe_story
from services.operations.usage_report import SUMS, as_data, sum_rows
from services.terminal import color_word, table
from streams.error_codes import lookup


class OutcomeExample(NamedTuple):
    """One message of each outcome, and why."""

    state: str
    code: str
    """The provider's code or, where the gate decided, the first rule that did."""
    messages: int
    """How many ended like it, with this one."""
    message_id: str
    why: str
    """The meaning of the code, or what the gate found."""
    next_step: str


class Report(NamedTuple):
    result: RunResult
    usage: UsageReport
    outcomes: list[OutcomeExample]
    staff_lines: list[RenderableType]
    story_lines: list[StoryLine]
    checks: list[Check]

    @property
    def ok(self) -> bool:
        return self.result.settled and all(check.holds for check in self.checks)

    def as_data(self) -> dict[str, Any]:
        result = self.result
        return {
            "ok": self.ok,
            "requests": result.requests,
            "started": result.started,
            "seconds": round(result.seconds, 2),
            "verdicts": result.counters.verdicts,
            "states": result.counters.states,
            "staff": result.staff._asdict(),
            "story": [line._asdict() for line in self.story_lines],
            "usage": as_data(self.usage)["rows"],
            "fates": [outcome._asdict() for outcome in self.outcomes],
            "checks": [check._asdict() for check in self.checks],
        }


def build_report(plan: Plan, result: RunResult, scene: Scene, journal: Path) -> Report:
    tenant, ledger = plan.tenant, scene.ledger
    calls = read_calls(journal, tenant)
    story = result.story
    main = run_checks(ledger, calls, plan.fixtures, tenant, result.staff, story.identities)
    return Report(
        result,
        read_usage(ledger, UsageFilter(tenant)),
        summarize_outcomes(ledger, tenant),
        list(_describe_staff_actions(ledger, tenant, result.staff)),
        list(describe_story(ledger, story)),
        [*main, *check_story(ledger, scene.mails, calls, story)],
    )


def summarize_outcomes(ledger: Ledger, tenant: str) -> list[OutcomeExample]:
    examples: dict[tuple[str, str], OutcomeExample] = {}
    sql = """SELECT message_id, json FROM outcomes WHERE tenant = ?
        ORDER BY state, error_code, message_id"""
    for row in ledger.rows(sql, tenant):
        example = _describe_outcome(ledger, tenant, row["message_id"], json.loads(row["json"]))
        key = (example.state, example.code)
        if key in examples:
            earlier = examples[key]
            examples[key] = earlier._replace(messages=earlier.messages + 1)
        else:
            examples[key] = example
    return list(examples.values())


def _describe_outcome(
    ledger: Ledger, tenant: str, message_id: str, outcome: dict[str, str]
) -> OutcomeExample:
    state = outcome["state"]
    if code := outcome.get("error_code"):
        title = outcome.get("error_title") or ""
        return OutcomeExample(state, code, 1, message_id, title, outcome.get("next_step") or "")
    finding = _read_deciding_finding(ledger, tenant, message_id)
    if finding is None:
        return OutcomeExample(state, "", 1, message_id, "nothing was against it", "")
    next_step = finding.get("next_step") or ""
    return OutcomeExample(state, finding["rule"], 1, message_id, finding["reason"], next_step)


def _read_deciding_finding(ledger: Ledger, tenant: str, message_id: str) -> dict[str, Any] | None:
    """The first finding with the verdict of the last decision."""
    sql = "SELECT json FROM decisions WHERE tenant = ? AND message_id = ? ORDER BY seq DESC LIMIT 1"
    for row in ledger.rows(sql, tenant, message_id):
        decision = json.loads(row["json"])
        for finding in decision.get("findings", ()):
            if finding["verdict"] == decision["verdict"]:
                return dict(finding)
    return None


def _describe_staff_actions(
    ledger: Ledger, tenant: str, actions: StaffActions
) -> Iterator[RenderableType]:
    """An approval, a failed text with its next steps, and where it went then."""
    wanted = MailboxFilter(tenant, ids=tuple(actions.identities))
    items = {item.message_id: item for item in find_messages(ledger, wanted, datetime.now(UTC))}
    for word, name in (("approved", actions.approved), ("rejected", actions.rejected)):
        if name in items:
            state = color_word(items[name].state)
            yield Text.assemble(f"{ACTOR} {word} ", (name, "bold"), ", which is ", state, ":")
            yield _indent(_read_body(ledger, items[name]))
    if actions.failed in items:
        yield from _describe_failure(items[actions.failed])
    if actions.resent in items:
        resent = items[actions.resent]
        yield Text.assemble(
            "Resent as ",
            (actions.resent, "bold"),
            f" to {mask_number(resent.number or '')}, which is ",
            color_word(resent.state),
            "; the number is corrected on their record.",
        )


def _read_body(ledger: Ledger, item: MailboxItem) -> str:
    request = find_request(ledger, item.tenant, item.message_id)
    return request.body if request else ""


def _describe_failure(item: MailboxItem) -> Iterator[RenderableType]:
    """What the code means, and what to do, step by step."""
    code = lookup(item.outcome.get("error_code") or "")
    yield Text.assemble(
        (item.message_id, "bold"),
        f" to {mask_number(item.number or '')} is ",
        color_word(item.state),
        f" with code {code.code}: {code.title}",
    )
    steps = (f"  {n}. {step}" for n, step in enumerate(code.steps, 1))
    yield from map(_indent, (code.description, "What to do", *steps))


def print_report(console: Console, report: Report, state: Path) -> None:
    columns = ("sender", "day", "kind", "state", "code")
    console.print()
    console.print(table("Usage", (*columns, *SUMS), sum_rows(report.usage.rows, columns)))
    console.print()
    _print_outcomes(console, report.outcomes)
    console.print("\nStaff at work", style="bold")
    for line in report.staff_lines:
        console.print(line)
    console.print("\nA law office's cases", style="bold")
    for told in report.story_lines:
        console.print(Text.assemble((told.who, "bold"), f": {mask_text(told.says)}"))
    console.print()
    _print_checks(console, report)
    _print_speed(console, report.result)
    console.print("\nLook further:", style="bold")
    for command in _suggest_commands(report):
        console.print(f"  sayso {command} --state {state}", style="cyan")


def _print_outcomes(console: Console, outcomes: list[OutcomeExample]) -> None:
    console.print("One message of each outcome", style="bold")
    for outcome in outcomes:
        more = f", and {outcome.messages - 1:,} more like it" if outcome.messages > 1 else ""
        code = "" if outcome.code == outcome.state else outcome.code
        separator = f" {code}: " if code else ": "
        console.print(
            Text.assemble(color_word(outcome.state), separator, (outcome.message_id, "bold"), more)
        )
        for line in (outcome.why, f"Next: {outcome.next_step}" if outcome.next_step else ""):
            if line:
                console.print(_indent(mask_text(line)))


def _print_checks(console: Console, report: Report) -> None:
    for check in report.checks:
        mark = ("✓ ", "green") if check.holds else ("✗ ", "bold red")
        console.print(Text.assemble(mark, check.says))
    if not report.result.settled:
        counts = report.result.counters.line()
        sentence = f"Not everything came to rest in time: {counts}."
        console.print(Text.assemble(("✗ ", "bold red"), sentence))


def _print_speed(console: Console, result: RunResult) -> None:
    rate = result.messages / result.seconds
    console.print(
        f"{result.messages:,} messages in {result.seconds:.1f} s, {rate:,.0f} a second before staff"
        " went to work."
    )


def _suggest_commands(report: Report) -> list[str]:
    examples = {outcome.state: outcome.message_id for outcome in report.outcomes}
    states = [state for state in ("undelivered", "rejected", "delivered") if state in examples]
    return [
        *(f"explain {examples[state]}" for state in states[:2]),
        f"case show {report.result.story.story.joint_case}",
        "console",
        "inbox",
        "mail",
        "box outbox --attention",
        "usage --state-is undelivered",
        "senders list",
    ]


def _indent(text: str) -> RenderableType:
    return Padding(text, (0, 0, 0, 4), expand=False)

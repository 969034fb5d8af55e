"""Check the ledger against those who were texted: the simulator's own journal is the witness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NamedTuple

from schemas.numbers import mask_number
from services.ledger import Ledger
from services.ledger.usage import UsageFilter, count_system_messages, read_usage
from services.local.demo.fixtures import Fixtures
from services.local.demo.staff import StaffActions
from services.local.simulator.journal import read_entries
from services.operations.usage_report import reconcile
from streams.lifecycle import STATE_INFO, Group

Calls = list[dict[str, Any]]
"""Create calls, as the journal has them."""


class Check(NamedTuple):
    holds: bool
    says: str
    """A whole sentence, with the counts."""


def run_checks(
    ledger: Ledger,
    calls: Calls,
    fixtures: Fixtures,
    tenant: str,
    actions: StaffActions,
    of_cases: AbstractSet[str] = frozenset(),
) -> list[Check]:
    """`of_cases`: ids of the texts that the story's cases request."""
    fixtures = fixtures._replace(later=frozenset(actions.identities | of_cases))
    accepted = [_id(call) for call in calls if call["outcome"] == "taken"]
    twice = [name for name, count in Counter(accepted).items() if count > 1]
    return [
        *_check_reconciliation(ledger, fixtures, tenant),
        _check_opt_in_requests(calls, fixtures),
        _check_same(set(accepted), _read_sent(ledger, tenant)),
        _check_none("texts went out twice", twice),
        _check_none("people were texted without their yes", _without_consent(calls, fixtures)),
        _check_none("people were texted after their STOP", _after_stop(calls, fixtures)),
        *_check_staff(calls, accepted, actions, fixtures.clients[1].number),
    ]


def _check_reconciliation(ledger: Ledger, fixtures: Fixtures, tenant: str) -> list[Check]:
    found = read_usage(ledger, UsageFilter(tenant))
    balance = reconcile(found)
    reported: Counter[str] = Counter()
    for row in found.rows:
        reported[row.state] += row.messages
    counted = {state: count for state, count in found.by_state.items() if count}
    own = count_system_messages(ledger, tenant)
    is_same = dict(reported) == counted
    return [
        Check(
            found.requested == len(fixtures.identities) + own,
            f"Asked for {len(fixtures.identities):,} texts, and Sayso started {own:,} itself;"
            f" the ledger has {found.requested:,}.",
        ),
        Check(balance.unaccounted == 0, balance.sentence),
        Check(
            is_same,
            f"The usage report counts {reported.total():,} messages, a recount of the outcomes"
            f" {sum(counted.values()):,}, the same in every state."
            if is_same
            else f"The usage report says {dict(reported)}, the outcomes {counted}.",
        ),
    ]


def _check_opt_in_requests(calls: Calls, fixtures: Fixtures) -> Check:
    """Whoever was never asked, and nobody else, is asked once."""
    texts = Counter(
        call["number"]
        for call in calls
        if _id(call).startswith("ask-") and call["outcome"] == "taken"
    )
    wanted = Counter(fixtures.numbers("says START", "never answers"))
    return Check(
        texts == wanted,
        f"{texts.total():,} opt-in requests went to {len(texts):,} people,"
        f" of {len(wanted):,} who had never been asked.",
    )


def _check_same(accepted: set[str], sent: set[str]) -> Check:
    counts = (
        f"Texts that the provider took: {len(accepted):,};"
        f" messages that the ledger says are out: {len(sent):,}"
    )
    if accepted == sent:
        return Check(True, f"{counts}, the very same.")
    examples = sorted(accepted ^ sent)[:5]
    return Check(False, f"{counts}; they differ in {', '.join(examples)}.")


def _check_none(what: str, found: list[str]) -> Check:
    if not found:
        return Check(True, f"No {what}.")
    return Check(False, f"{len(found)} {what}: {', '.join(found[:5])}.")


def _check_staff(
    calls: Calls, accepted: list[str], actions: StaffActions, right_number: str
) -> list[Check]:
    """One text approved, one rejected, and one that failed and was resent to the right number."""
    approved, rejected, failed, resent = actions
    resent_to = [call["number"] for call in calls if _id(call) == resent]
    went_right = resent_to == [right_number]
    return [
        Check(
            accepted.count(approved) == 1,
            f"What was approved ({approved}) went out once."
            if approved in accepted
            else f"What was approved ({approved}) never went.",
        ),
        Check(
            rejected not in accepted,
            f"What was rejected ({rejected}) went out all the same."
            if rejected in accepted
            else f"What was rejected ({rejected}) never went.",
        ),
        Check(
            bool(resent) and went_right,
            f"What had failed ({failed}) was resent to the corrected number."
            if went_right
            else f"What had failed ({failed}) was not resent to the corrected number.",
        ),
    ]


def read_calls(journal: Path, tenant: str) -> Calls:
    """The tenant's."""
    if not journal.exists():
        return []
    return [
        entry
        for entry in read_entries(journal)
        if entry["event"] == "create" and entry["callback"].get("tenant") == tenant
    ]


def _read_sent(ledger: Ledger, tenant: str) -> set[str]:
    out = {state.value for state, meaning in STATE_INFO.items() if meaning.group is Group.OUT}
    rows = ledger.rows("SELECT message_id, state FROM outcomes WHERE tenant = ?", tenant)
    return {row["message_id"] for row in rows if row["state"] in out}


def _without_consent(calls: Calls, fixtures: Fixtures) -> list[str]:
    """Whoever has not said yes may get the opt-in request only. After it some say yes."""
    said_yes = fixtures.numbers("agreed", "says STOP", "cannot be reached", "client")
    others = [call for call in calls if call["number"] not in said_yes]
    first = {call["number"]: _id(call) for call in reversed(others)}
    got_request_first = {number for number, name in first.items() if name in fixtures.identities}
    got_request = {call["number"] for call in others if _id(call) in fixtures.identities}
    wrong = got_request_first | (got_request - fixtures.numbers("says START"))
    return sorted(mask_number(number) for number in wrong)


def _after_stop(calls: Calls, fixtures: Fixtures) -> list[str]:
    """Whoever answers STOP answers their first text. The others were requested after that.

    The confirmation of the STOP is no such text.
    """
    stopped = fixtures.numbers("says STOP")
    texts = Counter(
        call["number"]
        for call in calls
        if call["number"] in stopped and _id(call) in fixtures.identities
    )
    return sorted(mask_number(number) for number, count in texts.items() if count > 1)


def _id(call: dict[str, Any]) -> str:
    return str(call["callback"]["message_id"])

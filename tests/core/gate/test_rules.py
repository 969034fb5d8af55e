"""The table of rules agrees with what is declared of them, and with what they find."""

from __future__ import annotations

from schemas.decision import Verdict
from streams.gate.rules import CHECKS, RULES
from streams.rule_names import HOLDS, RuleName
from tests.core.gate import test_evaluation
from tests.core.gate.cases import context

OF_OTHERS = {
    RuleName.NO_NUMBER,
    RuleName.SENDER_CROWDED,
    RuleName.READY,
    RuleName.APPROVED,
    RuleName.NOT_APPROVED,
    RuleName.CANCELED,
    RuleName.WITHDRAWN,
    RuleName.REPLACED,
    RuleName.TEST_MODE,
}
"""Findings that no rule of the table makes."""


def test_every_name_has_its_rule_in_the_same_order() -> None:
    assert [rule.name for rule in RULES] == [name for name in RuleName if name not in OF_OTHERS]
    assert [rule.check for rule in RULES] == list(CHECKS)


def test_a_rule_says_what_its_holds_wait_for() -> None:
    by_name = {rule.name: rule for rule in RULES}
    quiet = by_name[RuleName.QUIET_HOURS]
    assert (quiet.holds_for, quiet.ended_by) == ("hours", "clock")
    assert (by_name[RuleName.STALE].holds_for, by_name[RuleName.STALE].ended_by) == (None, None)
    assert set(HOLDS) <= set(RuleName)


def test_what_holds_is_declared() -> None:
    """Over the table of cases: a rule finds under its own name, and holds only if it says so."""
    given = [param.values[0] for param in test_evaluation.CASES] + [context()]
    for one in given:
        for rule in RULES:
            found = rule.check(one)
            if found is None:
                continue
            assert found.rule in (rule.name, RuleName.APPROVED)
            assert found.verdict is not Verdict.HOLD or rule.holds_for is not None

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.consent import ConsentState
from schemas.decision import Verdict
from streams.gate.rule_context import RuleContext
from streams.gate.rules import evaluate
from tests.core.gate.cases import (
    BRANCH,
    DAY,
    FOREIGN,
    HOUR,
    NOON,
    SECOND,
    SHARED,
    context,
    settings,
)

UNKNOWN, OUT = ConsentState.UNKNOWN, ConsentState.OPTED_OUT
SEND, HOLD, REJECT, EXPIRE = Verdict.SEND, Verdict.HOLD, Verdict.REJECT, Verdict.EXPIRE


def without_settings(given: RuleContext) -> RuleContext:
    return given._replace(tenant=None, sender="", senders={})


CASES: list[Any] = [
    pytest.param(context(), SEND, [], id="consented"),
    pytest.param(context(consent=UNKNOWN), HOLD, ["not_opted_in"], id="nothing known"),
    pytest.param(context(consent=OUT), REJECT, ["opted_out"], id="said STOP"),
    pytest.param(
        context(known={"unreadable_ms": 1}),
        HOLD,
        ["consent_unreadable"],
        id="something unreadable",
    ),
    pytest.param(
        without_settings(context()), REJECT, ["unknown_tenant"], id="a tenant without settings"
    ),
    pytest.param(context(kind="poem"), REJECT, ["unknown_kind"], id="a kind nobody knows"),
    pytest.param(context(kind="test"), SEND, [], id="a test to somebody who opted in"),
    pytest.param(
        context(kind="test", consent=UNKNOWN),
        REJECT,
        ["not_opted_in", "consent_for_tests"],
        id="a test",
    ),
    pytest.param(
        context(known={"sms_enabled": False}), REJECT, ["not_sms_enabled"], id="switched off"
    ),
    pytest.param(context(known={"landline": True}), REJECT, ["not_sms_enabled"], id="a landline"),
    pytest.param(
        context(known={"suppressed": True}),
        REJECT,
        ["not_sms_enabled"],
        id="the provider does not text it",
    ),
    pytest.param(
        context(known={"doubtful": True}),
        SEND,
        ["doubtful_number"],
        id="not reached on several days",
    ),
    pytest.param(
        context(known={"type": "pager"}),
        REJECT,
        ["not_sms_enabled"],
        id="a pager, says the carrier",
    ),
    pytest.param(context(known={"type": "mobile", "sms_enabled": True}), SEND, [], id="a mobile"),
    pytest.param(context(to="4155550100"), REJECT, ["invalid_number"], id="no plus"),
    pytest.param(context(to="+442079460958"), REJECT, ["region_not_allowed"], id="abroad"),
    pytest.param(
        context(to="+442079460958", policy={"regions": ("GB",)}), SEND, [], id="abroad, as wished"
    ),
    pytest.param(context(body=""), REJECT, ["bad_body"], id="empty"),
    pytest.param(context(body=" \n\u00a0"), REJECT, ["bad_body"], id="blank"),
    pytest.param(context(body="x" * 1600), SEND, [], id="1,600 characters"),
    pytest.param(context(body="x" * 1601), REJECT, ["bad_body"], id="1,601 characters"),
    pytest.param(context(body="a\0b"), REJECT, ["bad_body"], id="NUL"),
    pytest.param(context(sender=SHARED), SEND, [], id="a shared sender"),
    pytest.param(context(branch="south"), SEND, [], id="the branch's sender"),
    pytest.param(
        context(sender=FOREIGN), REJECT, ["sender_not_allowed"], id="another tenant's sender"
    ),
    pytest.param(context(sender="nobody"), REJECT, ["sender_not_allowed"], id="no such sender"),
    pytest.param(context(requested_at=NOON - 7 * DAY), SEND, [], id="seven days old"),
    pytest.param(
        context(requested_at=NOON - 7 * DAY - SECOND),
        REJECT,
        ["stale"],
        id="older than seven days",
    ),
    pytest.param(
        context(requested_at=NOON - 7 * DAY, received=NOON, now=NOON + 20 * DAY),
        SEND,
        [],
        id="held, not stale",
    ),
    pytest.param(context(requested_at=NOON + DAY), SEND, [], id="a clock a day ahead"),
    pytest.param(
        context(requested_at=NOON + DAY + SECOND),
        REJECT,
        ["requested_in_future"],
        id="further ahead",
    ),
    pytest.param(context(valid_until=NOON + SECOND), SEND, [], id="still valid"),
    pytest.param(context(valid_until=NOON), EXPIRE, ["expired"], id="no longer valid"),
    pytest.param(
        context(received=NOON - 30 * DAY, requested_at=NOON - 30 * DAY),
        EXPIRE,
        ["held_too_long"],
        id="30",
    ),
    pytest.param(
        context(received=NOON - 30 * DAY, requested_at=NOON - 30 * DAY, not_before=NOON - DAY),
        SEND,
        [],
        id="scheduled for yesterday",
    ),
    pytest.param(context(not_before=NOON), SEND, [], id="scheduled for now"),
    pytest.param(context(not_before=NOON + HOUR), HOLD, ["not_before"], id="scheduled for later"),
    pytest.param(
        context(consent=OUT, to="123", body=""),
        REJECT,
        ["opted_out", "invalid_number", "bad_body"],
        id="consent is named before form",
    ),
    pytest.param(
        context(consent=UNKNOWN, body=""),
        REJECT,
        ["not_opted_in", "bad_body"],
        id="strictest wins, all reasons kept",
    ),
    pytest.param(
        context(consent=OUT, valid_until=NOON),
        EXPIRE,
        ["opted_out", "expired"],
        id="too late for a no to matter",
    ),
]


@pytest.mark.parametrize(("given", "verdict", "rules"), CASES)
def test_decide(given: RuleContext, verdict: Verdict, rules: list[str]) -> None:
    ruling = evaluate(given)
    assert (ruling.verdict, [found.rule for found in ruling.findings]) == (verdict, rules)


@pytest.mark.parametrize(
    ("given", "until"),
    [
        pytest.param(context(not_before=NOON + HOUR), NOON + HOUR, id="the clock alone"),
        pytest.param(context(consent=UNKNOWN), None, id="a fact"),
        pytest.param(
            context(consent=UNKNOWN, not_before=NOON + HOUR), None, id="both: the fact has no time"
        ),
        pytest.param(context(consent=OUT, not_before=NOON + HOUR), None, id="over anyway"),
    ],
)
def test_until_is_when_the_clock_alone_can_change_it(
    given: RuleContext, until: timedelta | None
) -> None:
    assert evaluate(given).until == until


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (context(consent=UNKNOWN), "The recipient hasn't opted in yet: "),
        (
            context(known={"sms_enabled": False}),
            "The number isn't enabled for SMS: turn on SMS for it",
        ),
        (
            context(sender=FOREIGN),
            f"88888 is not a sender of this tenant: use {SHARED}, {BRANCH}, 24273",
        ),
        (
            context(to="+442079460958"),
            "The number is in GB; this tenant texts US, CA: add GB to the tenant's regions",
        ),
        (
            context(kind="poem"),
            "There is no kind of text named 'poem': use one of direct, transactional, test, ",
        ),
    ],
    ids=["consent", "switch", "sender", "region", "kind"],
)
def test_a_refusal_says_what_to_do(given: RuleContext, words: str) -> None:
    (found,) = evaluate(given).findings
    assert f"{found.reason}: {found.next_step}".startswith(words)


def test_every_finding_has_words() -> None:
    worst = context(
        consent=OUT,
        kind="test",
        to="+18005550100",
        body="\0",
        sender=FOREIGN,
        valid_until=NOON,
        not_before=NOON + DAY,
        requested_at=NOON - 8 * DAY,
        known={"unreadable_ms": 1, "landline": True},
        received=NOON,
    )
    findings = evaluate(worst).findings
    assert len(findings) >= 10
    assert all(found.reason and found.next_step for found in findings)


def test_a_number_hears_from_so_many_senders_and_no_more() -> None:
    used = tuple(f"+1212555{place:04}" for place in range(200))
    assert [found.rule for found in evaluate(context(known={"senders": used})).findings] == [
        "sender_not_allowed"
    ]
    assert evaluate(context(known={"senders": (*used[1:], "24273")})).verdict is SEND


def test_a_tenant_with_many_senders_is_told_some() -> None:
    senders = {f"{place:05}": settings().senders["24273"] for place in range(30)}
    (found,) = evaluate(context(sender="nobody")._replace(senders=senders)).findings
    assert found.next_step.endswith("00009 or 20 others")

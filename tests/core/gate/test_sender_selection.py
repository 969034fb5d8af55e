"""Which sender a text goes from, and who may use which."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decision import Decision, Verdict
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import Branch, TenantSettings
from schemas.topics import CONSENT_LOG, DECISIONS, DISPATCH_ORDERS
from streams.gate.rule_context import RuleContext, build_context
from streams.gate.rules import evaluate
from streams.gate.sender_selection import GONE, NO_INBOUND, NOT_THEIRS
from streams.processing import build_settings
from tests.core.gate.cases import (
    BRANCH,
    FOREIGN,
    MINUTE,
    NOON,
    OWN,
    SENDERS,
    SHARED,
    ask,
    context,
    gate_processor,
    opt_in,
    request,
    settings,
)
from tests.core.harness import ProcessorHarness, on_topic

DEAF_ONE = "33333"
KNOWN: dict[str, Any] = {"sender": SHARED, "senders": (SHARED,)}


@pytest.mark.parametrize(
    ("given", "sender", "rules"),
    [
        pytest.param(context(), OWN, [], id="nobody has texted them: the tenant's"),
        pytest.param(context(branch="south"), BRANCH, [], id="the branch's before the tenant's"),
        pytest.param(context(branch="north"), OWN, [], id="a branch that nobody knows"),
        pytest.param(context(known=KNOWN), SHARED, [], id="the one they know before the tenant's"),
        pytest.param(
            context(known=KNOWN, branch="south"), SHARED, [], id="and before the branch's"
        ),
        pytest.param(
            context(known=KNOWN, sender=OWN),
            OWN,
            [],
            id="the request's own before the one they know",
        ),
        pytest.param(
            context(known=KNOWN, sender=FOREIGN),
            FOREIGN,
            ["sender_not_allowed"],
            id="allowed or not",
        ),
        pytest.param(context(known=KNOWN, sender=""), SHARED, [], id="an empty word names none"),
        pytest.param(
            context(known={"sender": "77777"}),
            OWN,
            ["sender_changed"],
            id="the one they know is gone",
        ),
        pytest.param(
            context(known={"sender": "77777"}, branch="south"),
            BRANCH,
            ["sender_changed"],
            id="gone: the branch's",
        ),
        pytest.param(
            context(known={"sender": FOREIGN}),
            OWN,
            ["sender_changed"],
            id="it is another tenant's now",
        ),
        pytest.param(
            context(known=KNOWN | {"stopped_senders": {SHARED: 1}}),
            OWN,
            [],
            id="they have stopped it",
        ),
        pytest.param(
            context(known=KNOWN | {"blocked_senders": {SHARED: 1}}),
            OWN,
            [],
            id="their carrier has stopped it",
        ),
        pytest.param(
            context(known=KNOWN | {"stopped_senders": {OWN: 1}}),
            SHARED,
            [],
            id="they have stopped another",
        ),
    ],
)
def test_which_sender(given: RuleContext, sender: str, rules: list[str]) -> None:
    assert given.sender == sender
    assert [found.rule for found in evaluate(given).findings] == rules


@pytest.mark.parametrize(
    ("known", "why"),
    [("77777", GONE), (FOREIGN, NOT_THEIRS), (DEAF_ONE, NO_INBOUND)],
    ids=["gone", "not theirs", "deaf"],
)
def test_a_changed_sender_is_noted_in_the_decision(known: str, why: str) -> None:
    deaf = Sender(sender=DEAF_ONE, kind=SenderKind.SHORT_CODE, owner="acme", hears=False)
    processor = knowing(known)
    processor.settings = build_settings(settings().tenants, SENDERS | {DEAF_ONE: deaf})
    decision = last_decision(processor)
    assert (decision.verdict, decision.sender) == (Verdict.SEND, OWN)
    (note,) = decision.findings
    assert (note.rule, note.verdict) == ("sender_changed", Verdict.SEND)
    assert note.reason == f"{known}, the sender that they know, {why}"
    assert last_decision(processor).findings == (), "and from then on that is the one they know"


def test_a_refusal_names_those_that_the_tenant_may_use() -> None:
    senders = SENDERS | {
        DEAF_ONE: Sender(sender=DEAF_ONE, kind=SenderKind.SHORT_CODE, owner="acme", hears=False)
    }
    (found,) = evaluate(context(sender=FOREIGN)._replace(senders=senders)).findings
    assert (found.rule, found.verdict) == ("sender_not_allowed", Verdict.REJECT)
    assert found.next_step == f"use {SHARED}, {BRANCH}, {OWN}"


def test_of_too_many_senders_one_that_can_still_be_used_is_named() -> None:
    gone = tuple(f"+1212556{place:04}" for place in range(199))
    (found,) = evaluate(context(known={"senders": (OWN, *gone)}, sender=SHARED)).findings
    assert found.next_step == f"use {OWN} again"
    (found,) = evaluate(context(known={"senders": (*gone, "+12125559999")}, sender=SHARED)).findings
    assert found.next_step == "share one of those with this tenant"


def test_a_text_that_waited_goes_from_the_sender_of_its_hour() -> None:
    """Not from that of the day on which it was asked for."""
    processor = knowing(SHARED)
    processor.feed(request(not_before=NOON + 10 * MINUTE))
    processor.settings = build_settings(settings().tenants, {OWN: SENDERS[OWN]})
    (order,) = on_topic(DISPATCH_ORDERS, processor.run_until(NOON + 11 * MINUTE))
    assert order.sender == OWN


def test_an_ask_goes_from_the_sender_that_they_know() -> None:
    processor = gate_processor()
    processor.feed(request(sender=SHARED))
    (first,) = processor.published_on(DISPATCH_ORDERS)
    assert (first.kind, first.sender) == ("consent_ask", SHARED)
    told = processor.publish_from(ask(), at=NOON + 25 * 60 * MINUTE)
    assert [(order.kind, order.sender) for order in on_topic(DISPATCH_ORDERS, told)] == [
        ("consent_ask", SHARED)
    ]


def test_so_does_an_ask_that_waited_for_the_morning() -> None:
    night = NOON - 7 * 60 * MINUTE
    processor = gate_processor(night, sender=SHARED, when={})
    processor.feed(request())
    assert [(d.sender, d.verdict) for d in processor.published_on(DECISIONS)] == [
        (SHARED, Verdict.HOLD)
    ] * 2
    processor.settings = build_settings(settings(when={}).tenants, {OWN: SENDERS[OWN]})
    (order,) = on_topic(DISPATCH_ORDERS, processor.run_until(NOON + 60 * MINUTE))
    assert (order.kind, order.sender) == ("consent_ask", OWN)


def test_a_text_goes_out_as_it_was_counted() -> None:
    processor = gate_processor(smart_encoding=True, shorteners="allow")
    processor.feed(opt_in())
    asked = request(body="“See you at 5…”" + " and" * 20)
    (decision,) = on_topic(DECISIONS, told := processor.publish_from(asked))
    (order,) = on_topic(DISPATCH_ORDERS, told)
    assert order.body == '"See you at 5..."' + " and" * 20
    assert order.segments == decision.segments == 1
    assert processor.publish_from(asked) == [], "it is known by what was asked for"


def test_what_waits_keeps_its_own_words() -> None:
    """The tenant may think otherwise before it goes."""
    processor = gate_processor(smart_encoding=True)
    processor.feed(opt_in())
    processor.feed(request(body="“Hi”", not_before=NOON + MINUTE))
    processor.settings = settings(smart_encoding=False)
    (order,) = on_topic(DISPATCH_ORDERS, processor.run_until(NOON + 2 * MINUTE))
    assert order.body == "“Hi”"


def test_the_log_has_the_wording_of_an_ask_as_it_went_out() -> None:
    about = {
        "purpose": "your case — and your bill",
        "frequency": "Up to 5 a week.",
        "rates": "Rates apply.",
    }
    processor = gate_processor(smart_encoding=True, consent_request=about)
    processor.feed(request())
    (order,) = processor.published_on(DISPATCH_ORDERS)
    (entry,) = processor.published_on(CONSENT_LOG)
    assert "your case - and your bill" in order.body
    assert entry.evidence.wording == order.body


# --- a property: whoever may use what, whatever they know

names = st.sampled_from([f"5550{n}" for n in range(5)])
tenants = st.sampled_from(["acme", "bolt"])
platforms = st.dictionaries(
    names,
    st.builds(
        lambda users, hears: (tuple(sorted(users)), hears),
        st.sets(tenants, min_size=1),
        st.booleans(),
    ),
    max_size=5,
)


@given(platforms, names, names | st.none(), names | st.none(), st.none() | names, st.sets(names))
def test_no_text_goes_from_a_sender_that_its_tenant_may_not_use(
    platform: dict[str, tuple[tuple[str, ...], bool]],
    default: str,
    south: str | None,
    asked: str | None,
    known: str | None,
    out: set[str],
) -> None:
    senders = {
        name: Sender(sender=name, kind=SenderKind.SHORT_CODE, shared_by=users, hears=hears)
        for name, (users, hears) in platform.items()
    }
    tenant = TenantSettings.model_validate(
        {"tenant": "acme", "name": "Acme", "sender": default, "when": {"quiet_hours": "none"}}
    ).model_copy(update={"branches": {"south": Branch(sender=south)}})
    row = {
        "sender": known or "",
        "senders": (known,) if known else (),
        "stopped_senders": dict.fromkeys(out, 1),
    }
    number = context(known=row).number
    judged = build_context(
        request(sender=asked, branch="south"),
        number,
        NOON,
        NOON,
        build_settings({"acme": tenant}, senders),
    )
    usable = {name for name, sender in senders.items() if "acme" in sender.tenants and sender.hears}
    kept = known if known in usable and known not in out else None
    assert judged.sender == (asked or kept or south or default)
    ruling = evaluate(judged)
    assert (ruling.verdict is Verdict.SEND) == (judged.sender in usable - out)
    if judged.sender not in {name for name, sender in senders.items() if "acme" in sender.tenants}:
        refused = next(found for found in ruling.findings if found.rule == "sender_not_allowed")
        assert all(name in refused.next_step for name in usable)


def knowing(sender: str) -> ProcessorHarness:
    """Somebody who has opted in, and whom this sender has texted when it still could."""
    processor = gate_processor()
    processor.settings = build_settings(
        settings().tenants,
        {sender: Sender(sender=sender, kind=SenderKind.SHORT_CODE, owner="acme")},
    )
    processor.feed(opt_in())
    processor.feed(request(sender=sender))
    processor.settings = settings()
    assert [order.sender for order in processor.published_on(DISPATCH_ORDERS)] == [sender]
    return processor


def last_decision(processor: ProcessorHarness) -> Decision:
    (decision,) = on_topic(DECISIONS, processor.publish_from(request()))
    assert isinstance(decision, Decision)
    return decision

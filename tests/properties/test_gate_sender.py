"""Over whole histories, with senders that come and go: who is texted from where."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from schemas.decision import Decision, Verdict
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from schemas.topics import CONTACTS, DECISIONS, DISPATCH_ORDERS
from schemas.when import When
from streams.processing import build_settings
from tests.core.gate.cases import ANY_TIME, gate_processor, opt_in, request
from tests.core.harness import on_topic

NAMES = ("55501", "55502", "55503")
ELSEWHERE = "55599"


class Day(NamedTuple):
    """`mine`, `shared`, `others`: who may use each of NAMES; what is in none of them is gone."""

    uses: tuple[str, ...]
    default: str
    asked: str | None


days = st.builds(
    Day,
    st.tuples(*[st.sampled_from(["mine", "shared", "others", "gone"])] * len(NAMES)),
    st.sampled_from(NAMES),
    st.sampled_from([None, None, None, *NAMES, ELSEWHERE]),
)
USERS = {"mine": ("acme",), "shared": ("acme", "bolt"), "others": ("bolt",)}


@given(st.lists(days, max_size=8))
def test_people_keep_the_sender_they_know(history: list[Day]) -> None:
    processor, known = gate_processor(), None
    processor.feed(opt_in())
    for day in history:
        users = {
            name: USERS[use] for name, use in zip(NAMES, day.uses, strict=True) if use in USERS
        }
        senders = {
            name: Sender(sender=name, kind=SenderKind.SHORT_CODE, shared_by=by)
            for name, by in users.items()
        }
        acme = TenantSettings(
            tenant="acme", name="Acme", sender=day.default, when=When.model_validate(ANY_TIME)
        )
        processor.settings = build_settings({"acme": acme}, senders)
        usable = sorted(name for name, by in users.items() if "acme" in by)
        expected = day.asked or (known if known in usable else day.default)

        told = processor.publish_from(request(sender=day.asked))

        (decision,) = on_topic(DECISIONS, told)
        assert decision.sender == expected
        assert (decision.verdict is Verdict.SEND) == (expected in usable)
        assert ("sender_changed" in rules_of(decision)) == (
            not day.asked and known not in (None, expected)
        )
        if decision.verdict is Verdict.SEND:
            (order,) = on_topic(DISPATCH_ORDERS, told)
            assert order.sender == expected
            assert {contact.sender for contact in on_topic(CONTACTS, told)} <= {expected}
            known = expected
        else:
            assert [name for name in usable if name not in refusal(decision)] == []


def rules_of(decision: Decision) -> set[str]:
    return {found.rule for found in decision.findings}


def refusal(decision: Decision) -> str:
    return next(
        found.next_step for found in decision.findings if found.rule == "sender_not_allowed"
    )

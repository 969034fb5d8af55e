"""Approvals: what they let go, what they do not, and what is said of one that comes too late or
for another text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.approval import Approval, ApprovalAction, ApprovalAnswer
from schemas.decision import Verdict
from schemas.send import Returned
from schemas.send_request import CancelRequest
from schemas.tenant_settings import Branch
from schemas.topics import APPROVAL_LOG, DECISIONS, DISPATCH_ORDERS
from streams.gate.approvals import OBJECTIONS
from streams.gate.state import hold_name, message_name
from streams.processing import Publication
from tests.core.gate.cases import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    PHONE,
    SECOND,
    decided,
    gate_processor,
    opt_in,
    opt_out,
    request,
)
from tests.core.harness import ProcessorHarness, on_topic

COURT = {"branches": {"court": Branch(send_immediately=False), "intake": Branch()}}
TEXT = "Your hearing is on Tuesday at 9."
_count = iter(range(10_000))


def approval(action: str = "approve", text: str = TEXT, **changes: Any) -> Approval:
    said = {
        "approval_id": f"a{next(_count)}",
        "tenant": "acme",
        "number": PHONE,
        "message_id": "m1",
        "by": "dana",
        "at": NOON,
        "body_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "action": action,
    }
    return Approval.model_validate(said | changes)


def asked(**changes: Any) -> Any:
    return request(**{"message_id": "m1", "body": TEXT, "branch": "court"} | changes)


def waiting(**policy: Any) -> ProcessorHarness:
    """Somebody who has opted in, and a text of the court branch for them."""
    processor = gate_processor(**COURT | policy)
    processor.feed(opt_in())
    processor.feed(asked())
    return processor


def answer(published: list[Publication]) -> tuple[bool, str, str]:
    (said,) = on_topic(APPROVAL_LOG, published)
    return said.applied, said.rule, said.verdict.value if said.verdict else ""


POLICIES: list[Any] = [
    pytest.param({}, None, "send", id="nobody asks for it"),
    pytest.param(COURT, "court", "hold", id="the branch does"),
    pytest.param(COURT, "intake", "send", id="another branch, which says nothing"),
    pytest.param(COURT, "cuort", "hold", id="a branch nobody has told of, where some want to see"),
    pytest.param({"branches": {"intake": Branch()}}, "elsewhere", "send", id="and where none does"),
    pytest.param(COURT, None, "send", id="no branch"),
    pytest.param(COURT | {"send_immediately": False}, None, "hold", id="the tenant does"),
    pytest.param(
        COURT | {"send_immediately": False}, "intake", "hold", id="a branch that says nothing"
    ),
    pytest.param(
        {"send_immediately": False, "branches": {"court": Branch(send_immediately=True)}},
        "court",
        "send",
        id="the tenant does, the branch does not",
    ),
]


@pytest.mark.parametrize(("policy", "branch", "verdict"), POLICIES)
def test_who_wants_to_see_texts_first(
    policy: dict[str, Any], branch: str | None, verdict: str
) -> None:
    processor = gate_processor(**policy)
    processor.feed(opt_in())
    assert decided(processor.publish_from(asked(branch=branch)))[0][1] == verdict


def test_an_approved_text_goes_once() -> None:
    processor = waiting()
    assert processor.published_on(DISPATCH_ORDERS) == []
    told = processor.publish_from(approval())
    assert decided(told) == [("m1", "send", ["approved", "ready"])]
    assert answer(told) == (True, "ready", "send")
    assert (
        on_topic(DECISIONS, told)[0].findings[0].reason == "Approved by dana, 2026-11-21 12:00 EST"
    )
    assert on_topic(DECISIONS, told)[0].evidence.topic == "sms.approvals"
    again = processor.publish_from(approval(by="eve"))
    assert answer(again) == (False, "under_way", "send")
    assert (
        on_topic(APPROVAL_LOG, again)[0].reason
        == "It was approved by dana at 2026-11-21 12:00 EST, and is on its way already"
    )
    assert [order.body for order in processor.published_on(DISPATCH_ORDERS)] == [TEXT]


def test_a_repeat_of_an_approval_says_nothing() -> None:
    processor, said = waiting(), approval()
    processor.feed(said)
    before = dict(processor.state.raw)
    assert processor.publish_from(said) == []
    assert processor.state.raw == before


def test_a_rejected_text_never_goes() -> None:
    processor = waiting()
    told = processor.publish_from(approval("reject", body_sha256=""))
    assert decided(told) == [("m1", "reject", ["not_approved"])]
    assert answer(told) == (True, "not_approved", "reject")
    assert answer(processor.publish_from(approval())) == (False, "not_approved", "reject")
    assert processor.published_on(DISPATCH_ORDERS) == []


@pytest.mark.parametrize("text", ["Your hearing is on Tuesday at 10.", TEXT + " ", ""])
def test_nobody_approves_what_they_did_not_see(text: str) -> None:
    processor = waiting()
    told = processor.publish_from(approval(text=text))
    assert (answer(told), decided(told)) == ((False, "another_text", "hold"), [])
    assert answer(processor.publish_from(approval(body_sha256=""))) == (
        False,
        "another_text",
        "hold",
    )
    assert answer(processor.publish_from(approval())) == (True, "ready", "send")


def stops(processor: ProcessorHarness) -> None:
    processor.feed(opt_out(), at=NOON + SECOND)


def expires(processor: ProcessorHarness) -> None:
    processor.run_until(NOON + 31 * DAY)


def is_taken_back(processor: ProcessorHarness) -> None:
    processor.feed(
        CancelRequest(
            tenant="acme", number=PHONE, message_id="m1", by="lee", reason="moved", at=NOON
        )
    )


def is_rejected(processor: ProcessorHarness) -> None:
    processor.feed(approval("reject"))


LATE: list[Any] = [
    pytest.param(stops, "opted_out", "reject", "The recipient opted out", id="a STOP"),
    pytest.param(expires, "held_too_long", "expire", "It has waited for 30 days", id="its time"),
    pytest.param(
        is_taken_back,
        "canceled",
        "cancel",
        "It was canceled by lee at 2026-11-21 12:00 EST",
        id="a cancel",
    ),
    pytest.param(
        is_rejected,
        "not_approved",
        "reject",
        "It was rejected by dana at 2026-11-21 12:00 EST",
        id="a rejection",
    ),
]


@pytest.mark.parametrize(("end", "rule", "verdict", "words"), LATE)
def test_an_approval_that_comes_too_late_says_so(
    end: Callable[[ProcessorHarness], None], rule: str, verdict: str, words: str
) -> None:
    processor = waiting()
    end(processor)
    told = processor.publish_from(approval())
    assert (answer(told), decided(told)) == ((False, rule, verdict), [])
    assert on_topic(APPROVAL_LOG, told)[0].reason == words
    assert on_topic(APPROVAL_LOG, told)[0].next_step
    assert processor.published_on(DISPATCH_ORDERS) == []


def test_an_approval_right_at_the_end_finds_it_expired() -> None:
    """Its wake has not fired yet."""
    processor = waiting()
    told = processor.publish_from(approval(), at=NOON + 30 * DAY)
    assert decided(told) == [("m1", "expire", ["held_too_long", "approved"])]
    assert answer(told) == (False, "held_too_long", "expire")


def test_unapproved_text_expires_after_30_days() -> None:
    processor = waiting()
    assert decided(processor.run_until(NOON + 30 * DAY - SECOND)) == []
    (decision,) = on_topic(DECISIONS, processor.run_until(NOON + 30 * DAY))
    assert decision.verdict is Verdict.EXPIRE
    assert [found.rule for found in decision.findings] == ["held_too_long", "awaiting_approval"]
    assert decision.findings[-1].reason == "Nobody approved it within 30 days"


def test_the_30_days_of_a_scheduled_text_start_at_its_time() -> None:
    processor = gate_processor(**COURT)
    processor.feed(opt_in())
    told = processor.publish_from(asked(not_before=NOON + 5 * DAY))
    assert decided(told) == [("m1", "hold", ["not_before", "awaiting_approval"])]
    assert decided(processor.run_until(NOON + 34 * DAY)) == []
    assert decided(processor.run_until(NOON + 35 * DAY))[0][1] == "expire"


def test_what_is_past_its_own_time_expires_though_nobody_saw_it() -> None:
    processor = gate_processor(**COURT)
    processor.feed(opt_in())
    processor.feed(asked(valid_until=NOON + HOUR))
    assert decided(processor.run_until(NOON + HOUR)) == [
        ("m1", "expire", ["expired", "awaiting_approval"])
    ]
    assert answer(processor.publish_from(approval())) == (False, "expired", "expire")


def test_an_approved_text_still_waits_for_the_morning() -> None:
    night = datetime(2026, 11, 22, 4, tzinfo=UTC)  # 20:00 in California, and in New York 23:00
    processor = gate_processor(
        now=night, **COURT | {"when": {"quiet_hours": {"before": "08:00", "after": "19:00"}}}
    )
    processor.feed(opt_in(at=night))
    assert decided(processor.publish_from(asked(requested_at=night))) == [
        ("m1", "hold", ["quiet_hours", "awaiting_approval"])
    ]
    told = processor.publish_from(approval())
    assert decided(told) == [("m1", "hold", ["quiet_hours", "approved"])]
    assert answer(told) == (True, "quiet_hours", "hold")
    assert answer(processor.publish_from(approval())) == (False, "approved_already", "hold")
    assert processor.published_on(DISPATCH_ORDERS) == []
    assert decided(processor.run_until(night + 12 * HOUR)) == [
        ("m1", "send", ["approved", "ready"])
    ]
    assert len(processor.published_on(DISPATCH_ORDERS)) == 1


def test_an_approved_text_is_sent_when_they_opt_in() -> None:
    processor = gate_processor(**COURT)
    assert decided(processor.publish_from(asked())) == [
        ("m1", "hold", ["not_opted_in", "awaiting_approval"])
    ]
    assert answer(processor.publish_from(approval())) == (True, "not_opted_in", "hold")
    assert decided(processor.publish_from(opt_in())) == [("m1", "send", ["approved", "ready"])]


def test_a_yes_lets_nothing_go_that_nobody_approved() -> None:
    processor = gate_processor(**COURT)
    processor.feed(asked())
    assert decided(processor.publish_from(opt_in())) == [("m1", "hold", ["awaiting_approval"])]


def test_an_ask_needs_no_approval() -> None:
    processor = gate_processor(**COURT | {"send_immediately": False})
    processor.feed(asked())
    assert [order.kind for order in processor.published_on(DISPATCH_ORDERS)] == ["consent_ask"]


def test_a_confirmation_needs_no_approval() -> None:
    processor = waiting(send_immediately=False)
    processor.feed(approval())
    before = len(processor.published_on(DISPATCH_ORDERS))
    from tests.core.gate.cases import reply

    processor.feed(reply("STOP"), at=NOON + SECOND)
    assert [order.kind for order in processor.published_on(DISPATCH_ORDERS)[before:]] == [
        "stop_confirmation"
    ]


def test_an_order_that_came_back_is_not_approved_twice() -> None:
    processor = waiting()
    processor.feed(approval())
    order = processor.published_on(DISPATCH_ORDERS)[0]
    processor.now = NOON + HOUR
    told = processor.publish_from(Returned(order=order, reason="out_of_time", at=processor.now))
    assert decided(told) == [("m1", "send", ["approved"])]


def test_a_returned_order_needs_approval_if_the_branch_asks_now() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(asked())
    order = processor.published_on(DISPATCH_ORDERS)[0]
    processor.settings = waiting().settings
    processor.now = NOON + HOUR
    told = processor.publish_from(Returned(order=order, reason="out_of_time", at=processor.now))
    assert decided(told) == [("m1", "hold", ["awaiting_approval"])]


def test_an_approval_given_before_the_branch_asked_is_kept() -> None:
    """The verdict is the same one as before it: nothing is published but the answer, and the
    approval stands."""
    processor = gate_processor()
    processor.feed(asked())
    processor.settings = waiting().settings
    told = processor.publish_from(approval())
    assert answer(told) == (True, "not_opted_in", "hold")
    assert decided(processor.publish_from(opt_in())) == [("m1", "send", ["approved", "ready"])]


def test_what_needs_none_says_so() -> None:
    processor = gate_processor()
    processor.feed(asked())
    assert answer(processor.publish_from(approval())) == (False, "no_approval_needed", "hold")


def test_nobody_knows_of_it() -> None:
    processor = waiting()
    assert answer(processor.publish_from(approval(message_id="m2"))) == (
        False,
        "unknown_message",
        "",
    )
    assert message_name("m2") not in processor.state.raw


def test_a_cancel_ahead_of_its_request_is_no_text() -> None:
    processor = gate_processor(**COURT)
    is_taken_back(processor)
    assert answer(processor.publish_from(approval())) == (False, "unknown_message", "cancel")


def test_what_is_under_way_cannot_be_rejected_any_more() -> None:
    processor = waiting()
    processor.feed(approval())
    told = processor.publish_from(approval("reject"))
    assert (answer(told), decided(told)) == ((False, "under_way", "send"), [])


def test_what_was_approved_and_waits_may_still_be_rejected() -> None:
    processor = gate_processor(**COURT)
    processor.feed(asked())
    processor.feed(approval())
    assert decided(processor.publish_from(approval("reject"))) == [
        ("m1", "reject", ["not_approved"])
    ]


def test_send_now_judges_again_and_approves_nothing() -> None:
    processor = waiting()
    told = processor.publish_from(approval("send_now"))
    assert (answer(told), decided(told)) == ((True, "as_before", "hold"), [])
    processor.settings = gate_processor().settings
    told = processor.publish_from(approval("send_now"))
    assert decided(told) == [("m1", "send", ["ready"])]
    assert answer(told) == (True, "ready", "send")


def test_a_refusal_of_another_rule_is_said() -> None:
    processor = waiting()
    processor.settings = gate_processor(**COURT | {"entitled": False}).settings
    told = processor.publish_from(approval())
    assert decided(told) == [("m1", "reject", ["not_entitled", "approved"])]
    assert answer(told) == (False, "not_entitled", "reject")


def test_people_are_told_of_a_rejection() -> None:
    from schemas.topics import PERSON_ANSWERS

    processor = gate_processor(**COURT)
    processor.feed(opt_in())
    processor.feed(
        asked(
            person_id="p1",
            resolved={"person_id": "p1", "request_id": "m1", "received_at": NOON - MINUTE},
        )
    )
    told = on_topic(PERSON_ANSWERS, processor.publish_from(approval("reject")))
    assert [one.verdict for one in told] == [Verdict.REJECT]


def test_words_like_files_are_cut_and_everything_is_forgotten() -> None:
    processor = waiting()
    told: ApprovalAnswer = on_topic(
        APPROVAL_LOG, processor.publish_from(approval(by="x" * 900_000))
    )[0]
    assert len(told.by) == 200
    assert max(map(len, processor.state.raw.values())) < 2000
    processor.run_until(NOON + 80 * DAY)
    assert [name for name in processor.state.raw if name.startswith(("ap/", "msg/", "held/"))] == []
    assert hold_name("m1") not in processor.state.raw


def test_every_action_has_its_objections() -> None:
    assert OBJECTIONS.keys() == set(ApprovalAction)


CURLY, PLAIN = (
    "\u201cYour hearing\u201d is on Tuesday \u2013 at 9.",
    '"Your hearing" is on Tuesday - at 9.',
)


def come_back_encoded() -> ProcessorHarness:
    """It went out in plainer characters, and came back; its branch wants to see it by then."""
    processor = gate_processor(smart_encoding=True)
    processor.feed(opt_in())
    processor.feed(asked(body=CURLY))
    order = processor.published_on(DISPATCH_ORDERS)[0]
    assert order.body == PLAIN
    processor.settings = waiting(smart_encoding=True).settings
    assert decided(
        processor.publish_from(Returned(order=order, reason="late", at=processor.now))
    ) == [("m1", "hold", ["awaiting_approval"])]
    return processor


@pytest.mark.parametrize("seen", [CURLY, PLAIN], ids=["as it was asked for", "as it goes out"])
def test_an_encoded_text_is_approved_by_either_form(seen: str) -> None:
    processor = come_back_encoded()
    assert answer(processor.publish_from(approval(text=seen))) == (True, "ready", "send")
    assert [order.body for order in processor.published_on(DISPATCH_ORDERS)] == [PLAIN, PLAIN]


@pytest.mark.parametrize("seen", [{"text": "Your hearing is canceled."}, {"body_sha256": ""}])
def test_and_by_no_others(seen: dict[str, str]) -> None:
    assert answer(come_back_encoded().publish_from(approval(**seen))) == (
        False,
        "another_text",
        "hold",
    )


# --- two approvers, and four eyes


def test_whoever_comes_second_learns_who_was_first_and_when() -> None:
    processor = waiting()
    processor.feed(approval(by="dana"))
    processor.run_until(NOON + HOUR)
    (second,) = on_topic(APPROVAL_LOG, processor.publish_from(approval(by="eve")))
    assert (second.applied, second.rule) == (False, "under_way")
    assert (second.settled_by, second.settled_at) == ("dana", NOON)


def test_the_same_of_one_that_waits_for_the_morning() -> None:
    processor = waiting()
    processor.feed(asked(message_id="m2", not_before=NOON + HOUR))
    processor.feed(approval(message_id="m2"))
    (second,) = on_topic(APPROVAL_LOG, processor.publish_from(approval(message_id="m2", by="eve")))
    assert (second.rule, second.settled_by) == ("approved_already", "dana")
    (rejected,) = on_topic(
        APPROVAL_LOG, processor.publish_from(approval("reject", message_id="m2", by="eve"))
    )
    assert (rejected.applied, rejected.settled_by) == (True, None), "she decides, and is first"
    (third,) = on_topic(APPROVAL_LOG, processor.publish_from(approval(message_id="m2", by="lee")))
    assert (third.rule, third.settled_by) == ("not_approved", "eve")


FOUR_EYES = COURT | {"four_eyes": True}


@pytest.mark.parametrize(
    ("policy", "text", "by", "rule"),
    [
        pytest.param(FOUR_EYES, {"requested_by": "dana"}, "dana", "own_text", id="asked for"),
        pytest.param(FOUR_EYES, {"written_by": "dana"}, "dana", "own_text", id="written"),
        pytest.param(
            FOUR_EYES, {"requested_by": "Dana "}, " dANA", "own_text", id="as people write"
        ),
        pytest.param(FOUR_EYES, {"requested_by": "dana"}, "eve", "ready", id="somebody else"),
        pytest.param(FOUR_EYES, {"requested_by": "dana.k"}, "dana", "ready", id="a longer name"),
        pytest.param(FOUR_EYES, {}, "dana", "ready", id="nobody knows who asked"),
        pytest.param(COURT, {"requested_by": "dana"}, "dana", "ready", id="no such policy"),
    ],
)
def test_four_eyes(policy: dict[str, Any], text: dict[str, Any], by: str, rule: str) -> None:
    processor = gate_processor(**policy)
    processor.feed(opt_in())
    processor.feed(asked(**text))
    applied = rule == "ready"
    verdict = "send" if applied else "hold"
    assert answer(processor.publish_from(approval(by=by))) == (applied, rule, verdict)


def test_four_eyes_skip_no_hash_and_keep_nobody_from_rejecting_their_own() -> None:
    processor = gate_processor(**FOUR_EYES)
    processor.feed(opt_in())
    processor.feed(asked(requested_by="dana"))
    changed = processor.publish_from(approval(text="Another text.", by="eve"))
    assert answer(changed) == (False, "another_text", "hold")
    unseen = processor.publish_from(approval(by="eve", body_sha256=""))
    assert answer(unseen) == (False, "another_text", "hold")
    assert answer(processor.publish_from(approval("send_now", by="dana")))[1:] == (
        "as_before",
        "hold",
    )
    assert answer(processor.publish_from(approval("reject", by="dana")))[0] is True
    assert processor.published_on(DISPATCH_ORDERS) == []

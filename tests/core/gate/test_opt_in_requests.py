"""The opt-in request: when it goes, what it says, what keeps it, and what it leaves behind."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import pytest

from schemas.base import Evidence
from schemas.consent import ConsentState, ConsentStatus
from schemas.decision import Verdict
from schemas.send import Priority, Returned, Send
from schemas.send_request import CancelRequest, CancelSource, SystemKind
from schemas.topics import (
    CONSENT_LOG,
    CONSENT_STATUS,
    CONTACTS,
    DEAD_LETTERS,
    DECISIONS,
    DISPATCH_CONTROLS,
    DISPATCH_ORDERS,
)
from streams.gate.actions import OPT_IN_REQUEST_LIFE
from streams.gate.opt_in_state import AUTOMATIC_AT_MOST
from streams.gate.state import NUMBER, NumberState
from tests.core.gate.cases import (
    BRANCH,
    DAY,
    HOUR,
    MINUTE,
    NOON,
    OWN,
    PHONE,
    SECOND,
    SHARED,
    ask,
    ask_failed,
    decided,
    gate_processor,
    opt_in,
    opt_out,
    recorded,
    reply,
    request,
)
from tests.core.harness import ProcessorHarness, on_topic

TEXT = (
    "Acme: may we text you about your business with us? Message frequency varies. Msg&data rates may apply. "
    "Reply START to receive texts, STOP to opt out, HELP for help."
)
NEW_YORK_NIGHT = datetime.fromisoformat("2026-11-21T23:00:00-05:00")


def asks(processor: ProcessorHarness) -> list[Send]:
    return [
        order
        for order in processor.published_on(DISPATCH_ORDERS)
        if order.kind == SystemKind.CONSENT_ASK
    ]


def status(processor: ProcessorHarness) -> ConsentStatus:
    found = processor.published_on(CONSENT_STATUS)[-1]
    assert isinstance(found, ConsentStatus)
    return found


def asked_once(**policy: Any) -> ProcessorHarness:
    processor = gate_processor(**policy)
    processor.feed(request(message_id="a"))
    return processor


def answers(processor: ProcessorHarness) -> list[tuple[str, bool, str]]:
    """(source, applied, reason) of every entry about an ask."""
    return [
        (one.source, one.applied, one.reason)
        for one in processor.published_on(CONSENT_LOG)
        if one.action == "ask"
    ]


# --- by itself


def test_the_request_to_opt_in_goes_ahead_of_the_text_that_waits() -> None:
    processor = asked_once()
    first, second = processor.published_on(DECISIONS)
    assert (first.kind, first.verdict, first.requested_by, first.seq) == (
        "consent_ask",
        Verdict.SEND,
        "sayso",
        1,
    )
    assert (second.message_id, second.verdict) == ("a", Verdict.HOLD)
    (order,) = asks(processor)
    assert (order.body, order.lane, order.to, order.sender, order.segments) == (
        TEXT,
        Priority.REPLY,
        PHONE,
        OWN,
        2,
    )
    assert (
        order.message_id
        == first.message_id
        == f"ask-{hashlib.sha256(f'acme/{PHONE}'.encode()).hexdigest()[:16]}-1"
    )
    assert order.send_before - order.issued_at == OPT_IN_REQUEST_LIFE
    assert [(one.asked, one.queued, one.sender) for one in processor.published_on(CONTACTS)] == [
        (True, True, OWN)
    ]


def test_its_wording_is_kept_with_its_version_and_hash() -> None:
    processor = asked_once()
    (change,) = processor.published_on(CONSENT_LOG)
    said = change.evidence
    assert (change.action, change.source, change.applied, change.was, change.now) == (
        "ask",
        "sayso",
        True,
        "none",
        "pending",
    )
    assert (said.wording, said.wording_sha256) == (TEXT, hashlib.sha256(TEXT.encode()).hexdigest())
    assert said.wording_version == processor.settings.tenants["acme"].consent_request.version
    assert (said.topic, said.offset) == ("sms.send-requests", 0)


def test_one_goes_however_many_texts_wait() -> None:
    processor = gate_processor()
    for hour in range(30):
        processor.run_until(NOON + hour * HOUR)
        processor.feed(
            request(
                not_before=NOON + 60 * DAY if hour % 2 else None,
                sender=BRANCH if hour % 3 else None,
            )
        )
    assert len(asks(processor)) == 1


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"body": ""}, id="a text that would be refused anyway"),
        pytest.param({"to": "+442079460958"}, id="a country that is not texted"),
        pytest.param({"valid_until": NOON}, id="a text nobody needs any more"),
        pytest.param({"kind": "test"}, id="a test"),
        pytest.param({"kind": "consent_ask"}, id="a kind that is not for producers"),
    ],
)
def test_nobody_is_asked_for_what_cannot_go(asked: dict[str, Any]) -> None:
    processor = gate_processor()
    processor.feed(request(**asked))
    assert asks(processor) == []


def test_without_entitlement_no_ask_goes_either() -> None:
    processor = asked_once(entitled=False)
    assert decided(processor.published) == [("a", "reject", ["not_opted_in", "not_entitled"])]
    assert asks(processor) == []


def test_at_night_the_request_waits_for_the_morning() -> None:
    processor = gate_processor(NEW_YORK_NIGHT, when={})
    processor.feed(
        request(message_id="a", time_zone="America/New_York", requested_at=NEW_YORK_NIGHT)
    )
    (found,) = [
        one for one in processor.published_on(DECISIONS)[-1].findings if one.rule == "not_opted_in"
    ]
    assert (asks(processor), found.next_step) == (
        [],
        "wait: they are asked by text as soon as that may be",
    )
    processor.feed(ask())
    assert answers(processor)[-1] == ("manual", False, "a request to opt in is on its way already")
    (order,) = asks_after(processor, NEW_YORK_NIGHT + 9 * HOUR)
    assert order.issued_at == NEW_YORK_NIGHT + 9 * HOUR
    assert (status(processor).state, status(processor).asked_at) == (
        ConsentState.PENDING,
        order.issued_at,
    )


def asks_after(processor: ProcessorHarness, moment: datetime) -> list[Send]:
    processor.run_until(moment - SECOND)
    assert asks(processor) == []
    processor.run_until(moment)
    return asks(processor)


def test_who_says_yes_meanwhile_is_not_asked() -> None:
    processor = gate_processor(NEW_YORK_NIGHT, when={})
    processor.feed(
        request(message_id="a", time_zone="America/New_York", requested_at=NEW_YORK_NIGHT)
    )
    told = processor.publish_from(opt_in())
    (canceled,) = [one for one in on_topic(DECISIONS, told) if one.kind == "consent_ask"]
    assert (canceled.verdict, next(found.rule for found in canceled.findings)) == (
        Verdict.CANCEL,
        "ask_not_needed",
    )
    assert asks_after(processor, NEW_YORK_NIGHT + 9 * HOUR) == []
    assert [order.message_id for order in processor.published_on(DISPATCH_ORDERS)] == ["a"]


# --- the clock


@pytest.mark.parametrize("left", [DAY - SECOND, HOUR, SECOND])
def test_another_within_24_hours_is_refused_with_the_time_left(left: Any) -> None:
    processor = asked_once()
    processor.run_until(NOON + DAY - left)
    told = processor.publish_from(ask())
    (source, applied, reason) = answers(processor)[-1]
    assert (source, applied, on_topic(DECISIONS, told)) == ("manual", False, [])
    words = {DAY - SECOND: "24 h 0 min", HOUR: "1 h 0 min", SECOND: "1 min"}[left]
    assert (
        reason
        == f"they were asked 2026-11-21 12:00 EST: again in {words}, from 2026-11-22 12:00 EST"
    )


def test_after_24_hours_staff_may_ask_again() -> None:
    processor = asked_once()
    processor.run_until(NOON + DAY)
    processor.feed(ask(event_id="by-ann"))
    assert [order.message_id[-2:] for order in asks(processor)] == ["-1", "-2"]
    change = processor.published_on(CONSENT_LOG)[-1]
    assert (change.event_id, change.source, change.applied, change.evidence.actor) == (
        "by-ann",
        "manual",
        True,
        "ann",
    )
    assert (change.reason, change.evidence.wording) == (
        "asked: the next may go 2026-11-23 12:00 EST",
        TEXT,
    )
    assert (status(processor).asked_at, status(processor).ask_again_at) == (
        NOON + DAY,
        NOON + 2 * DAY,
    )


@pytest.mark.parametrize(
    ("before", "why"),
    [
        pytest.param(
            opt_out(), "they opted out: only they can come back, by texting START", id="opted out"
        ),
        pytest.param(opt_in(), "they have opted in already", id="opted in"),
    ],
)
def test_nobody_who_has_answered_is_asked(before: Any, why: str) -> None:
    processor = gate_processor()
    processor.feed(before)
    processor.feed(ask())
    assert (answers(processor), asks(processor)) == ([("manual", False, why)], [])


def test_an_ask_that_the_rules_refuse_says_why() -> None:
    processor = gate_processor(regions=("GB",))
    processor.feed(ask())
    (answer,) = answers(processor)
    assert answer[:2] == ("manual", False)
    assert answer[2].startswith("not asked: The number is in US; this tenant texts GB: add US")


# --- failures and returns


def consent(processor: ProcessorHarness) -> ConsentState | None:
    row = processor.state.get(NUMBER, NumberState)
    return row and row.state


def test_one_that_failed_has_asked_nobody_and_frees_the_clock() -> None:
    processor = asked_once()
    processor.now += MINUTE
    (change,) = on_topic(
        CONSENT_LOG, processor.publish_from(ask_failed(message_id=asks(processor)[0].message_id))
    )
    assert not [contact for contact in processor.published_on(CONTACTS) if contact.unasked], (
        "nobody else uses that sender"
    )
    assert (change.applied, change.was, change.now) == (True, "pending", "none")
    assert (status(processor).state, status(processor).ask_again_at) == (ConsentState.NONE, None)
    processor.feed(ask())
    assert len(asks(processor)) == 2


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"message_id": "a"}, id="of another text"),
        pytest.param({"message_id": None}, id="of none"),
        pytest.param({"source": "manual"}, id="by somebody who cannot know"),
    ],
)
def test_what_is_said_of_another_ask_frees_nothing(said: dict[str, Any]) -> None:
    processor = asked_once()
    (change,) = on_topic(
        CONSENT_LOG,
        processor.publish_from(ask_failed(**{"message_id": asks(processor)[0].message_id} | said)),
    )
    assert (change.applied, status(processor).state) == (False, ConsentState.PENDING)


def test_an_earlier_ask_that_stands_keeps_the_number_pending() -> None:
    processor = asked_once()
    processor.run_until(NOON + DAY)
    processor.feed(ask())
    processor.feed(ask_failed(message_id=asks(processor)[1].message_id))
    assert (status(processor).state, status(processor).ask_again_at) == (ConsentState.PENDING, None)


def test_after_failures_it_asks_again_a_few_times() -> None:
    processor = asked_once()
    for day in range(10):
        for order in asks(processor)[-1:]:
            processor.feed(ask_failed(message_id=order.message_id))
        processor.feed(request())
        assert len(asks(processor)) == min(day + 1, AUTOMATIC_AT_MOST)
        processor.run_until(NOON + (day + 1) * DAY)
        processor.feed(request())


def test_a_request_that_could_not_leave_restarts_the_clock() -> None:
    processor = asked_once()
    processor.run_until(NOON + OPT_IN_REQUEST_LIFE)
    processor.feed(Returned(order=asks(processor)[0], reason="late", at=processor.now))
    one, other = asks(processor)
    assert (one.message_id, other.issued_at) == (other.message_id, NOON + OPT_IN_REQUEST_LIFE)
    assert status(processor).ask_again_at == NOON + OPT_IN_REQUEST_LIFE + DAY
    assert answers(processor)[-1][1:] == (
        False,
        "issued again, for it could not leave in time: the next may go 2026-11-22 13:00 EST",
    )


def test_a_returned_request_that_went_out_after_all_starts_the_clock() -> None:
    processor = asked_once()
    (order,) = asks(processor)
    later = NOON + HOUR
    processor.feed(Returned(order=order, reason="full", at=NOON, until=later, code="no_room"))
    cancel = CancelRequest(
        tenant="acme", number=PHONE, message_id=order.message_id, by=CancelSource.OUTCOMES, at=NOON
    )
    processor.feed(cancel)
    assert status(processor).state is ConsentState.PENDING
    processor.run_until(NOON + 2 * HOUR)
    processor.feed(ask())
    processor.feed(request(message_id="b"))
    assert len(asks(processor)) == 1
    assert answers(processor)[-1][1] is False


def test_a_stop_takes_back_the_ask_that_is_queued() -> None:
    processor = asked_once()
    told = processor.publish_from(opt_out())
    assert [(stop.sender, stop.consent_epoch) for stop in on_topic(DISPATCH_CONTROLS, told)] == [
        (OWN, 1)
    ]
    assert asks(processor)[0].consent_epoch == 0
    processor.feed(Returned(order=asks(processor)[0], reason="late", at=processor.now))
    assert (processor.published_on(DECISIONS)[-1].verdict, len(asks(processor))) == (
        Verdict.REJECT,
        1,
    )


# --- answers


@pytest.mark.parametrize("word", ["START", "yes", "Yes!", "unstop"])
def test_a_yes_lets_go_what_waits_in_the_same_step(word: str) -> None:
    processor = asked_once()
    told = processor.publish_from(reply(word), at=NOON + MINUTE)
    assert decided(told) == [("a", "send", ["ready"])]
    (found,) = on_topic(DECISIONS, told)[-1].findings
    assert found.reason == "The SMS message can be sent"


def test_a_yes_to_nothing_is_no_consent() -> None:
    processor = gate_processor()
    processor.feed(reply("yes"))
    processor.feed(request(message_id="a"))
    assert (decided(processor.published), processor.published_on(CONSENT_LOG)[0].action) == (
        [("a", "hold", ["not_opted_in"])],
        "ask",
    )


def test_a_yes_from_before_the_ask_is_no_answer_to_it() -> None:
    processor = asked_once()
    assert decided(processor.publish_from(reply("yes", appended_at=NOON - HOUR))) == []
    assert status(processor).state is ConsentState.PENDING


# --- what readers see


def test_the_status_follows() -> None:
    processor = asked_once()
    processor.feed(request(message_id="b"))
    processor.run_until(NOON + MINUTE)
    processor.feed(reply("START"))
    told = [
        (one.state, one.asked_at, one.ask_again_at, one.held)
        for one in processor.published_on(CONSENT_STATUS)
    ]
    assert told == [
        ("pending", NOON, NOON + DAY, 1),
        ("pending", NOON, NOON + DAY, 2),
        ("opted_in", NOON, None, 0),
    ]


def test_a_thousand_held_texts_change_the_status_a_few_times() -> None:
    processor = gate_processor()
    for place in range(1000):
        processor.feed(request(message_id=f"m{place}"))
    processor.run_until(NOON + MINUTE)
    assert [one.held for one in processor.published_on(CONSENT_STATUS)] == [1, 1000]


def test_the_finding_says_when_they_may_be_asked_again() -> None:
    processor = asked_once()
    (found,) = processor.published_on(DECISIONS)[-1].findings
    assert f"{found.reason}: {found.next_step}" == (
        "The recipient hasn't opted in yet: wait: they were asked 2026-11-21 12:00 EST; they may be asked again, by "
        "hand, from 2026-11-22 12:00 EST"
    )


def test_an_id_of_ours_is_not_for_producers() -> None:
    processor = asked_once()
    (letter,) = on_topic(
        DEAD_LETTERS, processor.publish_from(request(message_id=asks(processor)[0].message_id))
    )
    assert letter.cause == "id_reserved"


# --- forms and proof


def test_an_unverified_form_only_asks_once() -> None:
    processor = gate_processor()
    for _ in range(3):
        processor.feed(opt_in(source="web_form"))
    assert len(asks(processor)) == 1
    assert [
        (one.action, one.source, one.applied) for one in processor.published_on(CONSENT_LOG)
    ] == [
        ("opt_in", "web_form", False),
        ("ask", "web_form", True),
        ("opt_in", "web_form", False),
        ("opt_in", "web_form", False),
    ]
    assert status(processor).state is ConsentState.PENDING


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        pytest.param(
            opt_in(source="manual"), "no proof: give document and actor", id="staff without proof"
        ),
        pytest.param(
            recorded(evidence=Evidence(actor="ann")),
            "no proof: give document",
            id="staff without document",
        ),
        pytest.param(
            recorded(evidence=Evidence(document="d")), "no proof: give actor", id="nobody knows who"
        ),
        pytest.param(
            opt_in(source="import", evidence=Evidence()),
            "no proof: give wording or document or url or origin",
            id="an import without proof",
        ),
        pytest.param(
            opt_in(source="crm"), "no proof: give document and actor", id="a source nobody knows"
        ),
        pytest.param(
            opt_in(source="inbound"),
            "only a text from the number itself can bring an opt-in by text",
            id="an event that says it was a text",
        ),
        pytest.param(recorded(), "opted in", id="staff with proof"),
        pytest.param(opt_in(source="import"), "opted in", id="an import with proof"),
    ],
)
def test_a_yes_needs_its_proof(claim: Any, reason: str) -> None:
    processor = gate_processor()
    (change,) = on_topic(CONSENT_LOG, processor.publish_from(claim))
    assert (change.reason, change.applied, change.event_id) == (
        reason,
        reason == "opted in",
        claim.event_id,
    )


@pytest.mark.parametrize(
    ("claim", "back"),
    [
        pytest.param(reply("START"), True, id="START"),
        pytest.param(reply("Yes"), True, id="YES"),
        pytest.param(opt_in(), True, id="a form with its wording"),
        pytest.param(opt_in(evidence=Evidence()), False, id="a form without evidence"),
        pytest.param(recorded(), False, id="staff, with proof of whatever"),
        pytest.param(opt_in(source="import"), False, id="an import"),
        pytest.param(opt_in(source="web_form"), False, id="a form that anybody may have filled in"),
    ],
)
def test_who_opted_out_comes_back_by_their_own_act_only(claim: Any, back: bool) -> None:
    processor = gate_processor()
    processor.feed(reply("STOP"))
    (change,) = on_topic(CONSENT_LOG, processor.publish_from(claim, at=NOON + MINUTE))
    assert (change.applied, status(processor).state) == (
        back,
        ConsentState.OPTED_IN if back else ConsentState.OPTED_OUT,
    )
    assert asks(processor) == []


def test_the_inbox_learns_that_a_shared_request_failed() -> None:
    processor = gate_processor(sender=SHARED)
    processor.feed(request())
    (asked,) = processor.published_on(CONTACTS)
    processor.feed(ask_failed(message_id=asks(processor)[0].message_id), at=NOON + MINUTE)
    unasked = processor.published_on(CONTACTS)[-1]
    assert (unasked.sender, unasked.tenant, unasked.unasked, unasked.asked) == (
        SHARED,
        "acme",
        True,
        False,
    )
    assert unasked.at == asked.at


@pytest.mark.parametrize(
    ("sender", "counts"),
    [
        pytest.param(SHARED, False, id="shared: it answered somebody else"),
        pytest.param(OWN, True, id="of one tenant: there is nobody else"),
    ],
)
def test_a_start_after_the_ask_came_to_nothing(sender: str, counts: bool) -> None:
    processor = gate_processor(sender=sender)
    processor.feed(request())
    processor.feed(ask_failed(message_id=asks(processor)[0].message_id), at=NOON + MINUTE)
    processor.feed(reply("START", sender=sender), at=NOON + 2 * MINUTE)
    assert (consent(processor) is ConsentState.OPTED_IN) is counts


def test_a_start_lifts_an_opt_out_after_a_failed_request() -> None:
    processor = gate_processor(sender=SHARED)
    processor.feed(request())
    processor.feed(ask_failed(message_id=asks(processor)[0].message_id), at=NOON + MINUTE)
    processor.feed(reply("STOP", sender=SHARED), at=NOON + 2 * MINUTE)
    processor.feed(reply("START", sender=SHARED), at=NOON + 3 * MINUTE)
    assert consent(processor) is ConsentState.OPTED_IN

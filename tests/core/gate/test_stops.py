"""A STOP holds: against yeses that are older than it, slips in forms, used ids, and a START to
another sender."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from schemas.base import Evidence
from schemas.consent import ConsentEvent, ConsentState
from schemas.inbound import Reply
from schemas.send_request import SystemKind
from schemas.topics import CONSENT_LOG, DECISIONS, DISPATCH_ORDERS
from streams.gate.state import ProcessedClaim
from tests.core.gate.cases import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    OWN,
    SECOND,
    SHARED,
    decided,
    gate_processor,
    number_state,
    opt_in,
    opt_out,
    recorded,
    reply,
    request,
)
from tests.core.harness import ProcessorHarness, on_topic

OUT, IN = ConsentState.OPTED_OUT, ConsentState.OPTED_IN


def told(*records: ConsentEvent | Reply, **policy: Any) -> ProcessorHarness:
    """A minute apart."""
    processor = gate_processor(**policy)
    for minute, record in enumerate(records):
        processor.feed(record, at=NOON + minute * MINUTE)
    return processor


def state(processor: ProcessorHarness) -> ConsentState:
    return number_state(processor).state


def goes(processor: ProcessorHarness, sender: str = OWN) -> bool:
    (decision,) = decided(processor.publish_from(request(sender=sender), at=processor.now))
    return decision[1] == "send"


# --- older yeses


@pytest.mark.parametrize(
    ("signed", "stands"),
    [
        pytest.param(NOON - DAY, OUT, id="before the STOP, and filed after it"),
        pytest.param(NOON + MINUTE - SECOND, OUT, id="a second before"),
        pytest.param(NOON + 2 * MINUTE, IN, id="after it"),
    ],
)
def test_a_form_lifts_only_what_was_said_before_it_was_signed(
    signed: datetime, stands: ConsentState
) -> None:
    processor = told(opt_in(), reply("STOP"))
    (change,) = on_topic(CONSENT_LOG, processor.publish_from(opt_in(at=signed), at=NOON + HOUR))
    assert (state(processor), change.applied) == (stands, stands is IN)
    assert stands is IN or change.reason == "not later than the opt-out that stands"


def test_nothing_appended_before_a_stop_lifts_it() -> None:
    processor = told(opt_in(), reply("STOP"))
    processor.feed(opt_in(at=NOON + DAY), at=NOON)
    assert state(processor) is OUT


@pytest.mark.parametrize("blank", ["", "  ", "\n\t"])
def test_blanks_prove_nothing(blank: str) -> None:
    """Staff's yes needs a document, and a form that lifts a STOP what was shown."""
    processor = told(recorded(evidence=Evidence(document=blank, actor="ann")))
    assert processor.published_on(CONSENT_LOG)[-1].reason == "no proof: give document"
    processor.feed(reply("STOP"), at=NOON + MINUTE)
    processor.feed(opt_in(at=NOON + HOUR, evidence=Evidence(wording=blank)), at=NOON + HOUR)
    assert state(processor) is OUT


# --- used ids


def test_an_opt_out_counts_under_a_used_id_too() -> None:
    processor = told(opt_in(event_id="contact-7"), opt_out(event_id="contact-7"))
    assert state(processor) is OUT
    assert not goes(processor)


def test_an_opt_out_at_another_time_is_another_one() -> None:
    first, second = (opt_out(event_id="contact-7", at=NOON + minute * MINUTE) for minute in (0, 2))
    processor = told(first, reply("START"), second)
    assert state(processor) is OUT
    for repeated in (first, second):
        assert processor.publish_from(repeated, at=NOON + HOUR) == []


def test_what_a_carrier_has_told_may_be_told_again() -> None:
    """After a START has lifted it: it is the same news, whenever it is told."""
    first, again = (
        opt_out(event_id="o-1", source="carrier", sender=OWN, at=NOON + n * MINUTE) for n in (0, 2)
    )
    processor = told(opt_in(), first, reply("START"))
    assert processor.publish_from(again, at=NOON + HOUR) == []
    assert goes(processor)


def test_any_other_claim_under_a_used_id_is_refused_in_the_log() -> None:
    processor = told(opt_out(event_id="contact-7"))
    (change,) = on_topic(
        CONSENT_LOG,
        processor.publish_from(opt_in(event_id="contact-7", at=NOON + HOUR), at=NOON + HOUR),
    )
    assert (change.event_id, change.applied, change.now) == ("contact-7", False, OUT)
    assert (
        change.reason
        == "this event id was used before for something else: give each event an id of its own"
    )


def test_what_an_earlier_version_has_noted_is_a_repeat() -> None:
    processor = gate_processor()
    processor.state.raw["ev/contact-7"] = b'{"at_ms":1}'
    assert processor.publish_from(opt_out(event_id="contact-7")) == []
    assert processor.state.get("ev/contact-7", ProcessedClaim) == ProcessedClaim(at_ms=1)


def test_what_the_carrier_takes_for_a_stop_is_one() -> None:
    processor = told(opt_in(), reply("Genug 77"))
    assert state(processor) is IN
    (change,) = on_topic(
        CONSENT_LOG, processor.publish_from(reply("Genug 77", carrier_stop=True), at=NOON + HOUR)
    )
    assert (change.now, change.flagged, change.evidence.text) == (OUT, False, "Genug 77")


# --- one sender of several


def test_a_stop_to_one_sender_outlives_a_start_to_another() -> None:
    processor = told(
        reply("STOP"), reply("STOP", sender=SHARED), reply("START"), stop_scope="sender"
    )
    assert goes(processor)
    assert not goes(processor, SHARED)
    processor.feed(reply("START", sender=SHARED), at=NOON + HOUR)
    assert goes(processor, SHARED)


def test_a_later_form_with_evidence_lifts_the_stop_of_a_sender() -> None:
    processor = told(opt_in(), reply("STOP"), reply("STOP", sender=SHARED), stop_scope="sender")
    processor.feed(opt_in(at=NOON - MINUTE), at=NOON + HOUR)
    processor.feed(recorded(at=NOON + HOUR), at=NOON + HOUR)
    processor.feed(opt_in(at=NOON + HOUR, evidence=Evidence()), at=NOON + HOUR)
    assert (goes(processor), goes(processor, SHARED)) == (False, False)
    processor.feed(opt_in(at=NOON + HOUR, sender=OWN), at=NOON + HOUR)
    assert (goes(processor), goes(processor, SHARED)) == (True, False)
    (change,) = on_topic(
        CONSENT_LOG, processor.publish_from(opt_in(at=NOON + HOUR), at=NOON + HOUR)
    )
    assert change.reason == "opted in to texts from all again"
    assert goes(processor, SHARED)


def test_a_yes_comes_back_to_one_sender_as_to_all() -> None:
    processor = told(opt_in(), reply("STOP"), stop_scope="sender")
    processor.feed(reply("YES", sender=SHARED), at=NOON + HOUR)
    assert not goes(processor)
    processor.feed(reply("YES"), at=NOON + HOUR)
    assert goes(processor)


@pytest.mark.parametrize("sender", ["typo", "+1 212 555 0111", "88888", ""])
def test_an_opt_out_to_a_foreign_sender_stops_all(sender: str) -> None:
    processor = told(opt_in(), opt_out(sender=sender), stop_scope="sender")
    assert state(processor) is OUT
    assert not goes(processor)


def test_an_opt_out_to_an_own_sender_stops_that_one() -> None:
    processor = told(opt_in(), opt_out(sender=SHARED), stop_scope="sender")
    assert (goes(processor), goes(processor, SHARED)) == (True, False)


def test_who_stops_one_sender_is_not_told_that_all_have_stopped() -> None:
    processor = told(opt_in(), reply("STOP"), stop_scope="sender")
    (confirmation,) = [
        one
        for one in processor.published_on(DISPATCH_ORDERS)
        if one.kind == SystemKind.STOP_CONFIRMATION
    ]
    assert (
        confirmation.body
        == "Acme: you will get no more texts from this number. Reply START to get them again."
    )


# --- in other words


def test_lifting_a_flagged_opt_out_opts_nobody_in() -> None:
    processor = told(reply("please stop texting me"))
    (change,) = on_topic(
        CONSENT_LOG,
        processor.publish_from(recorded(evidence=Evidence(actor="ann")), at=NOON + HOUR),
    )
    assert (state(processor), change.reason) == (OUT, "no proof: give document")
    processor.feed(recorded(), at=NOON + HOUR)
    assert state(processor) is IN


@pytest.mark.parametrize("scope", ["tenant", "sender"])
def test_somebody_who_looked_lifts_it_for_who_had_agreed(scope: str) -> None:
    processor = told(opt_in(), reply("please stop texting me"), stop_scope=scope)
    assert state(processor) is OUT
    processor.feed(recorded(evidence=Evidence(actor="ann")), at=NOON + HOUR)
    assert state(processor) is IN
    assert goes(processor)


def test_who_may_lift_it_is_said_with_the_text_that_it_stops() -> None:
    steps = []
    for words in ("please stop texting me", "STOP"):
        processor = told(opt_in(), reply(words))
        processor.feed(request())
        steps.append(processor.published_on(DECISIONS)[-1].findings[0].next_step)
    assert "sayso consent in with proof lifts it" in steps[0]
    assert steps[1] == "only they can come back, by texting START"

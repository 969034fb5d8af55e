from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.base import Evidence
from schemas.consent import ConsentEvent, ConsentState
from schemas.inbound import Reply
from schemas.topics import CONSENT_LOG, CONSENT_STATUS, DISPATCH_CONTROLS
from streams.processing import UnreadableRecord
from tests.core.gate.cases import (
    BRANCH,
    DAY,
    MINUTE,
    NOON,
    OWN,
    PHONE,
    SECOND,
    decided,
    gate_processor,
    looked,
    number_state,
    opt_in,
    opt_out,
    recorded,
    reply,
    request,
    unreadable_text,
)
from tests.core.harness import on_topic

NONE, PENDING, IN, OUT = (
    ConsentState.NONE,
    ConsentState.PENDING,
    ConsentState.OPTED_IN,
    ConsentState.OPTED_OUT,
)


@pytest.mark.parametrize(
    ("told", "state", "epoch"),
    [
        pytest.param([opt_in()], IN, 1, id="opt-in"),
        pytest.param([opt_out()], OUT, 1, id="opt-out of somebody unknown"),
        pytest.param([opt_in(), opt_out()], OUT, 2, id="in, then out"),
        pytest.param([opt_in(), opt_in()], IN, 1, id="in twice"),
        pytest.param([opt_out(), opt_out()], OUT, 1, id="out twice"),
        pytest.param([opt_in(), opt_out(), opt_in(at=NOON + DAY)], IN, 3, id="in, out, in"),
        pytest.param([reply("START")], IN, 1, id="START that nobody asked for"),
        pytest.param([opt_in(), reply("yes")], IN, 1, id="YES to something else"),
        pytest.param([reply("STOP"), reply("yes!")], IN, 2, id="YES to an opt-out"),
        pytest.param(
            [opt_in(), reply("pls stop txting me")], OUT, 2, id="a revocation in other words"
        ),
        pytest.param(
            [opt_in(), reply("leave me alone"), reply("START")], IN, 3, id="revoked, then START"
        ),
        pytest.param([opt_in(), reply("Stop")], OUT, 2, id="STOP"),
        pytest.param([opt_in(), reply("STOP"), reply("UNSTOP")], IN, 3, id="STOP, then UNSTOP"),
        pytest.param([opt_in(), reply("HELP")], IN, 1, id="HELP changes nothing"),
        pytest.param([opt_in(), reply("stop by at 5")], IN, 1, id="a sentence changes nothing"),
        pytest.param([opt_in(action="ask")], PENDING, 0, id="an ask by hand"),
    ],
)
def test_standing(told: list[ConsentEvent | Reply], state: ConsentState, epoch: int) -> None:
    processor = gate_processor()
    for minute, record in enumerate(told):
        processor.feed(record, at=NOON + minute * MINUTE)
    assert (number_state(processor).state, number_state(processor).epoch) == (state, epoch)


@pytest.mark.parametrize(
    ("later_by", "state", "reason"),
    [
        pytest.param(-MINUTE, OUT, "not later than the opt-out that stands", id="older"),
        pytest.param(
            0 * SECOND, OUT, "not later than the opt-out that stands", id="at the same time"
        ),
        pytest.param(SECOND / 1000, IN, "opted in", id="a millisecond later"),
    ],
)
def test_a_yes_lifts_a_stop_only_if_it_is_later(
    later_by: timedelta, state: ConsentState, reason: str
) -> None:
    processor = gate_processor()
    processor.feed(opt_out(), at=NOON)
    (change,) = on_topic(CONSENT_LOG, processor.publish_from(opt_in(), at=NOON + later_by))
    assert (number_state(processor).state, change.reason, change.applied) == (
        state,
        reason,
        state is IN,
    )


def test_a_late_stop_counts_and_earlier_opt_ins_do_not() -> None:
    processor = gate_processor()
    processor.feed(opt_in(), at=NOON)
    processor.feed(opt_out(), at=NOON - DAY)
    assert number_state(processor).state is OUT
    processor.feed(opt_in(), at=NOON - MINUTE)
    assert number_state(processor).state is OUT


def test_a_second_stop_moves_the_bar() -> None:
    processor = gate_processor()
    processor.feed(opt_out(), at=NOON)
    processor.feed(opt_out(), at=NOON + DAY)
    processor.feed(opt_in(), at=NOON + MINUTE)
    assert number_state(processor).state is OUT


def test_a_start_is_as_old_as_its_inbound_record() -> None:
    """It lay at the inbox while staff recorded an opt-out."""
    processor = gate_processor()
    processor.feed(opt_out(source="manual"), at=NOON)
    processor.feed(reply("START", appended_at=NOON - MINUTE), at=NOON + MINUTE)
    assert number_state(processor).state is OUT
    processor.feed(reply("START", appended_at=NOON + MINUTE), at=NOON + MINUTE)
    assert number_state(processor).state is IN


@pytest.mark.parametrize(
    "record", [opt_in(), opt_out(), reply("START"), reply("STOP")], ids=["in", "out", "yes", "no"]
)
def test_a_repeat_changes_nothing_and_says_nothing(record: ConsentEvent | Reply) -> None:
    processor = gate_processor()
    assert processor.publish_from(record)
    before = dict(processor.state.raw)
    assert processor.publish_from(record, at=NOON + DAY) == []
    assert processor.state.raw == before


def test_a_start_is_remembered_for_good_and_a_stop_for_35_days() -> None:
    processor = gate_processor()
    start, stop = reply("START"), reply("STOP")
    processor.feed(start, at=NOON)
    processor.feed(stop, at=NOON + SECOND)
    processor.run_until(NOON + 400 * DAY)
    assert f"in/{stop.provider_id}" not in processor.state.raw
    assert processor.publish_from(start) == []
    assert number_state(processor).state is OUT


def test_every_consent_fact_is_logged_with_its_place() -> None:
    processor = gate_processor()
    event = opt_in(evidence=Evidence(wording="I agree", actor="ann", topic="made up", offset=99))
    (change,) = on_topic(CONSENT_LOG, processor.publish_from(event, at=NOON))
    assert change.evidence == Evidence(
        topic="sms.consent-events", partition=0, offset=0, wording="I agree", actor="ann"
    )
    assert (change.was, change.now, change.applied, change.consent_epoch) == (NONE, IN, True, 1)
    assert (change.tenant, change.number, change.event_id, change.source) == (
        "acme",
        PHONE,
        event.event_id,
        "form",
    )


def test_consent_by_text_is_proved_by_the_inbound_record() -> None:
    processor = gate_processor()
    place = Evidence(topic="sms.inbound", partition=3, offset=7)
    (change,) = on_topic(
        CONSENT_LOG, processor.publish_from(reply("Start", evidence=place, appended_at=NOON))
    )
    assert change.evidence == Evidence(topic="sms.inbound", partition=3, offset=7, text="Start")
    assert (change.action, change.source) == ("opt_in", "inbound")


def test_what_changed_nothing_is_logged_and_told_to_nobody() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    told = processor.publish_from(opt_in())
    assert [change.reason for change in on_topic(CONSENT_LOG, told)] == ["had opted in already"]
    assert len(told) == 1


def test_the_status_follows_each_change() -> None:
    processor = gate_processor()
    processor.feed(opt_in(), at=NOON)
    processor.feed(reply("STOP"), at=NOON + MINUTE)
    told = [
        (status.state, status.consent_epoch, status.since, status.source)
        for status in processor.published_on(CONSENT_STATUS)
    ]
    assert told == [(IN, 1, NOON, "form"), (OUT, 2, NOON + MINUTE, "inbound")]


def test_a_stop_goes_to_every_sender_the_number_was_texted_from() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(request())
    processor.feed(request(sender=BRANCH))
    stops = on_topic(DISPATCH_CONTROLS, processor.publish_from(reply("STOP"), at=NOON + MINUTE))
    assert [(stop.sender, stop.number, stop.tenant, stop.consent_epoch) for stop in stops] == [
        (OWN, PHONE, "acme", 2),
        (BRANCH, PHONE, "acme", 2),
    ]


def test_a_stop_of_somebody_never_texted_goes_nowhere() -> None:
    assert on_topic(DISPATCH_CONTROLS, gate_processor().publish_from(reply("STOP"))) == []


def test_an_unreadable_record_blocks_until_staff_resolve_it() -> None:
    processor = gate_processor()
    processor.feed(opt_in(), at=NOON)
    processor.feed(request(message_id="before"))
    told = processor.publish_from(
        UnreadableRecord(cause="invalid", reason="action: missing", entity_key=f"acme/{PHONE}"),
        at=NOON + MINUTE,
    )
    assert [stop.consent_epoch for stop in on_topic(DISPATCH_CONTROLS, told)] == [2]
    assert decided(processor.publish_from(request(message_id="then"))) == [
        ("then", "hold", ["consent_unreadable"])
    ]
    processor.feed(opt_in(source="import"), at=NOON + 2 * MINUTE)
    processor.feed(recorded(), at=NOON + 2 * MINUTE)
    processor.feed(looked(), at=NOON)
    assert number_state(processor).unreadable_ms, "a yes on record would lift no STOP either"
    assert decided(processor.publish_from(looked(), at=NOON + 3 * MINUTE)) == [
        ("then", "send", ["ready"])
    ]


def test_an_unreadable_text_blocks_until_staff_resolve_it() -> None:
    processor = gate_processor()
    processor.feed(opt_in(), at=NOON)
    processor.feed(request(message_id="before"))
    told = processor.publish_from(unreadable_text(), at=NOON + MINUTE)
    assert [(stop.sender, stop.consent_epoch) for stop in on_topic(DISPATCH_CONTROLS, told)] == [
        (OWN, 2)
    ]
    (entry,) = on_topic(CONSENT_LOG, told)
    assert (entry.action, entry.source, entry.now, entry.event_id) == (
        "unreadable",
        "sms.inbound",
        "opted_in",
        "sms.inbound:0:7:1",
    )
    assert processor.publish_from(unreadable_text()) == [], "said once"
    assert decided(processor.publish_from(request(message_id="then"))) == [
        ("then", "hold", ["consent_unreadable"])
    ]
    assert decided(processor.publish_from(looked(), at=NOON + 2 * MINUTE)) == [
        ("then", "send", ["ready"])
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"evidence": Evidence()}, "only staff", id="nobody's name"),
        pytest.param({"source": "crm"}, "only staff", id="not staff"),
        pytest.param({"source": "inbound"}, "only staff", id="as if by text"),
    ],
)
def test_who_may_not_resolve_what_could_not_be_read(changes: dict[str, Any], why: str) -> None:
    processor = gate_processor()
    processor.feed(unreadable_text(), at=NOON)
    (entry,) = on_topic(CONSENT_LOG, processor.publish_from(looked(**changes), at=NOON + MINUTE))
    assert (entry.applied, why in entry.reason) == (False, True)
    assert number_state(processor).unreadable_ms


def test_who_looked_before_it_came_has_not_seen_it() -> None:
    processor = gate_processor()
    processor.feed(unreadable_text(), at=NOON + MINUTE)
    (entry,) = on_topic(CONSENT_LOG, processor.publish_from(looked(), at=NOON))
    assert (entry.applied, entry.reason) == (
        False,
        "not later than the record that could not be read",
    )


def test_where_nothing_is_blocked_there_is_nothing_to_resolve() -> None:
    (entry,) = on_topic(CONSENT_LOG, gate_processor().publish_from(looked()))
    assert (entry.applied, entry.reason) == (False, "there is nothing to resolve")


def test_to_resolve_is_no_yes() -> None:
    processor = gate_processor()
    processor.feed(reply("STOP"), at=NOON)
    processor.feed(unreadable_text(), at=NOON + MINUTE)
    processor.feed(looked(), at=NOON + 2 * MINUTE)
    assert decided(processor.publish_from(request(message_id="m"))) == [
        ("m", "reject", ["opted_out"])
    ]


@pytest.mark.parametrize(
    "entity_key", ["garbage", "a b/+14155550100", "acme/", "", "acme/+1415\x00"]
)
def test_an_unreadable_record_of_nobody_blocks_nobody(entity_key: str) -> None:
    processor = gate_processor()
    processor.state.entity_key = entity_key
    assert (
        processor.publish_from(
            UnreadableRecord(cause="invalid", reason="not JSON", entity_key=entity_key)
        )
        == []
    )
    assert processor.state.raw == {}


def test_a_revocation_in_other_words_counts_and_is_flagged() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(request())
    said = "Hi, I hired someone else. You can stop texting me now!"
    published = processor.publish_from(reply(said), at=NOON + MINUTE)
    (change,) = on_topic(CONSENT_LOG, published)
    assert (change.applied, change.flagged, change.source, change.now) == (
        True,
        True,
        "inbound",
        OUT,
    )
    assert change.reason == "opted out in other words (stop_texting): to be confirmed or lifted"
    assert change.evidence.text == said
    assert [stop.number for stop in on_topic(DISPATCH_CONTROLS, published)] == [PHONE]
    assert number_state(processor).flagged


@pytest.mark.parametrize(
    ("then", "flagged"),
    [
        pytest.param(reply("please stop texting me"), True, id="said again"),
        pytest.param(reply("STOP"), False, id="confirmed by a keyword"),
        pytest.param(opt_out(source="manual"), False, id="confirmed by somebody who looked"),
        pytest.param(reply("START"), False, id="taken back"),
    ],
)
def test_a_flagged_opt_out_stays_flagged_until_settled(
    then: ConsentEvent | Reply, flagged: bool
) -> None:
    processor = gate_processor()
    processor.feed(reply("leave me alone"), at=NOON)
    (change,) = on_topic(CONSENT_LOG, processor.publish_from(then, at=NOON + MINUTE))
    assert number_state(processor).flagged is flagged
    assert not change.flagged, "what it changed was flagged once"


def test_a_tenants_own_words_count() -> None:
    processor = gate_processor(locales=("es",), keywords={"stop": ["adios"]})
    processor.feed(opt_in())
    processor.feed(reply("¡Adiós!"))
    assert number_state(processor).state is OUT
    processor.feed(reply("sí"), at=NOON + MINUTE)
    assert number_state(processor).state is IN


def test_a_yes_to_nothing_that_was_asked_is_for_people() -> None:
    processor = gate_processor()
    assert processor.publish_from(reply("yes!")) == []
    assert processor.state.raw == {}


def test_a_settings_file_without_the_tenant_takes_nothing_away() -> None:
    processor = gate_processor()
    processor.settings = processor.settings._replace(tenants={})
    processor.feed(reply("STOP"))
    assert number_state(processor).state is OUT

"""What a STOP, a START and a HELP lead to: one answer where the carrier gives none, and what is
stopped or lifted."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.consent import ConsentState
from schemas.send import Priority
from schemas.topics import (
    CONSENT_LOG,
    CONSENT_STATUS,
    DECISIONS,
    DISPATCH_CONTROLS,
    DISPATCH_ORDERS,
)
from streams.gate.messages import AFTER_OPT_OUT, SYSTEM_PRIORITIES, WITHOUT_OPT_IN
from streams.local_time.open_hours import AT_ANY_HOUR
from tests.core.gate.cases import (
    BRANCH,
    DAY,
    HOUR,
    MINUTE,
    NOON,
    OWN,
    SECOND,
    SHARED,
    decided,
    gate_processor,
    opt_in,
    opt_out,
    reply,
    request,
)
from tests.core.harness import ProcessorHarness, on_topic


def own(published: list[Any]) -> list[tuple[str, str, str]]:
    """(kind, sender, text) of each text that Sayso started."""
    return [
        (o.kind, o.sender, o.body)
        for o in on_topic(DISPATCH_ORDERS, published)
        if o.kind in WITHOUT_OPT_IN
    ]


def consented(**policy: Any) -> ProcessorHarness:
    processor = gate_processor(**policy)
    processor.feed(opt_in())
    return processor


def blocked_by_carrier(sender: str) -> Any:
    return opt_out(source="carrier", sender=sender, message_id="m0")


STOPPED = "Acme: you are unsubscribed and will get no more texts. Reply START to get them again."
STARTED = (
    "Acme: you will get texts about your business with us. Message frequency varies. Msg&data rates may apply. "
    "Reply HELP for help, STOP to opt out."
)


def test_the_kinds_that_go_without_a_yes_are_five() -> None:
    assert {*WITHOUT_OPT_IN} == {
        "consent_ask",
        "stop_confirmation",
        "start_confirmation",
        "help_answer",
        "opt_in_hint",
    }
    assert {*AFTER_OPT_OUT} == {"stop_confirmation", "help_answer"}
    assert {*SYSTEM_PRIORITIES} - {*WITHOUT_OPT_IN} == {"unmonitored_answer"}
    assert {*AT_ANY_HOUR} == {*SYSTEM_PRIORITIES} - {"consent_ask", "opt_in_hint"}


@pytest.mark.parametrize("kind", [*SYSTEM_PRIORITIES])
def test_no_producer_can_ask_for_one_of_them(kind: str) -> None:
    assert (
        decided(gate_processor().publish_from(request(message_id="a", kind="reminder")))[0][1]
        == "hold"
    )
    (decision,) = on_topic(DECISIONS, consented().publish_from(request(kind=kind)))
    assert (decision.verdict, [found.rule for found in decision.findings]) == (
        "reject",
        ["unknown_kind"],
    )


# --- confirmations


def test_a_stop_is_confirmed_once_however_often_they_write_it() -> None:
    processor = consented()
    told = processor.publish_from(reply("STOP"))
    (order,) = on_topic(DISPATCH_ORDERS, told)
    assert own(told) == [("stop_confirmation", OWN, STOPPED)]
    assert (order.lane, order.consent_epoch, order.send_before) == (
        Priority.REPLY,
        2,
        NOON + 5 * MINUTE,
    )
    assert (
        own(processor.publish_from(reply("stop")))
        == own(processor.publish_from(reply("END")))
        == []
    )


def test_a_start_is_confirmed_before_what_waited_goes() -> None:
    processor = gate_processor()
    processor.feed(request(message_id="a"))
    told = processor.publish_from(reply("START"))
    assert [order.kind for order in on_topic(DISPATCH_ORDERS, told)] == [
        "start_confirmation",
        "reminder",
    ]
    assert own(told) == [("start_confirmation", OWN, STARTED)]
    assert own(processor.publish_from(reply("START"))) == []


def test_there_is_one_for_each_change() -> None:
    processor = consented()
    told = [
        own(processor.publish_from(reply(word), at=NOON + at * SECOND))
        for at, word in enumerate(["STOP", "START", "STOP"])
    ]
    assert [kind for ((kind, _, _),) in told] == [
        "stop_confirmation",
        "start_confirmation",
        "stop_confirmation",
    ]
    identities = [order.message_id for order in processor.published_on(DISPATCH_ORDERS)]
    assert len(set(identities)) == 3


@pytest.mark.parametrize(
    "sender", [SHARED, BRANCH, "99999"], ids=["a long code", "another", "nobody's"]
)
@pytest.mark.parametrize("word", ["STOP", "START", "HELP"])
def test_where_the_carrier_answers_we_do_not(sender: str, word: str) -> None:
    processor = gate_processor()
    assert own(processor.publish_from(reply(word, sender=sender))) == []


def test_a_sender_may_be_declared_otherwise() -> None:
    processor = consented()
    senders = {
        name: one.model_copy(update={"answers_keywords": name == OWN})
        for name, one in processor.settings.senders.items()
    }
    processor.settings = processor.settings._replace(senders=senders)
    assert own(processor.publish_from(reply("STOP", sender=OWN))) == []
    assert own(processor.publish_from(reply("START", sender=BRANCH), at=NOON + SECOND)) == [
        ("start_confirmation", BRANCH, STARTED)
    ]


def test_what_nobody_wrote_is_not_confirmed() -> None:
    processor = gate_processor()
    assert own(processor.publish_from(opt_in()) + processor.publish_from(opt_out())) == []


@pytest.mark.parametrize("body", ["PARAR", "arrêt", "STOP please", "Re: stop", "退订"])
def test_no_carrier_answers_other_words_than_its_own(body: str) -> None:
    processor = consented()
    told = own(processor.publish_from(reply(body, sender=SHARED)))
    assert [kind for kind, _, _ in told] == ["stop_confirmation"]


@pytest.mark.parametrize("body", ["Stop.", " stopall ", "OptOut!"])
def test_marks_around_its_words_are_nothing_to_a_carrier(body: str) -> None:
    processor = consented()
    assert own(processor.publish_from(reply(body, sender=SHARED))) == []


def test_help_in_another_language_is_answered_by_us() -> None:
    processor = consented(locales=("en", "es"))
    told = own(processor.publish_from(reply("AYUDA", sender=SHARED)))
    assert [kind for kind, _, _ in told] == ["help_answer"]


def test_no_carrier_answers_what_is_said_in_other_words() -> None:
    processor = consented()
    assert [
        kind
        for kind, _, _ in own(
            processor.publish_from(reply("please stop texting me", sender=SHARED))
        )
    ] == ["stop_confirmation"]


def test_a_confirmation_that_is_late_does_not_go() -> None:
    processor = consented()
    processor.now = NOON + 5 * MINUTE
    told = processor.publish_from_stamped(reply("STOP"), NOON)
    (decision,) = on_topic(DECISIONS, told)
    assert (own(told), decision.kind, decision.verdict) == ([], "stop_confirmation", "expire")


def test_an_answer_goes_at_night_too() -> None:
    processor = gate_processor(NOON + 10 * HOUR, when={})
    assert [kind for kind, _, _ in own(processor.publish_from(reply("HELP")))] == ["help_answer"]
    assert [kind for kind, _, _ in own(processor.publish_from(reply("STOP")))] == [
        "stop_confirmation"
    ]


def test_help_is_answered_and_changes_no_consent() -> None:
    processor = gate_processor(contact="+1 800 555 0199")
    said = reply("help?")
    assert own(processor.publish_from(said)) == [
        (
            "help_answer",
            OWN,
            "Acme: texts about your business with us. Contact: +1 800 555 0199. Msg&data rates may "
            "apply. Reply STOP to opt out.",
        )
    ]
    assert processor.publish_from(said) == []
    assert (processor.published_on(CONSENT_LOG), processor.published_on(CONSENT_STATUS)) == ([], [])


def test_two_machines_do_not_keep_each_other_talking() -> None:
    processor = gate_processor()
    told = []
    for second in range(0, 1200, 10):
        told += own(processor.publish_from(reply("INFO"), at=NOON + second * SECOND))
    assert len(told) == 4


# --- what a STOP is said to


def test_by_default_a_stop_is_said_to_all_the_tenants_senders() -> None:
    processor = consented()
    processor.feed(reply("STOP", sender=SHARED))
    assert decided(processor.publish_from(request(message_id="a"))) == [
        ("a", "reject", ["opted_out"])
    ]


def test_a_tenant_may_have_it_said_to_one_sender() -> None:
    processor = consented(stop_scope="sender")
    for sender in (OWN, SHARED):
        processor.feed(request(sender=sender))
    stops = on_topic(DISPATCH_CONTROLS, processor.publish_from(reply("STOP", sender=SHARED)))
    assert [(stop.sender, stop.consent_epoch) for stop in stops] == [(SHARED, 2)]
    (rejected,) = on_topic(
        DECISIONS, processor.publish_from(request(message_id="a", sender=SHARED))
    )
    assert rejected.findings[0].reason == f"The recipient opted out of texts from {SHARED}"
    assert decided(processor.publish_from(request(message_id="b"))) == [("b", "send", [])]
    processor.feed(reply("START", sender=OWN), at=NOON + MINUTE)
    assert decided(processor.publish_from(request(message_id="c", sender=SHARED))) == [
        ("c", "reject", ["opted_out"])
    ]
    processor.feed(reply("START", sender=SHARED), at=NOON + 2 * MINUTE)
    assert decided(processor.publish_from(request(message_id="d", sender=SHARED))) == [
        ("d", "send", [])
    ]


def test_an_older_start_lifts_no_newer_stop_of_a_sender() -> None:
    processor = consented(stop_scope="sender")
    processor.feed(reply("STOP", sender=SHARED))
    processor.feed(reply("START", sender=SHARED, appended_at=NOON - SECOND))
    assert decided(processor.publish_from(request(message_id="a", sender=SHARED))) == [
        ("a", "reject", ["opted_out"])
    ]


def test_who_never_opted_in_says_stop_to_all() -> None:
    processor = gate_processor(stop_scope="sender")
    processor.feed(request())
    processor.feed(reply("STOP"))
    assert processor.published_on(CONSENT_STATUS)[-1].state is ConsentState.OPTED_OUT


def test_a_carrier_block_stops_that_sender_alone() -> None:
    processor = consented()
    for sender in (OWN, SHARED):
        processor.feed(request(sender=sender))
    told = processor.publish_from(blocked_by_carrier(SHARED), at=NOON + MINUTE)
    assert [(stop.sender, stop.consent_epoch) for stop in on_topic(DISPATCH_CONTROLS, told)] == [
        (SHARED, 2)
    ]
    (change,) = on_topic(CONSENT_LOG, told)
    assert (change.was, change.now, change.applied) == ("opted_in", "opted_in", True)
    assert (
        change.reason
        == f"the carrier blocks texts from {SHARED} to this number; our records did not show it"
    )
    assert decided(processor.publish_from(request(message_id="a", sender=SHARED))) == [
        ("a", "reject", ["blocked_by_carrier"])
    ]
    assert decided(processor.publish_from(request(message_id="b"))) == [("b", "send", [])]
    (again,) = on_topic(
        CONSENT_LOG, processor.publish_from(blocked_by_carrier(SHARED), at=NOON + HOUR)
    )
    assert not again.applied
    processor.feed(reply("START", sender=SHARED), at=NOON + DAY)
    assert decided(processor.publish_from(request(message_id="c", sender=SHARED))) == [
        ("c", "send", [])
    ]


def test_a_carrier_blocks_few_senders_a_number() -> None:
    processor = consented()
    for place in range(300):
        processor.feed(blocked_by_carrier(f"{place:05}"))
    assert len(processor.state.raw[""]) < 16_000


# --- clocks


def test_an_opt_in_from_the_future_is_logged_and_texts_wait() -> None:
    processor = gate_processor()
    processor.feed(request(message_id="a"))
    told = processor.publish_from_stamped(reply("START"), NOON + 6 * SECOND)
    (held,) = [one for one in on_topic(DECISIONS, told) if one.message_id == "a"]
    (found,) = held.findings
    assert (held.verdict, found.rule, held.until) == ("hold", "clock_skew", NOON + 6 * SECOND)
    assert found.reason.endswith("nothing that depends on the time is decided")
    assert processor.published_on(CONSENT_STATUS)[-1].state is ConsentState.OPTED_IN
    assert decided(processor.run_until(NOON + 6 * SECOND)) == [("a", "send", ["ready"])]


@pytest.mark.parametrize("ahead", [5 * SECOND, -DAY], ids=["five seconds", "an old record"])
def test_what_lags_or_is_near_shows_nothing(ahead: Any) -> None:
    processor = gate_processor()
    processor.feed(request(message_id="a"))
    assert decided(processor.publish_from_stamped(reply("START"), NOON + ahead)) == [
        ("a", "send", ["ready"])
    ]


def test_by_a_wrong_clock_nobody_is_asked() -> None:
    processor = gate_processor()
    processor.publish_from_stamped(opt_in(source="manual"), NOON + MINUTE)
    told = processor.publish_from(request(message_id="a"))
    assert decided(told) == [("a", "hold", ["clock_skew", "not_opted_in"])]
    assert own(told) == []


def test_a_stop_from_the_future_counts_now() -> None:
    processor = consented()
    processor.publish_from_stamped(reply("STOP"), NOON + HOUR)
    assert decided(processor.publish_from(request(message_id="a"))) == [
        ("a", "reject", ["clock_skew", "opted_out"])
    ]


# --- senders


def test_from_a_sender_that_hears_nothing_nothing_goes() -> None:
    processor = gate_processor()
    senders = {
        name: one.model_copy(update={"hears": False})
        for name, one in processor.settings.senders.items()
    }
    processor.settings = processor.settings._replace(senders=senders)
    assert decided(processor.publish_from(request(message_id="a"))) == [
        ("a", "reject", ["not_opted_in", "sender_cannot_receive"])
    ]
    assert own(processor.published) == []

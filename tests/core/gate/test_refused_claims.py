"""A claim about no number, or for nobody, is never applied; and what it may have meant is blocked."""

from __future__ import annotations

import pytest

from schemas.consent import ConsentEvent, ConsentState
from schemas.dead_letter import DeadLetter
from schemas.topics import CONSENT_EVENTS, CONSENT_LOG, DEAD_LETTERS
from streams.gate import gate, gate_on_timer
from streams.gate.number_readings import GUESSES_AT_MOST, find_readings
from streams.gate.state import NUMBER, NumberState
from streams.processing import Publication
from tests.core.gate.cases import NOON, gate_processor, number_state, opt_in, reply, settings
from tests.core.harness import ProcessorHarness


def processor_of(key: str, **policy: object) -> ProcessorHarness:
    return ProcessorHarness(gate, gate_on_timer, key, settings(**policy), now=NOON)


def letters(published: list[Publication]) -> list[DeadLetter]:
    return [one.value for one in published if one.topic is DEAD_LETTERS]  # type: ignore[misc]


def blocks(published: list[Publication]) -> list[ConsentEvent]:
    return [one.value for one in published if one.topic is CONSENT_EVENTS]  # type: ignore[misc]


def out(**changes: object) -> ConsentEvent:
    return opt_in(**{"action": "opt_out", **changes})


NO_NUMBERS = ["+1312555017", "00442079460000", "3125550177", "+18005550100", "HARBOR", "+99912345"]


@pytest.mark.parametrize("number", NO_NUMBERS)
@pytest.mark.parametrize("action", ["opt_in", "opt_out", "ask", "unreadable", "resolved"])
def test_a_claim_about_no_number_is_a_dead_letter_that_says_so(number: str, action: str) -> None:
    processor = processor_of(f"acme/{number}")
    published = processor.publish_from(opt_in(number=number, action=action))
    assert [one.cause for one in letters(published)] == ["not_a_number"]
    assert "changed no consent" in letters(published)[0].reason
    known = processor.state.get(NUMBER, NumberState)
    assert known is None or known.state is ConsentState.NONE
    applied = [one.value.action for one in published if one.topic is CONSENT_LOG]  # type: ignore[attr-defined]
    assert set(applied) <= {"unreadable"}


@pytest.mark.parametrize(
    ("number", "meant"),
    [
        ("00442079460000", ["+442079460000"]),
        ("011442079460000", ["+442079460000"]),
        ("3125550177", ["+13125550177"]),
        ("13125550177", ["+13125550177"]),
        ("+13125550177,+13125550178", ["+13125550177", "+13125550178"]),
        ("+13125550177home", ["+13125550177"]),
    ],
)
def test_an_opt_out_blocks_the_number_that_it_says_in_another_way(
    number: str, meant: list[str]
) -> None:
    processor = processor_of(f"acme/{number}")
    found = blocks(processor.publish_from(out(number=number)))
    assert [one.number for one in found] == meant
    assert {(one.action, one.tenant, one.only_if_known) for one in found} == {
        ("unreadable", "acme", False)
    }


def test_an_opt_out_with_a_digit_too_few_blocks_the_known_numbers_that_it_may_mean() -> None:
    processor = processor_of("acme/+1312555017")
    found = blocks(processor.publish_from(out(number="+1312555017")))
    assert "+13125550177" in {one.number for one in found}
    assert all(one.only_if_known for one in found)
    assert len(found) <= GUESSES_AT_MOST


def test_a_guess_blocks_a_number_that_the_tenant_knows_and_no_other() -> None:
    guess = out(action="unreadable", source="sms.consent-events", only_if_known=True)
    stranger = gate_processor()
    stranger.feed(guess)
    assert stranger.state.get(NUMBER, NumberState) in (None, NumberState())
    known = gate_processor()
    known.feed(opt_in())
    known.feed(guess.model_copy(update={"event_id": "guess-2"}))
    assert number_state(known).unreadable_ms


def test_an_opt_in_about_no_number_blocks_nobody() -> None:
    processor = processor_of("acme/00442079460000")
    assert blocks(processor.publish_from(opt_in(number="00442079460000"))) == []


@pytest.mark.parametrize(
    ("written", "meant"), [("acmee", {"acme"}), ("ACME", {"acme"}), ("zenith", {"acme", "bolt"})]
)
def test_an_opt_out_for_an_unknown_tenant_blocks_the_number_where_it_may_be_meant(
    written: str, meant: set[str]
) -> None:
    processor = processor_of(f"{written}/+14155550100")
    acme = processor.settings.tenants["acme"]
    bolt = acme.model_copy(update={"tenant": "bolt"})
    processor.settings = processor.settings._replace(tenants={"acme": acme, "bolt": bolt})
    published = processor.publish_from(out(tenant=written))
    assert [one.cause for one in letters(published)] == ["unknown_tenant"]
    assert {one.tenant for one in blocks(published)} == meant
    assert {one.number for one in blocks(published)} == {"+14155550100"}
    assert number_state(processor).state is ConsentState.NONE
    assert number_state(processor).unreadable_ms, "should that tenant be applied"


def test_an_opt_in_for_an_unknown_tenant_opts_nobody_in_and_can_be_replayed() -> None:
    processor = processor_of("zenith/+14155550100")
    published = processor.publish_from(opt_in(tenant="zenith"))
    assert [one.cause for one in letters(published)] == ["unknown_tenant"]
    assert blocks(published) == []
    acme = processor.settings.tenants["acme"]
    zenith = acme.model_copy(update={"tenant": "zenith"})
    processor.settings = processor.settings._replace(tenants={"zenith": zenith})
    processor.feed(opt_in(tenant="zenith"))
    assert number_state(processor).state is ConsentState.OPTED_IN


def test_a_keyword_from_what_is_no_number_is_a_dead_letter() -> None:
    processor = processor_of("acme/24273")
    assert [
        one.cause for one in letters(processor.publish_from(reply("STOP", number="24273")))
    ] == ["not_a_number"]
    assert letters(processor.publish_from(reply("Thank you", number="24273"))) == []


def test_readings_are_bounded_and_valid() -> None:
    for written in (*NO_NUMBERS, "+" + "1" * 60, "", "x" * 1000, "\ud800"):
        likely, guesses = find_readings(written, ("US", "CA", "GB"))
        assert len(likely) + len(guesses) <= GUESSES_AT_MOST
    assert find_readings("020 7946 0000", ("GB",)).likely == ("+442079460000",)

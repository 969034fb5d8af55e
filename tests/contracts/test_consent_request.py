"""The opt-in request's template: no part may be missing, and old records still mean what they
meant."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.consent import ConsentState, ConsentStatus
from schemas.consent_request import PARTS, WORDING, ConsentRequest
from schemas.tenant_settings import TenantSettings

OWN = "{company} would like to text you about {purpose}.\n{frequency} {rates}\n{answers}"


def settings(**changes: Any) -> TenantSettings:
    return TenantSettings.model_validate(
        {"tenant": "acme", "name": "Acme {Law}", "sender": "24273"} | changes
    )


def test_settings_from_before_have_a_whole_request() -> None:
    assert settings().opt_in_request == (
        "Acme {Law}: may we text you about your business with us? Message frequency varies. Msg&data rates may apply. "
        "Reply START to receive texts, STOP to opt out, HELP for help."
    )


def test_a_tenant_may_word_it_otherwise() -> None:
    parts = {
        "wording": OWN,
        "company": "Acme",
        "purpose": "your {case}",
        "rates": "Msg & data rates may apply.",
    }
    assert settings(consent_request=parts).opt_in_request.splitlines() == [
        "Acme would like to text you about your {case}.",
        "Message frequency varies. Msg & data rates may apply.",
        "Reply START to receive texts, STOP to opt out, HELP for help.",
    ]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_without_its_place_is_named(part: str) -> None:
    with pytest.raises(ValidationError, match=rf"must say {PARTS[part]}: \{{{part}\}} is missing"):
        ConsentRequest(wording=WORDING.replace(f"{{{part}}}", part))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_says_nothing_is_named(part: str) -> None:
    with pytest.raises(ValidationError, match=f"must say {PARTS[part]}: {part} is missing"):
        ConsentRequest.model_validate({part: " \n"})


@pytest.mark.parametrize("word", ["START", "STOP", "HELP"])
def test_an_answer_that_is_not_named_is(word: str) -> None:
    with pytest.raises(ValidationError, match=f"{word} is missing"):
        ConsentRequest(answers="START STOP HELP".replace(word, word.lower()))


@pytest.mark.parametrize(
    "wording", [WORDING + "{more}", WORDING + "{", WORDING + "{0}", WORDING + "{rates!r}"]
)
def test_a_wording_that_cannot_be_filled_in_is_refused(wording: str) -> None:
    with pytest.raises(ValidationError):
        ConsentRequest(wording=wording)


def test_a_request_that_no_carrier_takes_is_refused() -> None:
    with pytest.raises(ValidationError, match="1600 is the most"):
        settings(consent_request={"purpose": "x" * 1600})


def test_another_template_has_another_version() -> None:
    assert (
        ConsentRequest().version
        == ConsentRequest().version
        != ConsentRequest(purpose="your case").version
    )


def test_unknown_of_older_records_is_none() -> None:
    old = ConsentStatus.model_validate(
        {
            "tenant": "acme",
            "number": "+14155550100",
            "state": "unknown",
            "consent_epoch": 0,
            "since": "2026-11-21T17:00:00Z",
            "source": "",
        }
    )
    assert old.state is ConsentState.NONE

"""How a settings file says at which hours and how often."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from schemas.tenant_settings import TenantSettings
from schemas.topics import SETTINGS
from schemas.when import When


def written(text: str) -> When:
    return When.model_validate(yaml.safe_load(text) or {})


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        pytest.param("", "08:00", "21:00", id="left out: federal law"),
        pytest.param("quiet_hours: {before: '09:00'}", "09:00", "21:00", id="one of them"),
        pytest.param(
            "quiet_hours: {before: '10:00', after: '24:00'}", "10:00", "24:00", id="until midnight"
        ),
        pytest.param("quiet_hours: none", "00:00", "24:00", id="none"),
    ],
)
def test_quiet_hours(text: str, before: str, after: str) -> None:
    quiet = written(text).quiet_hours
    assert (quiet.before, quiet.after) == (before, after)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "quiet_hours: {before: '21:00', after: '08:00'}",
            "no time is left between 21:00 and 08:00",
        ),
        ("quiet_hours: {before: '08:00', after: '08:00'}", "no time is left"),
        ("quiet_hours: {before: '8:00'}", "should match pattern"),
        ("quiet_hours: {after: '25:00'}", "should match pattern"),
        ("quiet_hours: {after: 8}", "should be a valid string"),
        ("quiet_hours: {before: '0900'}", "should match pattern"),
        ("quiet_hours: {before: '900'}", "should match pattern"),
        ("quiet_hours: {after: '9pm'}", "should match pattern"),
        ("quiet_hours: {before: '24:00'}", "no time is left"),
        ("quiet_hours: {after: true}", "should be a valid string"),
        ("quiet_hours: off", "should be a valid dictionary"),
        ("quiet_hours: null", "should be a valid dictionary"),
        ("marketing: never", "'by_state' or 'as_others'"),
        (
            "caps: {marketting: {day: 1}}",
            "there is no kind of text named 'marketting': kinds are transactional, ",
        ),
        ("caps: {marketing: {day: 0}}", "greater than or equal to 1"),
        ("caps: {marketing: {week: 51}}", "less than or equal to 50"),
    ],
)
def test_a_mistake_is_named(text: str, words: str) -> None:
    with pytest.raises(ValidationError, match=r"(?s).") as refused:
        written(text)
    assert words in str(refused.value)


def test_none_is_kept_on_the_wire() -> None:
    """Where an absent field means its default, it cannot be told by one that is absent."""
    given: dict[str, Any] = {
        "tenant": "a",
        "name": "A",
        "sender": "72975",
        "when": {"quiet_hours": "none"},
    }
    settings = TenantSettings.model_validate(given)
    assert SETTINGS.decode(SETTINGS.encode(settings)) == settings
    assert settings.version != TenantSettings.model_validate(given | {"when": {}}).version

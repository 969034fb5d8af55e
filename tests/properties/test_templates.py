"""Whatever is put into a text stays as it is, and its words stay true until they are said to
end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.calendar.instants import instant_of
from streams.templates.fields import PersonFields, is_missing
from streams.templates.rendering import render
from tests.core.templates.cases import HEARING, fields

ZONES = (
    *("America/New_York", "America/Phoenix", "Asia/Kolkata", "Australia/Lord_Howe"),
    *("Pacific/Honolulu", "Pacific/Apia", "Europe/Dublin"),
)
STEP = timedelta(minutes=30)
DAYS = {"today": 0, "tomorrow": 1}


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=30)
    | st.sampled_from(["{{x}}"])
)
@settings(max_examples=100)
def test_a_value_is_inert(name: str) -> None:
    if not is_missing(name):
        made = render("<{{ person.name }}>", fields(person=PersonFields(name)), "en")
        assert made.body == f"<{name}>"


@st.composite
def tellings(draw: st.DrawFn) -> tuple[str, str, tuple[str, ...], datetime]:
    """An event, its zone, where its recipient may be, and when the text leaves."""
    zone = draw(st.sampled_from(ZONES))
    day = date(2026, 3, 6) + timedelta(days=draw(st.integers(0, 5)))
    starts_at = f"{day}T{draw(st.times()):%H:%M}"
    zones = tuple(draw(st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True)))
    before = timedelta(minutes=draw(st.integers(0, 9 * 1440)))
    return starts_at, zone, zones, instant_of(starts_at, zone) - before


@given(tellings())
@settings(max_examples=150)
def test_a_relative_day_is_true_for_as_long_as_it_says(
    drawn: tuple[str, str, tuple[str, ...], datetime],
) -> None:
    starts_at, zone, zones, now = drawn
    event = HEARING._replace(starts_at=starts_at, zone=zone)
    word, until = render(
        "{{ event.relative_day }}", fields(event=event, zones=zones, now=now), "en"
    )
    day = date.fromisoformat(starts_at[:10])
    if word in DAYS:
        assert until is not None
        moment = now
        while moment < until:
            assert {(day - shown(moment, each)).days for each in zones} == {DAYS[word]}
            moment += STEP
        assert {(day - shown(until, each)).days for each in zones} != {DAYS[word]}
    elif until is None:
        assert word == f"{day:%A, %B} {day.day}"
    else:
        assert word == f"{day:%A}"
        ahead = [(day - shown(now, each)).days for each in zones]
        assert max(ahead) < 7
        assert min((day - shown(until - STEP, each)).days for each in zones) == 0


def shown(moment: datetime, zone: str) -> date:
    return moment.astimezone(UTC).astimezone(ZoneInfo(zone)).date()


@given(tellings(), st.sampled_from(["es", "fr", "pt", "de", "it"]))
@settings(max_examples=60)
def test_whose_clock_is_said_where_it_may_differ(
    drawn: tuple[str, str, tuple[str, ...], datetime], language: str
) -> None:
    starts_at, zone, zones, now = drawn
    event = HEARING._replace(starts_at=starts_at, zone=zone)
    made = fields(event=event, zones=zones, now=now)
    at = instant_of(starts_at, zone)
    same = {at.astimezone(ZoneInfo(each)).utcoffset() for each in (*zones, zone)}
    assert (render("{{ event.clock_note }}", made, language).body != "") == (len(same) > 1)

"""From a template to the text that leaves: values, clocks, and words that are true for a while."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from streams.encoding.segments import count_segments
from streams.templates.built_in import read_reminder_texts
from streams.templates.fields import FIELDS, DateFields, Fields, PersonFields, TenantFields
from streams.templates.grammar import BrokenTemplate, MissingValue
from streams.templates.rendering import render
from tests.core.templates.cases import DENVER, HEARING, NEW_YORK, PHOENIX, at, fields

FILING = DateFields("filing", date(2026, 11, 2), NEW_YORK)


def body(template: str, given: Fields | None = None, language: str = "en") -> str:
    return render(template, given or fields(), language).body


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("person.name", "Ana Ruiz"),
        ("person.first", "Ana"),
        ("person.language", "es"),
        ("case.title", "In re Ruiz"),
        ("case.reference", "8:26-bk-1"),
        ("case.type", "bankruptcy"),
        ("case.branch", "Oakland"),
        ("event.title", "Hearing"),
        ("event.date", "November 2, 2026"),
        ("event.time", "9:00 AM"),
        ("event.day", "Monday, November 2"),
        ("event.weekday", "Monday"),
        ("event.relative_day", "Monday, November 2"),
        ("event.location", "Room 4"),
        ("event.clock_note", ""),
        ("tenant.name", "Harbor Legal Aid"),
        ("tenant.contact", "+12125550100"),
        ("date.name", "filing"),
        ("date.date", "November 2, 2026"),
        ("date.day", "Monday, November 2"),
        ("date.weekday", "Monday"),
        ("date.relative_day", "Monday, November 2"),
        ("confirm.word", "C"),
    ],
)
def test_each_field(field: str, value: str) -> None:
    assert body(f"{{{{ {field} }}}}", fields(date=FILING)) == value


def test_every_field_is_tried_above() -> None:
    (mark,) = test_each_field.pytestmark  # type: ignore[attr-defined]
    assert [field for field, _ in mark.args[1]] == list(FIELDS)


@pytest.mark.parametrize(
    "name",
    [
        *("McDonald", "O’Brien", "Anne Marie", "de la Cruz", "$& {{x}}", "{% if %}", "a & <b>"),
        *("{{ person.first }}", "\\1 %s {0}", "Żółć 🙂", "Nil", "Nan"),
    ],
)
def test_a_name_stays_as_it_was_written(name: str) -> None:
    given = fields(person=PersonFields(name, name))
    assert body("Hi {{ person.first }}, {{ person.name }}", given) == f"Hi {name}, {name}"


@pytest.mark.parametrize("name", [None, "", "  ", "\u200b", "null", "NULL", "None", "undefined"])
class TestWithoutAName:
    def test_the_text_does_not_go(self, name: str | None) -> None:
        given = fields(person=PersonFields("", name))
        with pytest.raises(MissingValue) as missing:
            render("Hi {{ person.first }}!", given, "en")
        assert missing.value.field == "person.first"

    def test_a_default_lifts_it(self, name: str | None) -> None:
        given = fields(person=PersonFields("", name))
        assert body("Hi {{ person.first | default: 'there' }}!", given) == "Hi there!"

    def test_if_asks_for_it(self, name: str | None) -> None:
        given = fields(person=PersonFields("", name))
        asked = "{% if person.first %}Hi {{ person.first }}{% else %}Hello{% endif %}"
        assert body(asked, given) == "Hello"
        assert body("{% unless person.first %}Hello{% endunless %}", given) == "Hello"

    def test_no_filter_hides_it(self, name: str | None) -> None:
        given = fields(person=PersonFields("", name))
        for change in ("upcase", "truncate: 9", "phone", "day"):
            with pytest.raises(MissingValue):
                render(f"{{{{ person.first | {change} }}}}", given, "en")


@pytest.mark.parametrize(
    ("template", "field"),
    [
        ("{{ event.location }}", "event.location"),
        ("{{ event.time }}", "event.time"),
        ("{{ event.date | time }}", "event.time"),
        ("{{ case.reference }}", "case.reference"),
        ("{{ date.day }}", "date.day"),
        ("{{ confirm.word }}", "confirm.word"),
    ],
)
def test_what_is_missing_is_named(template: str, field: str) -> None:
    day = HEARING._replace(starts_at="2026-11-02", location=None)
    given = fields(event=day, confirm=None, case=fields().case._replace(reference=""))
    with pytest.raises(MissingValue) as missing:
        render(template, given, "en")
    assert missing.value.field == field


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ event.date | weekday }}", "Monday"),
        ("{{ event.weekday | date }}", "November 2, 2026"),
        ("{{ event.relative_day | day }}", "Monday, November 2"),
        ("{{ event.day | time }}", "9:00 AM"),
        ("{{ case.title | truncate: 8 }}", "In re..."),
        ("{{ case.title | truncate: 80 }}", "In re Ruiz"),
        ("{{ case.title | upcase }}", "IN RE RUIZ"),
        ("{{ tenant.contact | phone }}", "(212) 555-0100"),
        ("{{ tenant.name | phone }}", "Harbor Legal Aid"),
        ("  a {%- if person.first -%} b {%- endif -%}\n", "ab"),
    ],
)
def test_filters(template: str, text: str) -> None:
    assert body(template) == text


# --- clocks


@pytest.mark.parametrize(
    ("zone", "zones", "time"),
    [
        pytest.param(PHOENIX, (DENVER,), "9:00 AM Arizona time", id="E4: another clock"),
        pytest.param(PHOENIX, (PHOENIX,), "9:00 AM", id="the same zone"),
        pytest.param(PHOENIX, ("America/Los_Angeles",), "9:00 AM", id="the same time that day"),
        pytest.param(NEW_YORK, (NEW_YORK, "America/Chicago"), "9:00 AM Eastern time", id="may be"),
        pytest.param("Asia/Kolkata", (NEW_YORK,), "9:00 AM Kolkata time", id="no name: its town"),
        pytest.param("America/Panama", (DENVER,), "9:00 AM Panama time", id="no summer time"),
        pytest.param(PHOENIX, (), "9:00 AM", id="nobody knows where they are"),
    ],
)
def test_whose_clock(zone: str, zones: tuple[str, ...], time: str) -> None:
    summer = HEARING._replace(starts_at="2026-07-01T09:00", zone=zone)
    given = fields(event=summer, zones=zones)
    note = time.removeprefix("9:00 AM").strip()
    assert body("{{ event.time }}", given) == time
    assert body("{{ event.clock_note }}", given) == note
    apart = "{{ event.time }}{% if event.clock_note %} ({{ event.clock_note }}){% endif %}"
    assert body(apart, given) == (f"9:00 AM ({note})" if note else "9:00 AM")


@pytest.mark.parametrize(
    ("language", "zone", "time"),
    [
        ("en", NEW_YORK, "2:30 PM"),
        ("es", NEW_YORK, "2:30 p.m."),
        ("es", "Europe/Madrid", "14:30"),
        ("es-MX", NEW_YORK, "2:30 p.m."),
        ("en", "Europe/Dublin", "14:30"),
        ("fr", "America/Toronto", "14 h 30"),
        ("de", NEW_YORK, "14:30"),
        ("xx", NEW_YORK, "2:30 PM"),
    ],
)
def test_a_time_as_people_there_write_it(language: str, zone: str, time: str) -> None:
    given = fields(event=HEARING._replace(starts_at="2026-11-02T14:30", zone=zone), zones=(zone,))
    written = body("{{ event.time }}", given, language)
    assert written.replace("p. m.", "p.m.") == time
    assert written.isascii()


def test_e19_a_time_does_not_make_a_text_ucs2() -> None:
    template = "{{ event.time }}" + "." * 101
    assert len(body(template)) == 108
    assert count_segments(body(template)) == 1


# --- words that are true for a while


@pytest.mark.parametrize(
    ("now", "word", "until"),
    [
        pytest.param("2026-11-02 05:00", "today", "2026-11-03 05:00", id="from midnight"),
        pytest.param("2026-11-02 13:00", "today", "2026-11-03 05:00", id="an hour before"),
        pytest.param("2026-11-01 04:00", "tomorrow", "2026-11-02 05:00", id="a day of 25 hours"),
        pytest.param("2026-11-02 04:59", "tomorrow", "2026-11-02 05:00", id="the last minute"),
        pytest.param("2026-11-01 03:59", "Monday", "2026-11-03 05:00", id="two days ahead"),
        pytest.param("2026-10-27 14:00", "Monday", "2026-11-03 05:00", id="six days ahead"),
        pytest.param("2026-10-26 14:00", "Monday, November 2", None, id="a week ahead"),
        pytest.param("2026-11-03 14:00", "Monday, November 2", None, id="over"),
    ],
)
def test_relative_days(now: str, word: str, until: str | None) -> None:
    made = render("{{ event.relative_day }}", fields(now=at(now)), "en")
    assert made == (word, at(until) if until else None)


TOKYO, HONOLULU = "Asia/Tokyo", "Pacific/Honolulu"


@pytest.mark.parametrize(
    ("zones", "now", "word"),
    [
        pytest.param((TOKYO,), "2026-11-01 16:00", "today", id="their Monday has begun"),
        pytest.param((HONOLULU,), "2026-11-02 09:59", "tomorrow", id="theirs has not"),
        pytest.param((HONOLULU,), "2026-11-02 10:00", "today", id="now it has"),
        pytest.param(
            (NEW_YORK, HONOLULU), "2026-11-02 06:00", "Monday, November 2", id="who knows"
        ),
        pytest.param((NEW_YORK, HONOLULU), "2026-11-02 12:00", "today", id="in both"),
        pytest.param((NEW_YORK, HONOLULU), "2026-10-30 06:00", "Monday", id="3 or 4 days ahead"),
    ],
)
def test_days_are_those_of_the_recipient(zones: tuple[str, ...], now: str, word: str) -> None:
    given = fields(now=at(now), zones=zones)
    assert body("{{ event.relative_day }}", given) == word


def test_an_event_that_has_another_date_there_is_named_by_its_own() -> None:
    late = HEARING._replace(starts_at="2026-11-02T23:30", zone=PHOENIX)
    given = fields(event=late, now=at("2026-11-02 15:00"))
    assert body("{{ event.relative_day }}", given) == "Monday, November 2"
    assert body("{{ event.relative_day }}", given._replace(zones=(PHOENIX,))) == "today"


@pytest.mark.parametrize(
    ("template", "until"),
    [
        pytest.param("{{ event.day }} {{ event.date }} {{ event.time }}", None, id="never"),
        pytest.param("{{ event.weekday }}", "2026-11-03 05:00", id="a weekday"),
        pytest.param("{{ event.date | weekday }}", "2026-11-03 05:00", id="by a filter"),
        pytest.param("{{ date.relative_day }}", "2026-11-02 05:00", id="a named date"),
        pytest.param(
            "{{ event.weekday }} {{ event.relative_day }}", "2026-11-02 05:00", id="the first"
        ),
    ],
)
def test_until_when_a_text_is_true(template: str, until: str | None) -> None:
    given = fields(now=at("2026-11-01 14:00"), date=FILING)
    assert render(template, given, "en").true_until == (at(until) if until else None)


@pytest.mark.parametrize(
    ("language", "today", "tomorrow", "weekday"),
    [
        ("en", "today", "tomorrow", "Monday"),
        ("es", "hoy", "mañana", "lunes"),
        ("fr", "aujourd'hui", "demain", "lundi"),
        ("pt", "hoje", "amanhã", "segunda-feira"),
        ("de", "heute", "morgen", "Montag"),
        ("it", "oggi", "domani", "lunedì"),
    ],
)
def test_relative_days_in_other_languages(
    language: str, today: str, tomorrow: str, weekday: str
) -> None:
    words = [
        body("{{ event.relative_day }}", fields(now=at(f"2026-{day} 14:00")), language)
        for day in ("11-02", "11-01", "10-30")
    ]
    assert words == [today, tomorrow, weekday]


# --- templates that are at fault


@pytest.mark.parametrize(
    "template",
    [
        *("{{ person.fist }}", "{{ x }}", "{{ person }}", "{{ person.first.size }}"),
        *("{% for a in (1..9) %}{% endfor %}", "{% assign a = 'b' %}", "{% include 'a' %}"),
        *("{{ person.first", "{% if person.first %}x", "{{ person.first | shout }}"),
        *("{{ case.title | truncate: 'x' }}", "{{ person.name | date }}", "{{ 'a' | time: 1 }}"),
        *("{% if person.first > 3 %}x{% endif %}", "{% if a %}" * 99 + "{% endif %}" * 99),
        *("x" * 4001, "{{ person[case.title] }}", "{{ " + "a" * 3000 + " }}"),
    ],
)
def test_a_broken_template(template: str) -> None:
    with pytest.raises(BrokenTemplate):
        render(template, fields(), "en")


def test_output_is_limited() -> None:
    given = fields(tenant=TenantFields("x" * 5000))
    with pytest.raises(BrokenTemplate):
        render("{{ tenant.name }}" * 10, given, "en")


# --- the reminder in Sayso


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Reminder: Hearing on Monday, November 2 at 9:00 AM, Room 4."),
        ("es", "Recordatorio: Hearing, lunes, 2 de noviembre, 9:00 a.m., Room 4."),
        ("fr", "Rappel : Hearing, lundi 2 novembre, 09:00, Room 4."),
        ("pt", "Lembrete: Hearing, segunda-feira, 2 de novembro, 09:00, Room 4."),
        ("de", "Erinnerung: Hearing, Montag, 2. November, 09:00, Room 4."),
        ("it", "Promemoria: Hearing, lunedì 2 novembre, 09:00, Room 4."),
    ],
)
def test_built_in_reminder(language: str, text: str) -> None:
    made = render(read_reminder_texts()[language], fields(confirm=None), language)
    assert made == (f"{text} Harbor Legal Aid", None)
    assert count_segments(made.body) == 1


def test_built_in_reminder_of_a_whole_day_without_a_place() -> None:
    given = fields(event=HEARING._replace(starts_at="2026-11-02", location=None))
    made = render(read_reminder_texts()["en"], given, "en").body
    assert made == ("Reminder: Hearing on Monday, November 2. Reply C to confirm. Harbor Legal Aid")


def test_now_is_any_zone() -> None:
    """The hour counts, not how it was written."""
    now = at("2026-11-02 04:59")
    same = datetime.fromisoformat("2026-11-02T13:59+09:00")
    for each in (now, same):
        assert body("{{ event.relative_day }}", fields(now=each)) == "tomorrow"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ tenant.name }}. Call us.", "Ruiz & Co. Call us."),
        ("{% if tenant.name %}{{ tenant.name }}{% endif %}. Call us.", "Ruiz & Co. Call us."),
        ("{{ tenant.name }}... Call us.", "Ruiz & Co.... Call us."),
        ("{{ tenant.name }}, {{ person.first }}.", "Ruiz & Co., Ana."),
        ("{{ tenant.name }}.{{ person.first }}", "Ruiz & Co.Ana"),
        ("{{ person.first }}.", "Ana."),
    ],
)
def test_a_sentence_has_one_full_stop(template: str, text: str) -> None:
    given = fields()._replace(tenant=TenantFields("Ruiz & Co.", None))
    assert body(template, given) == text


def test_a_spanish_time_ends_its_sentence() -> None:
    """In a text of our own too."""
    given = fields()
    assert given.event is not None
    elsewhere = given._replace(event=given.event._replace(location=None))
    assert "9:00 a.m. Responda" in body(read_reminder_texts()["es"], elsewhere, "es")

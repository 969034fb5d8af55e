"""What is said of a template before anybody gets a text from it."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.tenant_settings import TenantSettings
from streams.templates.built_in import read_reminder_texts
from streams.templates.checks import ProblemCode, Setting, check_template, render_cast
from streams.templates.fields import FIELDS, ContextKind, fields_of
from streams.templates.settings_check import check_settings, render_templates

EVENT = Setting(ContextKind.EVENT)
LINK = "https://bit.ly/3xYz"


def codes(
    text: str, language: str = "en", setting: Setting = EVENT
) -> list[tuple[str, int | None]]:
    return [(found.code.value, found.line) for found in check_template(text, language, setting)]


def tenant(**given: Any) -> TenantSettings:
    return TenantSettings(tenant="harbor", name="Harbor", sender="72976", **given)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("Hi {{ person.first }}", [], id="nothing"),
        pytest.param("a\nHi {{ person.fist }}", [("unknown_field", 2)], id="misspelt"),
        pytest.param(
            "{{ first }}\n{{ name }}", [("unknown_field", 1), ("unknown_field", 2)], id="no root"
        ),
        pytest.param("{{ person.fist }} {{ person.fist }}", [("unknown_field", 1)], id="once"),
        pytest.param("{% if x %}a{% endif %}", [("unknown_field", 1)], id="in a condition"),
        pytest.param("{{ case.type | default: boss }}", [("unknown_field", 1)], id="in a filter"),
        pytest.param("{{ date.day }}", [("unknown_field", 1)], id="of another context"),
        pytest.param("a\n\n{{ person.name | shout }}", [("unknown_filter", 3)], id="filter"),
        pytest.param("a\n{% for a in b %}{% endfor %}", [("syntax", 2)], id="loop"),
        pytest.param("a\n{{ person.first", [("syntax", 2)], id="not closed"),
        pytest.param("{% if person.first %}a", [("syntax", None)], id="no end"),
        pytest.param("{{ case.title | truncate: 'x' }}", [("syntax", 1)], id="wrong value"),
        pytest.param("a\n{ person.first }}", [("stray_brace", 2)], id="one brace"),
        pytest.param("a {person.first}", [("stray_brace", 1)], id="single braces"),
        pytest.param(f"a\n{LINK}", [("shortener", 2)], id="shortener"),
        pytest.param("a" * 1600, [], id="just fits"),
        pytest.param("a" * 1601, [("too_long", None)], id="too long"),
        pytest.param("{{ case.title }}" * 40, [("too_long", None)], id="too long for some"),
        pytest.param(
            "{% if person.first == 'Q' %}a{% endif %}", [("empty", None)], id="nothing left"
        ),
        pytest.param("{{ confirm.word }}", [], id="a word to confirm by"),
    ],
)
def test_problems(text: str, found: list[tuple[str, int | None]]) -> None:
    assert codes(text) == found


def test_a_recipe_without_a_word_to_confirm_by() -> None:
    silent = Setting(ContextKind.EVENT, confirms=False)
    assert codes("Reply {{ confirm.word }}", setting=silent) == [("missing_value", None)]
    assert codes("{% if confirm.word %}a{% endif %}b", setting=silent) == []


def test_dates_in_a_language_that_nobody_knows() -> None:
    assert codes("{{ event.day }}", "xx") == [("unknown_language", None)]
    assert codes("{{ person.first }}", "xx") == []
    assert codes("{{ event.day }}", "es-MX") == []


@pytest.mark.parametrize(
    ("policy", "refuses"), [("refuse", [True]), ("warn", [False]), ("allow", [])]
)
def test_shorteners_are_the_tenants_policy(policy: str, refuses: list[bool]) -> None:
    setting = Setting(tenant=tenant(shorteners=policy))
    assert [found.refuses for found in check_template(LINK, "en", setting)] == refuses


def test_an_unknown_field_comes_with_the_known_ones() -> None:
    (near,) = check_template("{{ event.tme }}", "en", EVENT)
    assert "event.time" in near.message
    (far,) = check_template("{{ zzz }}", "en", EVENT)
    assert all(name in far.message for name in fields_of(ContextKind.EVENT))


def test_every_field_belongs_to_some_context() -> None:
    assert set(fields_of(ContextKind.ANY)) == set(FIELDS)
    for kind in ContextKind:
        text = " ".join(f"{{{{ {name} }}}}" for name in fields_of(kind))
        assert check_template(text, "en", Setting(kind)) == ()


def test_segments_of_the_cast() -> None:
    made = render_cast("Hi {{ person.first }}, see you {{ event.day }}.", "en", EVENT)
    assert [(each.member, each.segments) for each in made] == [
        ("shortest", 1),
        ("longest", 1),
        ("strangest", 1),
    ]
    long = render_cast("{{ person.name }}: {{ case.title }}", "en", EVENT)
    assert [each.segments for each in long] == [1, 1, 2]


def test_smart_encoding_counts_as_it_is_sent() -> None:
    text = "“{{ event.title }}”" + "." * 90
    plain, smart = (
        render_cast(text, "en", Setting(ContextKind.EVENT, tenant=tenant(smart_encoding=smart)))
        for smart in (False, True)
    )
    assert (plain[0].segments, smart[0].segments) == (2, 1)


@pytest.mark.parametrize("language", read_reminder_texts())
def test_the_built_in_reminder_is_in_order(language: str) -> None:
    for confirms in (True, False):
        setting = Setting(ContextKind.EVENT, confirms)
        assert check_template(read_reminder_texts()[language], language, setting) == ()


# --- of a tenant's settings


def places(**given: Any) -> list[tuple[str, ...]]:
    return [found.place for found in check_settings(tenant(**given))]


def templates(**texts: str) -> dict[str, Any]:
    return {name: {"texts": {"en": text}} for name, text in texts.items()}


RECIPE = {"event_type": "hearing", "offset": "1 day before", "template": "day"}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param({}, [], id="none"),
        pytest.param(
            {"templates": templates(a="{{ x }}")}, [("templates", "a", "texts", "en")], id="field"
        ),
        pytest.param(
            {"recipes": {"r": RECIPE}, "templates": templates(day="{{ event.day }}")},
            [],
            id="used for events",
        ),
        pytest.param(
            {"recipes": {"r": RECIPE}, "templates": templates(day="{{ date.day }}")},
            [("templates", "day", "texts", "en")],
            id="no date in an event's",
        ),
        pytest.param({"templates": templates(day="{{ date.day }}")}, [], id="not used yet"),
        pytest.param(
            {
                "recipes": {"r": RECIPE | {"confirm": "C"}},
                "templates": templates(day="{{ confirm.word }}"),
            },
            [],
            id="confirm",
        ),
        pytest.param(
            {"recipes": {"r": RECIPE}, "templates": templates(day="{{ confirm.word }}")},
            [("templates", "day", "texts", "en")],
            id="no word to confirm by",
        ),
    ],
)
def test_settings(given: dict[str, Any], found: list[tuple[str, ...]]) -> None:
    assert places(**given) == found


def test_both_uses_of_one_template_are_checked_once_each() -> None:
    by_date = {"date_name": "filing", "offset": "1 day before", "template": "day"}
    recipes = {"r": RECIPE, "again": RECIPE, "d": by_date}
    assert len(places(recipes=recipes, templates=templates(day="{{ event.day }}"))) == 1


def test_the_cast_of_a_tenant_has_its_name() -> None:
    (made,) = render_templates(tenant(templates=templates(a="{{ tenant.name }}")))
    assert (made.template, made.language) == ("a", "en")
    assert {each.body for each in made.texts} == {"Harbor"}


def test_codes_are_all_tried() -> None:
    marks = test_problems.pytestmark  # type: ignore[attr-defined]
    tried = {code for case in marks[0].args[1] for code, _ in case.values[1]}
    assert tried | {"missing_value", "unknown_language"} == set(ProblemCode)


def test_what_a_template_says_without_a_value_is_tried_too() -> None:
    otherwise = "{% if event.location %}a{% else %}\n{{ case.title | truncate: 'x' }}{% endif %}"
    assert codes(otherwise) == [("syntax", 2)]

"""Templates, recipes and mails in a settings file: read as written, or refused with the line and
a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.recipe import IfLate, Recipe
from schemas.send_request import Kind
from schemas.tenant_settings import TenantSettings
from schemas.topics import SETTINGS
from services.operations.errors import InvalidRequest
from services.operations.recipe_check import find_mistakes
from services.operations.yaml_settings import read_settings

WHOLE = """\
tenants:
- tenant: harbor
  name: Harbor Legal Aid
  sender: "72976"
  contact: call 0123
  keywords: {stop: [basta ya]}
  templates:
    hearing:
      texts:
        en: "{{ person.first }}, your hearing is {{ event.time }}."
        it: "Udienza: {{ event.time }}."
    filing: {texts: {en: We file today.}}
  recipes:
    day-before:
      event_type: Hearing
      offset: 1 day before
      at: 9:00
      template: hearing
      roles: [client, Next of kin]
      if_late: skip
      kind: alert
      margin_minutes: 90
      confirm: C
    filing-day:
      date_name: filing
      offset: 0 days after
      template: filing
  reminder_template: hearing
  mail:
    to: desk@harbor.example
    bundle_minutes: 5
    unanswered_hours: 4
    show_last_digits: no
    link: https://desk.harbor.example/threads/{number}?case={case}
  unmonitored: yes
"""


def read(folder: Path, text: str) -> TenantSettings:
    file = folder / "t.yaml"
    file.write_text(text, encoding="utf-8")
    return read_settings(file, "tenants", TenantSettings)[0]


def test_all_of_it_is_read_as_written(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE.replace("at: 9:00", "at: 09:00"))
    recipe = found.recipes["day-before"]
    assert recipe == Recipe(
        event_type="Hearing",
        offset="1 day before",
        at="09:00",
        template="hearing",
        roles=("client", "Next of kin"),
        if_late=IfLate.SKIP,
        kind=Kind.ALERT,
        margin_minutes=90,
        confirm="C",
    )
    assert found.recipes["filing-day"].roles == ("client",)
    assert list(found.templates["hearing"].texts) == ["en", "it"]
    assert found.reminder_template == "hearing"
    assert (found.mail.to, found.mail.bundle_minutes, found.mail.unanswered_hours) == (
        "desk@harbor.example",
        5,
        4,
    )
    assert found.mail.show_last_digits is False
    assert found.unmonitored is True


@pytest.mark.parametrize(
    ("written", "instead", "words"),
    [
        ("at: 9:00", "at: 9:00", "write '09:00'"),
        ("at: 9:00", "at: 9pm", "write '21:00'"),
        ("offset: 1 day before", "offset: 1d before", "write '1 day before'"),
        ("offset: 1 day before", "offset: 72h", "write '72 hours before'"),
        ("offset: 1 day before", "offset: two days ahead", "'two days ahead' is no offset"),
        ("offset: 1 day before", "offset: -1 day", "'-1 day' is no offset"),
        ("offset: 1 day before", "offset: 3", 'write it in quotes: "3"'),
        ("offset: 1 day before", "offset: 600 weeks before", "more than ten years away"),
        ("offset: 0 days after", "offset: 2 hours after", "a named date has no hour"),
        ("date_name: filing", "event: filing", "did you mean `event_type`?"),
        (
            "event_type: Hearing",
            "event_type: x\n      date_name: y",
            "is for an event_type or for a date_name",
        ),
        ("template: hearing", "template: hering", "'hering': did you mean 'hearing'?"),
        ("template: hearing", "template: reminder", "templates are filing, hearing"),
        ("reminder_template: hearing", "reminder_template: herring", "did you mean 'hearing'?"),
        ("kind: alert", "kind: alarm", "there is no kind of text named 'alarm': kinds are"),
        ("if_late: skip", "if_late: drop", "it says 'drop'"),
        ("margin_minutes: 90", "margin_minutes: 1h", "write a whole number"),
        ("margin_minutes: 90", "margin_minutes: -1", "greater than or equal to 0"),
        ("roles: [client, Next of kin]", "roles: []", "at least 1 item"),
        ("roles: [client, Next of kin]", "roles: client", "should be a valid"),
        ("confirm: C", "confirm: yes", 'write it in quotes: "yes"'),
        ("confirm: C", 'confirm: "Yes"', "'Yes' means YES"),
        ("confirm: C", "confirm: Start", "'Start' means START"),
        ("confirm: C", "confirm: STOP!", "'STOP!' means STOP"),
        ("confirm: C", "confirm: Arrêt", "'Arrêt' means STOP"),
        ("confirm: C", "confirm: да", "'да' means YES"),
        ("confirm: C", "confirm: Basta ya", "'Basta ya' means STOP"),
        ("confirm: C", 'confirm: "No"', "'No' means POSSIBLE"),
        ("confirm: C", "confirm: leave me alone", "means REVOKE"),
        ("confirm: C", "confirm: '...'", "'...' is no word"),
        ("offset: 0 days after", "offset: 0 days after\n      confirm: C", "only an event can be"),
        ("en: We file today.", "english language: We file today.", "is no language"),
        ("{texts: {en: We file today.}}", "{texts: {}}", "at least 1 item"),
        ("{texts: {en: We file today.}}", "{text: We file today.}", "texts: this is missing"),
        ("to: desk@harbor.example", "to: desk", "this is no e-mail address"),
        ("to: desk@harbor.example", "to: a desk@harbor.example", "this is no e-mail address"),
        ("bundle_minutes: 5", "bundle_minutes: 5m", "write a whole number"),
        ("unanswered_hours: 4", "unanswered_hours: 0", "greater than or equal to 1"),
        ("show_last_digits: no", "show_last_digits: 4", "write true or false"),
        ("link: https://", "link: desk/", "should match pattern"),
        ("/threads/{number}", "/threads/{phone}", "there is no {phone}: only {number} and {case}"),
        ("/threads/{number}", "/threads/{number", "a brace has no partner"),
        ("unmonitored: yes", "unmonitored: 1", "write true or false"),
    ],
)
def test_what_would_fail_later_is_refused_now(
    tmp_path: Path, written: str, instead: str, words: str
) -> None:
    """With the line on which it stands, or on which its part begins."""
    assert WHOLE.count(written) >= 1
    hours = WHOLE if "at: 9:00" in written else WHOLE.replace("at: 9:00", "at: 09:00")
    first = hours[: hours.index(written)].count("\n") + 1
    with pytest.raises(InvalidRequest) as refused:
        read(tmp_path, hours.replace(written, instead, 1))
    said = str(refused.value)
    assert words in said
    line = int(said.partition("t.yaml, line ")[2].partition(":")[0])
    assert first - 4 <= line <= first + 1


def test_nobody_is_told_to_contact_nobody(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"unmonitored: people are told whom to contact"):
        read(tmp_path, WHOLE.replace("at: 9:00", "at: 09:00").replace("contact: call 0123", ""))


def test_what_is_in_force_is_not_refused() -> None:
    """A later version may know more words: workers go on with what they have."""
    tenant = SETTINGS.decode(
        b'{"tenant":"a","name":"A","sender":"72975","recipes":{"r":{"event_type":"x",'
        b'"offset":"1 day before","template":"gone","confirm":"STOP"}}}'
    )
    assert tenant.recipes["r"].confirm == "STOP"
    assert [mistake.place for mistake in find_mistakes(tenant)] == [
        ("recipes", "r", "template"),
        ("recipes", "r", "confirm"),
    ]

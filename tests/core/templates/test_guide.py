"""The guide names every field and filter as the code has them, and its settings can be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.tenant_settings import TenantSettings
from services.operations.yaml_settings import read_settings
from streams.templates.fields import FIELDS, ContextKind, fields_of
from streams.templates.grammar import FILTERS
from streams.templates.rendering import render
from streams.templates.settings_check import check_settings, render_templates
from tests.core.templates.cases import DENVER, PHOENIX, fields

GUIDE = (Path(__file__).parents[3] / "docs/guides/reminders.md").read_text("utf-8")
EXAMPLES = {
    "default": '{{ person.first | default: "Hello" }}',
    "date": "{{ event.day | date }}",
    "day": "{{ event.date | day }}",
    "weekday": "{{ event.date | weekday }}",
    "time": "{{ event.date | time }}",
    "truncate": "{{ case.title | truncate: 8 }}",
    "upcase": "{{ case.type | upcase }}",
    "phone": "{{ tenant.contact | phone }}",
}


def table(name: str) -> list[list[str]]:
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end of {name} -->", GUIDE, re.DOTALL)
    assert found
    rows = found[1].strip().splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def contexts(field: str) -> str:
    kinds = (ContextKind.EVENT, ContextKind.DATE, ContextKind.CASE)
    found = [kind.value for kind in kinds if field in fields_of(kind)]
    return "all" if len(found) == len(kinds) else ", ".join(found)


def test_every_field_is_in_the_guide() -> None:
    assert table("fields") == [
        [f"`{name}`", words, contexts(name)] for name, words in FIELDS.items()
    ]


def test_every_filter_is_in_the_guide() -> None:
    assert list(EXAMPLES) == list(FILTERS)
    assert table("filters") == [
        [f"`{name}`", "`" + text.replace("|", "\\|") + "`", render(text, fields(), "en").body]
        for name, text in EXAMPLES.items()
    ]


def test_its_settings_can_be_used(tmp_path: Path) -> None:
    text = re.search(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    assert text
    file = tmp_path / "settings.yaml"
    file.write_text(text[1], encoding="utf-8")
    (tenant,) = read_settings(file, "tenants", TenantSettings)
    assert list(check_settings(tenant)) == []
    assert {(made.template, made.language) for made in render_templates(tenant)} == {
        ("hearing", "en"),
        ("hearing", "es"),
        ("filing", "en"),
    }
    summer = fields().event._replace(starts_at="2026-07-01T09:00", zone=PHOENIX)  # type: ignore[union-attr]
    given = fields(event=summer, zones=(DENVER,), now=fields().now.replace(month=6, day=30))
    assert render(tenant.templates["hearing"].texts["en"], given, "en").body == (
        "Ana, your Hearing is tomorrow at 9:00 AM Arizona time. Room 4. Reply C to confirm."
    )


@pytest.mark.parametrize(
    ("text", "language", "zone", "written"),
    [
        ("2:30 p.m.", "es", "America/New_York", "{{ event.time }}"),
        ("14:30", "es", "Europe/Madrid", "{{ event.time }}"),
    ],
)
def test_times_that_it_names(text: str, language: str, zone: str, written: str) -> None:
    event = fields().event._replace(starts_at="2026-11-02T14:30", zone=zone)  # type: ignore[union-attr]
    assert text in GUIDE
    assert render(written, fields(event=event, zones=(zone,)), language).body == text

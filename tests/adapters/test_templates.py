"""Versions of templates: kept when settings are applied, and shown by `sayso templates`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.recipe import TemplateVersion
from schemas.tenant_settings import TenantSettings
from schemas.topics import SETTINGS, TEMPLATES
from services.cli.app import run
from services.operations.session import Session
from services.operations.tenants import (
    Published,
    build_versions,
    publish_tenants,
    read_published,
)
from tests.adapters.case_ledger import NOW, Office, open_office

HEAD = 'tenants:\n- tenant: harbor\n  name: Harbor Law\n  sender: "72975"\n  templates:\n'
A, B = {"en": "Bring papers."}, {"en": "Bring all papers."}
WITH_SPANISH = {**B, "es": "Traiga papeles."}


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    opened = open_office(tmp_path, monkeypatch)
    yield opened
    opened.store.close()


def tenant(**templates: dict[str, str]) -> TenantSettings:
    return TenantSettings.model_validate(
        {
            "tenant": "harbor",
            "name": "Harbor Law",
            "sender": "72975",
            "templates": {name: {"texts": texts} for name, texts in templates.items()},
        }
    )


def version(name: str, texts: dict[str, str]) -> str:
    return tenant(**{name: texts}).templates[name].version


def apply(
    office: Office, folder: Path, *words: str, **templates: dict[str, str]
) -> list[TemplateVersion]:
    """What it publishes, which the ledger reads as well."""
    file, before = folder / "t.yaml", len(office.published)
    lines = [
        f"    {name}: {json.dumps({'texts': texts})}\n" for name, texts in templates.items()
    ] or ["    {}\n"]
    file.write_text(HEAD + "".join(lines), encoding="utf-8")
    assert run(["tenants", "apply", str(file), "--by", "dana", *words]) == 0
    published = office.published[before:]
    assert published[-1][0] == SETTINGS.name, "the versions come first"
    for name, message in published:
        office.add(SETTINGS if name == SETTINGS.name else TEMPLATES, message)
    return [message for name, message in published if name == TEMPLATES.name]


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    assert run(["templates", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_what_is_new_or_changed_is_kept_once(office: Office, tmp_path: Path) -> None:
    first = apply(office, tmp_path, bring=A, other=A)
    assert [(one.name, one.version, one.texts, one.by) for one in first] == [
        ("bring", version("bring", A), A, "dana"),
        ("other", version("other", A), A, "dana"),
    ]
    assert apply(office, tmp_path, bring=A, other=A) == []
    assert [one.name for one in apply(office, tmp_path, bring=B, other=A)] == ["bring"]
    (again,) = apply(office, tmp_path, bring=A)
    assert TEMPLATES.key(again) == TEMPLATES.key(first[0]) == f"harbor/bring/{first[0].version}"


def test_the_order_of_languages_is_part_of_a_version() -> None:
    """The first text stands in for a language that there is not."""
    turned = dict(reversed(WITH_SPANISH.items()))
    assert version("bring", turned) != version("bring", WITH_SPANISH)


def test_what_was_in_force_before_versions_were_kept_is_kept_too() -> None:
    """Texts may have been made by it.  Nobody knows who applied it."""
    since = NOW - timedelta(days=30)
    published = Published({"harbor": (tenant(bring=A, same=A, gone=A), since)}, {})
    found = build_versions([tenant(bring=B, same=A)], published, "dana", NOW)
    assert [(one.name, one.texts, one.by, one.at) for one in found] == [
        ("bring", A, None, since),
        ("same", A, None, since),
        ("gone", A, None, since),
        ("bring", B, "dana", NOW),
    ]
    others = Published({}, {("lakeside", "bring"): version("bring", A)})
    assert [one.tenant for one in build_versions([tenant(bring=A)], others, "dana", NOW)] == [
        "harbor"
    ]


def test_list_and_show(office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apply(office, tmp_path, bring=A, gone=A)
    apply(office, tmp_path, bring=B)
    assert [
        (one["name"], one["version"], one["versions"], one["in_force"])
        for one in shown(capsys, "list", "harbor")
    ] == [("bring", version("bring", B), 2, True), ("gone", version("gone", A), 1, False)]
    assert shown(capsys, "show", "harbor", "bring")["texts"] == B
    old = shown(capsys, "show", "harbor", "bring", "--version", version("bring", A))
    assert (old["texts"], old["by"]) == (A, "dana")
    assert run(["templates", "show", "harbor", "bring"]) == 0
    assert B["en"] in capsys.readouterr().out


def test_history_says_what_changed(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for texts in (A, WITH_SPANISH, B):
        apply(office, tmp_path, bring=texts)
    steps = shown(capsys, "history", "harbor", "bring")
    assert [
        [(change["language"], change["change"]) for change in step["changes"]] for step in steps
    ] == [[("en", "added")], [("en", "changed"), ("es", "added")], [("es", "removed")]]
    changed = steps[1]["changes"][0]
    assert (changed["before"], changed["after"]) == (A["en"], B["en"])
    assert [step["in_force"] for step in steps] == [False, False, True]
    assert run(["templates", "history", "harbor", "bring"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert f"    - {A['en']}" in printed
    assert f"    + {B['en']}" in printed


@pytest.mark.broker
async def test_kafka_has_each_version_before_the_settings(fresh_cluster: str) -> None:
    async with Session(fresh_cluster, source="test") as kafka:
        published = []
        for n, texts in enumerate((A, A, B, A)):
            now = NOW + n * timedelta(minutes=1)
            found = await publish_tenants(kafka, [tenant(bring=texts)], "dana", now)
            published.append([one.version for one in found])
    a, b = version("bring", A), version("bring", B)
    assert published == [[a], [], [b], [a]]
    found_there = await read_published(fresh_cluster)
    assert found_there.versions == {("harbor", "bring"): a}
    assert found_there.settings["harbor"][0] == tenant(bring=A)


@pytest.mark.parametrize(
    "words",
    [
        ["show", "harbor", "brnig"],
        ["history", "harbor", "brnig"],
        ["show", "harbor", "bring", "--version", "0123456789ab"],
        ["list", "habror"],
    ],
)
def test_unknown_names(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    apply(office, tmp_path, bring=A)
    capsys.readouterr()
    assert run(["templates", *words]) == 2
    assert capsys.readouterr().out == ""


def test_explain_shows_the_template_as_it_was(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    then = {"en": "Papers, {{ person.first }}!", "es": "Papeles."}
    (kept,) = apply(office, tmp_path, bring=then)
    apply(office, tmp_path, bring=A)
    office.text(
        "t-1",
        "maria",
        "skipped",
        task_id="docs",
        template="bring",
        template_version=kept.version,
        language="en",
    )
    capsys.readouterr()
    assert run(["explain", "t-1"]) == 0
    printed = capsys.readouterr().out
    assert then["en"] in printed
    assert A["en"] not in printed
    assert kept.version in printed
    assert run(["explain", "t-1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["template"]["texts"] == then

"""Templates in settings files: refused with their line, or shown in segments when they are
applied."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.tenant_settings import TenantSettings
from services.cli.app import run
from services.operations.errors import InvalidRequest
from services.operations.yaml_settings import read_settings

HEAD = 'tenants:\n- tenant: a\n  name: A\n  sender: "72975"\n'
"""Four lines."""


def write(folder: Path, text: str) -> Path:
    file = folder / "t.yaml"
    file.write_text(HEAD + text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "line", "place"),
    [
        pytest.param(
            "  templates: {t: {texts: {en: 'Hi {{ x }}'}}}\n", 5, "templates.t.texts.en", id="short"
        ),
        pytest.param(
            "  templates:\n    t:\n      texts:\n        en: |\n          Hi\n          {{ x }}\n",
            10,
            "templates.t.texts.en",
            id="the line within a text",
        ),
        pytest.param(
            "  templates:\n    t:\n      texts:\n        en: >\n          Hi\n          {{ x }}\n",
            8,
            "templates.t.texts.en",
            id="folded: where it begins",
        ),
        pytest.param(
            "  templates:\n    t:\n      texts: {en: Hi, es: see bit.ly/a}\n",
            7,
            "templates.t.texts.es",
            id="a shortener",
        ),
    ],
)
def test_refused_with_the_line(tmp_path: Path, text: str, line: int, place: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_settings(write(tmp_path, text), "tenants", TenantSettings)
    assert f"t.yaml, line {line}: {place}: " in str(refused.value)


@pytest.mark.parametrize("text", ["{{ person.first }} hi", "{{ person.first }}"])
def test_braces_without_quotes(tmp_path: Path, text: str) -> None:
    """YAML takes them for a mapping."""
    file = write(tmp_path, f"  templates: {{t: {{texts: {{en: {text}}}}}}}\n")
    with pytest.raises(InvalidRequest, match=r"line 5: .*quotes"):
        read_settings(file, "tenants", TenantSettings)


def test_segments_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("services.cli.tenants.operate", lambda *_: [])
    monkeypatch.setattr("services.cli.tenants.find_bootstrap", lambda *_: "nowhere")
    text = "  shorteners: warn\n  templates: {t: {texts: {es: '{{ person.name }} bit.ly/a'}}}\n"
    assert run(["tenants", "apply", str(write(tmp_path, text))]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Warning: templates.t.texts.es: " in out
    assert "Template t (es), in segments: shortest 1, longest 1, strangest 1" in out

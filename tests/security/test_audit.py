"""The audit says what is known, and says so when nobody could be asked."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.security import audit

LOCK = """\
jinja2==3.1.2 \\
    --hash=sha256:00
Typing_Extensions==4.12.0 ; python_full_version < '3.13' \\
    --hash=sha256:00
"""


def advisory(name: str, **affected: Any) -> dict[str, Any]:
    package = {"name": name, "ecosystem": "PyPI"}
    return {"id": f"PYSEC-{name}", "affected": [{"package": package, **affected}]}


def between(*events: dict[str, str]) -> dict[str, Any]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    (tmp_path / "x.lock").write_text(LOCK)
    return tmp_path / "x.lock"


def ask(lock: Path, *advisories: dict[str, Any]) -> tuple[int, Path]:
    folder = lock.parent / "copy"
    folder.mkdir()
    for count, one in enumerate(advisories):
        (folder / f"{count}.json").write_text(json.dumps(one))
    return audit.main(["--lock", str(lock), "--advisories", str(folder)]), folder


@pytest.mark.parametrize(
    ("affected", "code"),
    [
        (between({"introduced": "0"}, {"fixed": "3.1.3"}), 1),
        (between({"introduced": "0"}, {"fixed": "3.1.2"}), 0),
        (between({"introduced": "3.1"}, {"last_affected": "3.1.2"}), 1),
        (between({"introduced": "0"}, {"fixed": "2.0"}, {"introduced": "3.1.3"}), 0),
        (between({"introduced": "3.0"}), 1),
        ({"versions": ["3.1.2"]}, 1),
        ({"versions": ["3.1.1"]}, 0),
    ],
)
def test_a_version_is_in_a_hole_or_not(lock: Path, affected: dict[str, Any], code: int) -> None:
    assert ask(lock, advisory("Jinja2", **affected))[0] == code


def test_holes_are_named_with_what_corrects_them(
    lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    withdrawn = advisory("jinja2", versions=["3.1.2"]) | {"withdrawn": "2026-01-01T00:00:00Z"}
    hole = advisory("typing-extensions", **between({"introduced": "0"}, {"fixed": "4.13"}))
    assert ask(lock, withdrawn, hole, advisory("other", versions=["1"]))[0] == 1
    assert capsys.readouterr().out.splitlines() == [
        "typing-extensions 4.12.0: PYSEC-typing-extensions; corrected in 4.13"
    ]


def test_an_archive_and_a_clone_are_read_as_well(lock: Path, tmp_path: Path) -> None:
    hole = advisory("jinja2", versions=["3.1.2"])
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("PYSEC-1.json", json.dumps(hole))
    (tmp_path / "vulns").mkdir()
    (tmp_path / "vulns" / "PYSEC-1.yaml").write_text(json.dumps(hole))
    for where in ("all.zip", "vulns"):
        assert audit.main(["--lock", str(lock), "--advisories", str(tmp_path / where)]) == 1


def test_without_an_advisory_nothing_was_audited(
    lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(lock)[0] == 2
    assert "nothing was audited" in capsys.readouterr().err


def test_a_source_that_cannot_be_reached_is_no_clean_bill(
    lock: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on a machine without a network."""
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    assert audit.main(["--lock", str(lock)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("The advisory source cannot be reached: nothing was audited.")
    assert "--advisories" in said

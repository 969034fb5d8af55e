"""One file with every sentence, and translations that browsers ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.console.catalogue import FILE, build_catalogue
from services.console.languages import Languages
from services.console.viewer import Role
from tests.console.harness import console_on

SPANISH = """msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "Sign in"
msgstr "Entrar"

msgid "segment"
msgid_plural "segments"
msgstr[0] "segmento"
msgstr[1] "segmentos"
"""


def test_the_catalogue_is_as_the_pages_are() -> None:
    assert FILE.read_text() == build_catalogue(), "run python -m services.console.catalogue"


@pytest.mark.parametrize("sentence", ["Sign in", "Not for your role", "SMS manager"])
def test_sentences_of_templates_and_of_python_are_in_it(sentence: str) -> None:
    assert f'msgid "{sentence}"' in FILE.read_text()


@pytest.fixture
def spanish(tmp_path: Path) -> Path:
    folder = tmp_path / "locale"
    path = folder / "es" / "LC_MESSAGES" / "console.po"
    path.parent.mkdir(parents=True)
    path.write_text(SPANISH)
    return folder


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("es", "es"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("de, es;q=0.5", "es"),
        ("en-US,en;q=0.9,es;q=0.1", "en"),
        ("en;q=0.1, es;q=0.9", "es"),
        ("de", "en"),
        ("", "en"),
        ("es;q=0", "en"),
        ("*;q=nan, ;;;,\x00" + "x" * 9000, "en"),
    ],
)
def test_the_browser_chooses(spanish: Path, accepted: str, language: str) -> None:
    languages = Languages(spanish)
    languages.choose(accepted)
    assert languages.current() == language


def test_a_translation_that_is_put_there_is_used(
    tmp_path: Path, spanish: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.console.languages.HERE", spanish)
    with console_on(tmp_path / "state") as house:
        browser = house.anonymous()
        page = browser.get("/sign-in", headers={"accept-language": "es-MX, en;q=0.5"}).text
        assert "Entrar" in page
        assert '<html lang="es">' in page
        english = browser.get("/sign-in", headers={"accept-language": "en"}).text
        assert "Entrar" not in english
        signed_in = house.signed_in(Role.STAFF)
        assert (
            '<html lang="es">' in signed_in.get("/account", headers={"accept-language": "es"}).text
        )

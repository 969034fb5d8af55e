"""A text that shows nothing is empty, at every door."""

from __future__ import annotations

import pytest

from schemas.blank_text import is_blank
from services.cli.app import run
from streams.encoding.body import why_unsendable

BLANK = [
    *(
        "",
        " ",
        "\n\t",
        "\u00a0",
        "\u200b",
        "\ufeff",
        "\u2060",
        "\u00ad",
        "\u034f",
        "\u2800",
        "\u3164",
        "\uffa0",
    ),
    *(
        "\u115f\u1160",
        "\u17b4",
        "\u180e",
        "\u180b",
        "\ufe0f",
        "\ufe00",
        "\U000e0100",
        "\U000e0041\U000e007f",
    ),
    *(
        "\u200d",
        "\u200e\u200f",
        "\u202e",
        "\u2066\u2069",
        "\u2028",
        "\u3000",
        "\u1680",
        "\u205f",
        "\u061c",
    ),
    *(
        "\U0001d173",
        "\U0001d159",
        "\ufff9",
        "\ufffc",
        "\u2065",
        "\U000e0fff",
        " \u200b\u2800\u3164 ",
        "\u0301",
    ),
]
SHOWN = [
    "a",
    ".",
    "-",
    "\u200ba",
    "\u2800.",
    "\N{WAVING HAND SIGN}",
    "\U0001fae8",
    "\u2714\ufe0f",
    "\u0e01\u0e34",
    "1",
    "\u00b7",
]


@pytest.mark.parametrize("body", BLANK, ids=ascii)
def test_a_text_that_shows_nothing_is_empty(body: str) -> None:
    assert is_blank(body)
    problem = why_unsendable(body)
    assert problem is not None
    assert "The text is empty" in str(problem)


@pytest.mark.parametrize("body", SHOWN, ids=ascii)
def test_a_text_that_shows_something_is_not(body: str) -> None:
    assert not is_blank(body)
    assert why_unsendable(body) is None


@pytest.mark.parametrize("body", ["\u200b", "\u2800 \u3164"], ids=ascii)
def test_the_command_refuses_it(body: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["send", "-t", "a", "--to", "+12125550123", "--body", body, "--bootstrap", "x:1"]
    assert run(command) == 2
    assert "--body is empty" in capsys.readouterr().err

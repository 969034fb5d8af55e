"""The worked example of CONTRIBUTING.md: a rule and its table of cases."""

from __future__ import annotations

import pytest

from schemas.decision import Verdict
from streams.gate.rules import evaluate
from streams.gate.rules.content import check_shortener
from streams.links.shorteners import DOMAINS, find_shortener
from tests.core.gate.cases import context

LINK = "Details: https://bit.ly/3xYz"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param(LINK, "bit.ly", id="with scheme"),
        pytest.param("see BIT.LY/3xYz now", "bit.ly", id="in capitals, bare"),
        pytest.param("see www.tinyurl.com/abc.", "tinyurl.com", id="with www"),
        pytest.param("(acme.app.link/x)", "app.link", id="below the domain"),
        pytest.param("go to bit.ly.", "bit.ly", id="at the end of a sentence"),
        pytest.param(
            "https://acme.example@t.co:443/x", "t.co", id="behind a user's name, with port"
        ),
        pytest.param("bit。ly/x", "bit.ly", id="an ideographic dot"),
        pytest.param("https://go.acme.example/3xYz", None, id="a short domain of one's own"),
        pytest.param("https://rabbit.ly/x", None, id="only ends like one"),
        pytest.param("https://bit.ly.example/x", None, id="only begins like one"),
        pytest.param("www.x.co.uk", None, id="a country's second level"),
        pytest.param("It is 10.30. Is it ok? Yes...no", None, id="dots, no link"),
        pytest.param("a." * 800, None, id="nothing but dots"),
    ],
)
def test_shortened(body: str, found: str | None) -> None:
    assert find_shortener(body) == found


@pytest.mark.parametrize(
    ("policy", "body", "verdict", "rules"),
    [
        pytest.param("refuse", LINK, Verdict.REJECT, ["shortener"], id="refuse"),
        pytest.param("warn", LINK, Verdict.SEND, ["shortener"], id="warn: sent, with the finding"),
        pytest.param("allow", LINK, Verdict.SEND, [], id="allow"),
        pytest.param(
            "refuse", "https://acme.example/details", Verdict.SEND, [], id="the full link"
        ),
    ],
)
def test_the_tenant_says_what_becomes_of_it(
    policy: str, body: str, verdict: Verdict, rules: list[str]
) -> None:
    evaluation = evaluate(context(body=body, policy={"shorteners": policy}))
    assert (evaluation.verdict, list(evaluation.rules)) == (verdict, rules)


def test_the_next_step() -> None:
    found = check_shortener(context(body=LINK))
    assert found is not None
    assert found.next_step == "use the full link"


def test_the_data_file_is_clean() -> None:
    assert "bit.ly" in DOMAINS
    assert all(
        domain == domain.lower().strip() and 1 <= domain.count(".") <= 3 for domain in DOMAINS
    )

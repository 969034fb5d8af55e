"""The first minute: the printed link, and no trace of a policy that a browser would complain of."""

from __future__ import annotations

import pytest

from tests.browser.conftest import SignIn

pytestmark = pytest.mark.broker


def test_a_link_leads_in_and_nothing_is_blocked(sign_in: SignIn) -> None:
    page = sign_in("dana", "admin@harbor")
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.reload()
    assert "/sign-in" not in page.url
    assert not [line for line in said if "Content Security" in line or "Error" in line]

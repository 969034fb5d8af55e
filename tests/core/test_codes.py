"""The dictionary of codes."""

from __future__ import annotations

import pytest

from streams.codes import all_codes, meaning

OWN = {"stopped", "canceled", "id_reused", "out_of_time", "old_order", "unsent", "lease_over", "429", "unencodable",
       "ask_budget"}  # fmt: skip


def test_every_code_has_a_title_a_meaning_and_something_to_do() -> None:
    codes = all_codes()
    assert len(codes) == 312 + len(OWN)
    for code in codes.values():
        assert code.title
        assert code.description
        assert code.next_step
        assert code.retry in {"yes", "later", "after_fix", "ambiguous", "no", "n/a"}
        assert code.suppress_number in {"yes", "no", "consent"}
        assert code.known


def test_the_providers_codes_link_to_their_page_and_our_own_words_to_none() -> None:
    for name, code in all_codes().items():
        assert code.url == ("" if name in OWN else f"https://www.twilio.com/docs/api/errors/{name}")


@pytest.mark.parametrize("code", ["30003", "30005", "30006"])
def test_the_failures_that_staff_meet_most_say_what_to_do_first(code: str) -> None:
    step = meaning(code).next_step.lower()
    for word in ("client", "new" if code != "30006" else "mobile", "save", "test sms", "escalate"):
        assert word in step


@pytest.mark.parametrize(
    ("code", "url"),
    [("99999", "https://www.twilio.com/docs/api/errors/99999"), ("weird", ""), ("٣", ""), ("9" * 500, None)],
)
def test_a_code_nobody_has_heard_of_is_shown_and_linked(code: str, url: str | None) -> None:
    unknown = meaning(code)
    assert not unknown.known
    assert unknown.next_step
    assert len(unknown.title) < 60
    assert url is None or unknown.url == url

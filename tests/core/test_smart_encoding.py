"""Smart encoding as a tenant has it: the table that `tests/contracts` compares with Twilio's,
used where it helps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.tenant_settings import TenantSettings
from streams.encoding.body import REPLACEMENTS, encode_body, replace_smart_chars, why_unsendable
from streams.encoding.segments import BASIC, EXTENSION, count_segments
from tests.core.segment_texts import KINDS, corpus

ON = TenantSettings(tenant="acme", name="Acme", sender="24273", smart_encoding=True)
OFF = ON.model_copy(update={"smart_encoding": False})

named = st.sampled_from(sorted(map(chr, REPLACEMENTS)))
anything = st.sampled_from(
    [piece for kind, pieces in KINDS.items() if kind != "halves" for piece in pieces]
)
bodies = st.lists(named | anything | st.sampled_from("abc déf"), max_size=120).map(
    "".join
) | st.builds(
    lambda piece, times, more: piece * times + more, named, st.integers(0, 1600), anything
)


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        pytest.param("“It’s 5…” – Ann", '"It\'s 5..." - Ann', id="what phones write"),
        pytest.param("at\u00a05\u202fpm", "at  5  pm", id="spaces that do not break"),
        pytest.param("½ off • now", "1/2 off - now", id="a fraction, a bullet"),
        pytest.param("José, mañana", "José, mañana", id="letters of GSM stay"),
        pytest.param(
            "“до завтра”", '"до завтра"', id="what it has no word for stays, beside the rest"
        ),
        pytest.param(
            "\u200b\u200b", "\u200b\u200b", id="of nothing but blanks nothing would be left"
        ),
        pytest.param("a\0b", "a\0b", id="a fault is not hidden"),
        pytest.param("\t" * 20 + "😀", "\t" * 20 + "😀", id="142 units for 22"),
        pytest.param("…" * 1500, "…" * 1500, id="4,500 characters, which nobody takes"),
    ],
)
def test_what_is_sent(body: str, sent: str) -> None:
    assert encode_body(body, ON) == sent
    assert encode_body(body, OFF) == encode_body(body, None) == body


@given(bodies)
def test_it_never_costs_more_and_done_twice_is_the_same(body: str) -> None:
    sent = encode_body(body, ON)
    assert count_segments(sent) <= count_segments(body)
    assert encode_body(sent, ON) == sent
    assert sent in (body, replace_smart_chars(body))
    assert (why_unsendable(sent) is None) == (why_unsendable(body) is None)


def test_no_replacement_is_replaced_itself_and_all_are_gsm() -> None:
    put_in = set("".join(REPLACEMENTS.values()))
    assert put_in <= set(BASIC + EXTENSION)
    assert put_in.isdisjoint(map(chr, REPLACEMENTS))
    assert REPLACEMENTS.keys().isdisjoint(map(ord, BASIC + EXTENSION))


def test_it_saves_segments_of_real_texts() -> None:
    saved = sum(count_segments(text) - count_segments(encode_body(text, ON)) for text in corpus())
    assert saved == 21

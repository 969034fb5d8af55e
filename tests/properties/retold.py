"""The same facts, told twice: in another order, some of them again."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st


@st.composite
def told_twice(
    draw: st.DrawFn, lives: st.SearchStrategy[list[Any]], again: int
) -> tuple[list[Any], list[Any]]:
    """`again`: how many may be repeated, at most."""
    records = draw(lives)
    repeated = draw(st.lists(st.sampled_from(records), max_size=again))
    return records, draw(st.permutations([*records, *repeated]))

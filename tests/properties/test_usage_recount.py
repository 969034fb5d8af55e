"""The report equals a recount by somebody who knows nothing of how it is kept."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.outcome import Outcome, Was
from schemas.topics import USAGE_REPORT
from tests.core.harness import START
from tests.core.usage.records import outcome, processor, report

seen = st.tuples(
    st.sampled_from(["held", "sent", "delivered", "undelivered"]),
    st.sampled_from([None, "30003"]),
    st.integers(1, 3),
    st.sampled_from([None, "72975", "12345"]),
)
stories = st.dictionaries(
    st.sampled_from(["m1", "m2", "m3"]), st.lists(seen, min_size=1, max_size=5), min_size=1
)


def versions(stories: dict[str, list[tuple[str, str | None, int, str | None]]]) -> list[Outcome]:
    told = []
    for message_id, story in stories.items():
        was = None
        for version, (state, code, segments, sender) in enumerate(story, 1):
            told.append(
                outcome(
                    state,
                    version,
                    message_id=message_id,
                    error_code=code,
                    segments=segments,
                    sender=sender,
                ).model_copy(update={"was": was})
            )
            was = Was(state=state, error_code=code, segments=segments)
    return told


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Outcome], list[Outcome]]:
    """What was told, and how it arrives: in any order, some of it again and again; the last
    versions all arrive."""
    told = versions(draw(stories))
    again = draw(st.lists(st.sampled_from(told), max_size=10))
    return told, draw(st.permutations([*told, *again]))


@settings(max_examples=300, deadline=None)
@given(deliveries())
def test_the_report_equals_a_recount(ways: tuple[list[Outcome], list[Outcome]]) -> None:
    told, arrive = ways
    harness = processor()
    for one in arrive:
        harness.feed(one)
    final = {one.message_id: one for one in told}
    messages: Counter[tuple[str, str, str]] = Counter()
    segments: Counter[tuple[str, str, str]] = Counter()
    for one in final.values():
        cell = (one.sender or "", one.state, one.error_code or "")
        messages[cell] += 1
        segments[cell] += one.segments
    lines = [line for line in report(harness).values() if line.messages or line.segments]
    assert {
        (line.sender, line.state, line.error_code or ""): line.messages for line in lines
    } == messages
    assert {
        (line.sender, line.state, line.error_code or ""): line.segments for line in lines
    } == segments
    assert all(
        line.period == START.date() and line.messages >= 0
        for line in harness.published_on(USAGE_REPORT)
    )


@settings(max_examples=50, deadline=None)
@given(deliveries(), st.data())
def test_the_last_version_alone_is_enough(
    ways: tuple[list[Outcome], list[Outcome]], data: st.DataObject
) -> None:
    """Earlier ones may be lost on the way: what is reported is where the messages stand."""
    told, _ = ways
    final = {one.message_id: one for one in told}
    some = data.draw(st.lists(st.sampled_from(told)))
    harness, whole = processor(), processor()
    for one in data.draw(st.permutations([*final.values(), *some])):
        harness.feed(one)
    for one in told:
        whole.feed(one)
    standing = [
        {k: line for k, line in report(one).items() if line.messages} for one in (harness, whole)
    ]
    assert standing[0] == standing[1]

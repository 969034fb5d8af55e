"""The labelled set, and every form of a file of labelled texts."""

from __future__ import annotations

import pytest

from schemas.keywords import normalize
from streams.inbound_keywords.labelled import (
    UNKNOWN_LANGUAGE,
    InvalidLabels,
    Label,
    LabelledText,
    parse_labelled,
)
from streams.inbound_keywords.score import Kind, score
from tests.core.inbound_keywords.labelled_set import FOLDER, read_labelled

TEXTS = read_labelled()
PARTS = {"tune", "held_out", "dev_held_out"}


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.tsv")), ids=lambda file: file.stem)
def test_a_file_of_the_set_has_the_agreed_form(file) -> None:
    lines = file.read_text(encoding="utf-8").split("\n")
    assert lines[0] == "text\tlabel\tsource\tpart"
    texts = parse_labelled(lines, file.stem)
    assert {one.part for one in texts} <= PARTS
    assert all(one.source and one.text.strip() for one in texts)
    assert len({one.text for one in texts}) == len(texts), "a text is there twice"


def test_the_set_takes_in_what_was_collected_from_public_sources() -> None:
    sources = {one.source for one in TEXTS}
    assert sum(source.startswith("gh:") for source in sources) >= 50
    assert {"corpus", "field", "court", "written"} <= sources
    assert len({one.language for one in TEXTS}) >= 22


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            ["text\tlabel\tsource\tpart", "no más\\nJuan\trevoke\tgh:1\ttune"],
            ("no más\nJuan", Label.REVOKE, "gh:1", "tune", "es"),
            id="of this set",
        ),
        pytest.param(
            ["part\tlabel\tsource\ttext", "held_out\tnone\tcorpus\thello"],
            ("hello", Label.NONE, "corpus", "held_out", "es"),
            id="the earlier form",
        ),
        pytest.param(
            ["language\ttext\tclass\tsource", "", "fr\tmerci\tnot_revoke\tgh:2\r"],
            ("merci", Label.NONE, "gh:2", "", "fr"),
            id="collected",
        ),
        pytest.param(["\ufeffText\tLABEL", "hm\tUnsure"], ("hm", Label.UNSURE, "", "", "es")),
    ],
)
def test_every_form_is_read(lines: list[str], expected: tuple[str, ...]) -> None:
    assert parse_labelled(lines, "es") == (expected,)


def test_the_name_of_a_file_is_a_language_only_where_it_looks_like_one() -> None:
    lines = ["text\tlabel", "x\tnone"]
    found = {
        name: parse_labelled(lines, name)[0].language
        for name in ("en", "ceb", "pt-BR", "labelled", "first-sight", "")
    }
    unknown = dict.fromkeys(("labelled", "first-sight", ""), UNKNOWN_LANGUAGE)
    assert found == {"en": "en", "ceb": "ceb", "pt-BR": "pt-br"} | unknown


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "line 1: the file is empty"),
        (["", "  "], "line 1: the file is empty"),
        (["text\tlabel", ""], "line 1: no text follows the heading"),
        (["text\tlabel\tcolour", "x\tnone\tred"], "line 1: there is no column 'colour'"),
        (["text\tlabel\tclass", "x\tnone\tnone"], "line 1: the column 'label' is there twice"),
        (["text\tpart", "x\ttune"], "line 1: the column 'label' is missing"),
        (["label\tpart", "none\ttune"], "line 1: the column 'text' is missing"),
        (["text\tlabel", "x\tnone", "x"], "line 3: 1 columns, and 2 in the heading"),
        (["text\tlabel", "x\tno-such"], "line 2: there is no label 'no-such'"),
    ],
)
def test_a_file_that_is_none_is_named_with_its_line(lines: list[str], words: str) -> None:
    with pytest.raises(InvalidLabels) as caught:
        parse_labelled(lines)
    assert str(caught.value) == words


def test_what_was_scored_at_first_sight_is_kept_as_it_was() -> None:
    """The docs quote how it was read before anybody looked; it may be learned from since."""
    file = FOLDER.parent / "first_sight/2026-11.tsv"
    texts = parse_labelled(file.read_text(encoding="utf-8").split("\n"), file.stem)
    assert sum(one.label is Label.REVOKE for one in texts) == 83
    assert sum(one.label is Label.NONE for one in texts) == 104
    assert {one.text for one in texts}.isdisjoint(one.text for one in TEXTS)


@pytest.mark.parametrize(
    ("name", "revoking", "ordinary", "in_question"),
    [("2026-11-blind", 556, 540, 0.05), ("2026-11-blind-2", 616, 656, 0.05)],
)
def test_a_list_of_first_sight_that_was_learned_from_stays_learned(
    name: str, revoking: int, ordinary: int, in_question: float
) -> None:
    """The figures in the docs are those of first sight.  Since then no revocation goes on, and
    hardly an ordinary text is in question."""
    file = FOLDER.parent / f"first_sight/{name}.tsv"
    texts = parse_labelled(file.read_text(encoding="utf-8").split("\n"), file.stem)
    rows = {row.kind: row for row in score(texts).pooled if row.language == "all"}
    assert (rows[Kind.REVOKE].texts, rows[Kind.ORDINARY].texts) == (revoking, ordinary)
    assert rows[Kind.REVOKE].goes_on == 0
    assert rows[Kind.REVOKE].out >= 0.98 * revoking
    assert rows[Kind.ORDINARY].out == 0
    assert rows[Kind.ORDINARY].paused <= in_question * ordinary


LARGER = frozenset({"es", "fr", "pt", "de"})
WANTED = {
    "English": (0.90, 0.01, 0.08),
    "es fr pt de": (0.75, 0.03, 0.10),
    "others": (0.60, 0.05, 0.15),
}
"""By group: opted out at least, missed at most, ordinary texts paused at most."""


@pytest.mark.parametrize("group", WANTED)
def test_the_third_list_is_read_as_well_as_we_want_unseen_texts_read(group: str) -> None:
    """Of it, only who asks for texts instead of calls was learned from."""
    file = FOLDER.parent / "first_sight/2026-11-blind-3.tsv"
    texts = parse_labelled(file.read_text(encoding="utf-8").split("\n"), file.stem)
    of_group = {"English": frozenset({"en"}), "es fr pt de": LARGER}
    others = {one.language for one in texts} - LARGER - {"en"}
    wanted = of_group.get(group, others)
    rows = {
        row.kind: row
        for row in score(one for one in texts if one.language in wanted).pooled
        if row.language == "all"
    }
    out, missed, paused = WANTED[group]
    revoking, ordinary = rows[Kind.REVOKE], rows[Kind.ORDINARY]
    assert revoking.out >= out * revoking.texts
    assert revoking.goes_on <= missed * revoking.texts
    assert ordinary.out == 0
    assert ordinary.paused <= paused * ordinary.texts


NEAR_MISS = ", near miss"
"""The end of the source of an ordinary text of the fourth list with words of a revocation."""
FIRST_SIGHT_OF_FOURTH = {
    "English": ((185, 152, 8), (161, 0, 0), (174, 3, 7)),
    "es fr pt de": ((172, 137, 6), (212, 0, 0), (134, 0, 16)),
    "elsewhere": ((270, 156, 25), (237, 0, 6), (167, 0, 28)),
}
"""By group.  Revocations, out, missed; ordinary texts, out, paused; near misses, out, paused."""


@pytest.mark.parametrize("group", FIRST_SIGHT_OF_FOURTH)
def test_the_fourth_list_is_read_no_worse_than_at_first_sight(group: str) -> None:
    """Nothing was learned from it.  It misses what we want of unseen texts (`WANTED`), so these
    are the figures of the docs: what may not get worse, and no promise."""
    file = FOLDER.parent / "first_sight/2026-11-blind-4.tsv"
    texts = parse_labelled(file.read_text(encoding="utf-8").split("\n"), file.stem)
    revoking, ordinary, near = (
        next(row for row in score(part).pooled if row.language == group)
        for part in (
            [one for one in texts if one.label is Label.REVOKE],
            [one for one in texts if one.label is Label.NONE and not is_near_miss(one)],
            [one for one in texts if is_near_miss(one)],
        )
    )
    revocations, plain, near_misses = FIRST_SIGHT_OF_FOURTH[group]
    assert (revoking.texts, ordinary.texts, near.texts) == (
        revocations[0],
        plain[0],
        near_misses[0],
    )
    assert revoking.out >= revocations[1]
    assert revoking.goes_on <= revocations[2]
    assert ordinary.out <= plain[1]
    assert near.out <= near_misses[1]
    assert ordinary.paused <= plain[2]
    assert near.paused <= near_misses[2]


def is_near_miss(one: LabelledText) -> bool:
    return one.source.endswith(NEAR_MISS)


def test_no_text_of_the_fourth_list_was_known_before() -> None:
    """Unlike the other written lists: what they share with the sets counts there."""
    folder = FOLDER.parent / "first_sight"
    earlier = {
        normalize(one.text)
        for file in folder.glob("*.tsv")
        if file.stem != "2026-11-blind-4"
        for one in parse_labelled(file.read_text(encoding="utf-8").split("\n"), file.stem)
    }
    file = folder / "2026-11-blind-4.tsv"
    texts = parse_labelled(file.read_text(encoding="utf-8").split("\n"), file.stem)
    plain = [normalize(one.text) for one in texts]
    assert len(set(plain)) == len(plain) == 1712
    assert earlier.isdisjoint(plain)

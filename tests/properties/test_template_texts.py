"""No template that somebody may write does anything but fill in or be refused."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.templates.checks import check_template
from streams.templates.fields import PersonFields
from streams.templates.grammar import FILTERS, BrokenTemplate, MissingValue
from streams.templates.rendering import render
from tests.core.templates.cases import fields

PIECES = [
    *("{{", "}}", "{%", "%}", "{{-", "-}}", "{%-", "-%}", "{#", "|", ":", ",", ".", "..", "'a'"),
    *("if", "unless", "elsif", "else", "endif", "endunless", "for", "raw", "comment", "liquid"),
    *("person.first", "event.date", "event", "case.title", "x", "e9", "1", "-1", "1.5", "(1..9)"),
    *("default", "truncate", "phone", "weekday", "time", "in", "and", "or", "not", "contains"),
    *("==", "<", "[", "]", "(", ")", '"', "'", "\\", "🙂", "\n", "\0", "nil", "true", "empty"),
]
"""Of a template, and of what somebody may take for one."""
ATOMS = [
    *("person.first", "event.date", "event.time", "case.title", "date.day", "confirm.word", "x"),
    *("event", "event['date']", "person.first.size", "'a'", '""', "1", "-1", "1.5", "1e9"),
    *("99999999999999999999", "(1..9)", "nil", "true", "empty", "blank"),
]
atoms = st.sampled_from(ATOMS)
filters = st.builds(
    lambda name, values: f" | {name}" + (f": {', '.join(values)}" if values else ""),
    st.sampled_from([*FILTERS, "size"]),
    st.lists(atoms, max_size=2),
)
outputs = st.builds(
    lambda atom, names: f"{{{{ {atom}{''.join(names)} }}}}", atoms, st.lists(filters, max_size=3)
)
compared = st.builds(
    lambda one, by, other: f"{one} {by} {other}",
    atoms,
    st.sampled_from(["==", "!=", "<", ">=", "contains", "and", "or"]),
    atoms,
)


def build_choices(asked: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda tag, asked, one, other: (
            f"{{% {tag} {asked} %}}{one}{{% else %}}{other}{{% end{tag} %}}"
        ),
        st.sampled_from(["if", "unless"]),
        asked,
        outputs,
        outputs,
    )


scraps = st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join)
anything = st.lists(outputs | build_choices(atoms | compared), max_size=4).map("".join) | scraps


def fill(text: str, **given: Any) -> bool:
    """False: the template is at fault."""
    try:
        render(text, fields(**given), "en")
    except BrokenTemplate:
        return False
    except MissingValue:
        return True
    return True


@given(anything)
@settings(max_examples=150)
@example("{% if " + " and ".join(["1"] * 640) + " %}a{% endif %}")
@example("{% if " + " or ".join(["x"] * 640) + " %}a{% endif %}")
@example("{{ person.first" + " | default: 'a'" * 250 + " }}")
@example("{{ person" + "[person" * 450 + "]" * 450 + " }}")
@example("{{ " + "(" * 1500 + " }}")
def test_any_template_is_filled_in_or_refused(text: str) -> None:
    """No other error comes out of it, for it would stop everybody's texts."""
    check_template(text, "en")
    fill(text)


@given(outputs | build_choices(atoms))
@settings(max_examples=150)
@example("{% if event.location %}a{% else %}{{ case.title | truncate: 'x' }}{% endif %}")
@example("{% if date.day %}a{% else %}{{ person.first | date }}{% endif %}")
def test_what_the_check_lets_pass_can_be_filled_in(text: str) -> None:
    if check_template(text, "en") == ():
        assert fill(text)
        assert fill(text, event=None, confirm=None, person=PersonFields())

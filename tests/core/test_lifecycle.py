"""The table of states and reports, and what is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import streams
from schemas.attempt import AttemptState
from schemas.decision import Verdict
from streams.lifecycle import (
    ACCEPTED_STRENGTH,
    ATTEMPT,
    DECISION,
    EQUATION,
    RECEIPT,
    REPORTS,
    STATE_INFO,
    STRENGTH,
    TABLE,
    VERDICTS,
    Group,
    State,
    Transition,
    contradicts,
    reconcile_states,
    render_diagram,
    render_docs,
    states_of,
    stronger_report,
)


def test_the_table_has_every_verdict_and_every_attempt_state() -> None:
    assert {word for source, word in TABLE if source == DECISION} == set(Verdict)
    assert {word for source, word in TABLE if source == ATTEMPT} == set(AttemptState)


def test_the_table_knows_every_status_of_an_outbound_text() -> None:
    """Twilio's OpenAPI 2.6.7, `message_enum_status`, without those of inbound ones."""
    statuses = "queued sending sent failed delivered undelivered accepted scheduled read partially_delivered canceled"
    assert {word for source, word in TABLE if source == RECEIPT} == set(statuses.split())


def test_every_state_has_a_meaning_and_a_report_that_leads_to_it() -> None:
    assert set(STATE_INFO) == set(State)
    assert {line.state for line in (*VERDICTS, *REPORTS)} == set(State)


@pytest.mark.parametrize("line", REPORTS[2:], ids=lambda line: f"{line.source} {line.word}")
def test_where_a_report_is_expected_it_is_the_stronger_one(line: Transition) -> None:
    """So the arrows of the diagram are what the fold does.  (The first two open a new attempt.)"""
    report = (line.source, line.word)
    weaker = [
        known
        for known in STRENGTH
        if TABLE[known].state in line.usually_from and known[0] == line.source
    ]
    assert {stronger_report(known, report) for known in weaker} <= {report}


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        pytest.param((ATTEMPT, "in_doubt"), (ATTEMPT, "accepted"), id="a sighting ends the doubt"),
        pytest.param(
            (ATTEMPT, "refused"), (RECEIPT, "sent"), id="a receipt proves that it was taken"
        ),
        pytest.param((RECEIPT, "failed"), (RECEIPT, "delivered"), id="delivered is proof"),
        pytest.param(
            (RECEIPT, "undelivered"), (RECEIPT, "delivered"), id="also against the carrier's no"
        ),
        pytest.param(
            ("clock", "72 h"), (RECEIPT, "undelivered"), id="a word after the silence counts"
        ),
        pytest.param((RECEIPT, "sent"), ("clock", "72 h"), id="silence"),
    ],
)
def test_the_order_that_was_chosen(weaker: tuple[str, str], stronger: tuple[str, str]) -> None:
    assert stronger_report(weaker, stronger) == stronger_report(stronger, weaker) == stronger


def test_what_left_is_out() -> None:
    out = {line.state for line in REPORTS[ACCEPTED_STRENGTH:]}
    assert out - {State.CANCELED} == set(states_of(Group.OUT))
    assert {line.state for line in REPORTS[:ACCEPTED_STRENGTH]} & set(states_of(Group.OUT)) == {
        State.UNKNOWN
    }, "given up in doubt"


def test_the_books_balance_when_every_message_is_in_a_state() -> None:
    by_state = {str(state): number for number, state in enumerate(State, 1)}
    books = reconcile_states(sum(by_state.values()), by_state)
    assert books.unaccounted == 0
    assert sum(books.groups.values()) == books.requested
    assert set(books.groups) == set(Group)


@pytest.mark.parametrize(
    ("requested", "by_state", "residue"),
    [(3, {"delivered": 2}, 1), (1, {"delivered": 2}, -1), (2, {"delivered": 1, "vanished": 1}, 1)],
)
def test_what_is_missing_or_unknown_is_residue(
    requested: int, by_state: dict[str, int], residue: int
) -> None:
    assert reconcile_states(requested, by_state).unaccounted == residue


def test_the_equation_names_every_state_once() -> None:
    words = EQUATION.replace("not sent", "").replace("(", " ").replace(")", " ").split()
    assert {state: words.count(state) for state in State} == dict.fromkeys(State, 1)


def test_the_diagram_has_every_state_and_its_ends() -> None:
    drawn = render_diagram()
    assert drawn.startswith("stateDiagram-v2\n")
    for state, meaning in STATE_INFO.items():
        assert f"--> {state}:" in drawn
        assert (f"    {state} --> [*]" in drawn) == meaning.final
    assert "sent --> delivered: provider delivered" in drawn


def test_the_docs_page_is_the_tables() -> None:
    """Written anew by `python -m streams.lifecycle`."""
    written = Path(str(streams.__file__)).with_name("LIFECYCLE.md").read_text("utf-8")
    assert written == render_docs()
    assert render_diagram() in written
    assert EQUATION in written


def test_a_life_that_goes_as_expected_contradicts_nothing() -> None:
    for line in REPORTS:
        for before in line.usually_from:
            reports = [report for report in STRENGTH if TABLE[report].state == before]
            assert not any(contradicts(line.state, report) for report in reports), line

"""Clients write, staff answer, workers crash: who waits for an answer, and since when, is what an
onlooker finds; each text is mailed once; and a sender that nobody reads says so once a day."""

from __future__ import annotations

from itertools import pairwise

import pytest

from schemas import topics as t
from tests.simulation.thread_scenario import DAY, NUMBERS, OFFICE, ThreadScenario

CALM = [pytest.param((seed, 0.0), id=f"calm {seed}") for seed in range(2)]
STORMY = [pytest.param((seed, 0.03), id=f"crashing {seed}") for seed in range(100, 106)]


@pytest.fixture(params=[*CALM, *STORMY], scope="module")
def played(request: pytest.FixtureRequest) -> ThreadScenario:
    seed, crash = request.param
    scenario = ThreadScenario(seed, crash)
    scenario.play()
    return scenario


def test_it_crashed(played: ThreadScenario) -> None:
    crashed = sum(n for where, n in played.world.crashes.items() if where.startswith("threads"))
    assert (crashed > 0) == (played.crash > 0)


def test_who_waits_and_since_when(played: ThreadScenario) -> None:
    threads = played.threads
    assert set(threads) == set(NUMBERS)
    for number in NUMBERS:
        waiting = played.waiting(number)
        thread = threads[number]
        assert thread.waiting_texts == len(waiting)
        assert thread.waiting_since == (waiting[0].at if waiting else None)


def test_the_last_text_of_each(played: ThreadScenario) -> None:
    for number, thread in played.threads.items():
        last = max(played.written[number], key=lambda one: one.at)
        assert thread.last_inbound is not None
        assert (thread.last_inbound.inbound_id, thread.last_inbound.use) == (
            last.provider_id,
            last.use,
        )
        place = NUMBERS.index(number)
        assert thread.last_inbound.case_id in {None, f"a{place}", f"b{place}"}
        assert set(thread.cases) == {f"a{place}", f"b{place}"}


def test_versions_count_what_was_published(played: ThreadScenario) -> None:
    for number in NUMBERS:
        versions = [
            one.version
            for one in played.world.log.all(t.THREADS)
            if (one.tenant, one.number) == ("acme", number)
        ]
        assert versions == list(range(1, len(versions) + 1))


def test_each_text_but_reactions_is_mailed_once(played: ThreadScenario) -> None:
    mailed = sorted(one.inbound_id for one in played.mails)
    written = [one for number in NUMBERS for one in played.written[number]]
    assert mailed == sorted(one.provider_id for one in written if one.use != "reaction")
    assert {one.to for one in played.mails} == {OFFICE}
    assert len({one.mail_id for one in played.mails}) == len(mailed)


def test_a_sender_that_nobody_reads_says_so_once_a_day(played: ThreadScenario) -> None:
    """Two tenants share it: whichever texted last says so, and both together once."""
    found = played.told_unmonitored()
    assert found
    for moments in found.values():
        assert all(later - earlier >= DAY for earlier, later in pairwise(sorted(moments)))

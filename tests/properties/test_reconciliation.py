"""The count of each hour equals a recount by somebody who has all of it in memory."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ledger.ledger import FILE, Ledger
from services.ledger.reconciliation import build_row, find_unaccounted, list_hours, reconcile
from streams.lifecycle import State
from tests.adapters.ledger_filler import NOON, fill_ledger
from tests.adapters.ledger_messages import make_decision, make_outcome, make_request

HOUR = timedelta(hours=1)


class Said(NamedTuple):
    what: Literal["asked", "decided", "stands"]
    tenant: str
    message_id: str
    at: datetime
    state: str


said = st.builds(
    Said,
    st.sampled_from(["asked", "decided", "stands"]),
    st.sampled_from(["acme", "bolt"]),
    st.sampled_from(["m1", "m2", "m3"]),
    st.sampled_from([NOON, NOON + HOUR - timedelta(milliseconds=1), NOON + HOUR]),
    st.sampled_from(["held", "delivered", "vanished"]),
)


def record(one: Said, version: int) -> Any:
    if one.what == "stands":
        return make_outcome(one.message_id, one.state, one.at, tenant=one.tenant, version=version)
    return {"asked": make_request, "decided": make_decision}[one.what](
        one.message_id, one.at, tenant=one.tenant
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(said, max_size=12))
def test_reconciliation_equals_a_recount(told: list[Said]) -> None:
    opened: defaultdict[tuple[str, str], set[datetime]] = defaultdict(set)
    stood: dict[tuple[str, str], Said] = {}
    for one in told:
        if one.what == "stands":
            stood[one.tenant, one.message_id] = one
        else:
            opened[one.tenant, one.message_id].add(one.at)
    with tempfile.TemporaryDirectory() as folder:
        fill_ledger(Path(folder), *(record(one, version) for version, one in enumerate(told, 1)))
        ledger = Ledger.open(Path(folder) / FILE)
        for hour in list_hours(ledger, NOON - HOUR, NOON + 2 * HOUR):
            span = {at for at in (one.at for one in told) if hour.begins <= at < hour.begins + HOUR}
            here = {
                key: one for key, one in stood.items() if key[0] == hour.tenant and one.at in span
            }
            lost = {
                key
                for key, ats in opened.items()
                if key[0] == hour.tenant and key not in stood and ats & span
            }
            unasked = here.keys() - opened.keys()
            strange = [one for one in here.values() if one.state not in set(State)]
            found = reconcile(ledger, hour)
            assert found.requested == len(here) - len(unasked) + len(lost)
            assert found.unaccounted == len(lost) - len(unasked) + len(strange)
            named = sorted(one.message_id for one in find_unaccounted(ledger, hour))
            assert named == sorted(
                [m for _, m in [*lost, *unasked]] + [one.message_id for one in strange]
            )
            assert sorted(build_row(ledger, hour, NOON).astray) == named
        ledger.close()

"""However facts interleave and batches crash: each number has one unbroken consent log, and its
status knows it."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest

from schemas.topics import CONSENT_LOG, CONSENT_STATUS
from streams.gate.consent_log import find_flaws
from tests.simulation.scenario import Scenario


@pytest.mark.parametrize(("seed", "crash"), [(0, 0.0), (100, 0.03), (101, 0.03), (102, 0.03)])
def test_every_chain_is_whole_and_each_status_names_an_entry(seed: int, crash: float) -> None:
    scenario = Scenario(seed, crash)
    scenario.play()
    chains: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for change in scenario.world.log.all(CONSENT_LOG):
        chains[change.number_key].append(json.loads(CONSENT_LOG.encode(change)))
    assert max(len(entries) for entries in chains.values()) > 1
    assert {
        key: find_flaws(entries) for key, entries in chains.items() if find_flaws(entries)
    } == {}
    hashes = {
        (key, entry["seq"]): entry["hash"] for key, entries in chains.items() for entry in entries
    }
    for status in scenario.world.log.all(CONSENT_STATUS):
        if status.log_seq:
            assert hashes[status.number_key, status.log_seq] == status.log_hash

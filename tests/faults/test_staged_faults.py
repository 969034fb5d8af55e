"""The cheap half of the staged faults; all of them: `python -m tests.faults.trouble`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.trouble.__main__ import README, format_row
from tests.faults.trouble.cases import STAGED_FAULTS, StagedFault
from tests.faults.trouble.gate_worker import start_gate_worker


@pytest.mark.long
@pytest.mark.broker
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "fault", [one for one in STAGED_FAULTS if one.cheap], ids=lambda one: one.name
)
async def test_what_is_said_is_right(
    fault: StagedFault, fresh_cluster: str, tmp_path: Path
) -> None:
    async with start_gate_worker(fresh_cluster, tmp_path / "staged") as opened:
        said = await fault.run(opened)
        assert fault.right(said), (said, opened.log)


@pytest.mark.parametrize("said", [[], ["STALLED: x"], ["STALLED: x", "OK"], ["OK", "STOPPED"]])
def test_what_is_wrong_is_noticed(said: list[str]) -> None:
    expected = StagedFault("t", "w", STAGED_FAULTS[0].run, ("STALLED", "STOPPED"))
    assert not expected.right(said)
    assert expected.right(["STALLED: x", "STOPPED: y"])
    assert "**wrong**" in format_row("w", said, False)


def test_the_docs_list_every_staged_fault_and_none_is_wrong() -> None:
    page = README.read_text("utf-8")
    assert [fault.name for fault in STAGED_FAULTS if f"| {fault.words} |" not in page] == []
    assert "**wrong**" not in page

"""The cheap half of the staged troubles; all of them: `python -m tests.faults.trouble`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.trouble.__main__ import README, row
from tests.faults.trouble.scene import scene
from tests.faults.trouble.staged import TROUBLES, Trouble


@pytest.mark.broker
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "trouble", [one for one in TROUBLES if one.cheap], ids=lambda one: one.name
)
async def test_what_is_said_is_right(trouble: Trouble, fresh_cluster: str, tmp_path: Path) -> None:
    async with scene(fresh_cluster, tmp_path / "staged") as opened:
        said = await trouble.play(opened)
        assert trouble.right(said), (said, opened.log)


@pytest.mark.parametrize("said", [[], ["STALLED: x"], ["STALLED: x", "OK"], ["OK", "STOPPED"]])
def test_what_is_wrong_is_noticed(said: list[str]) -> None:
    expected = Trouble("t", "w", TROUBLES[0].play, ("STALLED", "STOPPED"))
    assert not expected.right(said)
    assert expected.right(["STALLED: x", "STOPPED: y"])
    assert "**wrong**" in row("w", said, False)


def test_the_docs_tell_of_every_trouble_and_of_nothing_wrong() -> None:
    page = README.read_text("utf-8")
    assert [trouble.name for trouble in TROUBLES if f"| {trouble.words} |" not in page] == []
    assert "**wrong**" not in page

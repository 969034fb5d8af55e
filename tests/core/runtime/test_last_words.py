"""What a worker says when it ends: one line, because a supervisor shows the last one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from schemas.recipe import Template
from streams.runtime.faust_app import FaustApp


def test_the_last_line_says_what_was_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    ended: list[BaseException] = []
    app = SimpleNamespace(
        processor=SimpleNamespace(name="cases"), hooks=SimpleNamespace(on_fatal=ended.append)
    )
    with pytest.raises(ValueError, match="at least 1") as raised:
        Template(texts={"en": ""})
    FaustApp.fail_fast(cast("Any", app), raised.value)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sayso: the cases worker stops: ValidationError: 1 validation error")
    assert "texts.en String should have at least 1 character" in line
    assert "http" not in line
    assert ended == [raised.value]

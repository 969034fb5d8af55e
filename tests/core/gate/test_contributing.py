"""The example in CONTRIBUTING.md is the code."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from streams.gate.rules.content import check_shortener
from tests.core.gate import test_shortener

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_its_code_is_the_code() -> None:
    function, table = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert function == inspect.getsource(check_shortener)
    assert table in inspect.getsource(test_shortener)

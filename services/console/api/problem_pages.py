"""The list of problems in the documentation, from the types themselves.

`python -m services.console.api.problem_pages` writes it anew.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from services.console.api.problems import TYPES

FILE: Final = Path(__file__).parents[3] / "docs" / "reference" / "problems.md"
_HEAD: Final = """# Problems of the HTTP API

The `type` of an error is `/v1/problems/NAME`, which the server shows as text. This page is made of
`services/console/api/problems.py`.
"""


def render() -> str:
    parts = [f"## {kind.name}\n\n{kind.status}: {kind.title}. {kind.advice}\n" for kind in TYPES]
    return "\n".join((_HEAD, *parts))


def main() -> int:
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(render())
    print(f"wrote {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

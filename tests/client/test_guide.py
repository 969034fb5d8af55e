"""The Python examples of the README and of the guide, run as they stand."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.console.api.world import World, world_on

PAGES = ("services/client/README.md", "docs/guides/api.md")
EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = {
    f"{page} {n}": code
    for page in PAGES
    for n, code in enumerate(EXAMPLE.findall(Path(page).read_text()), 1)
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_on(tmp_path_factory.mktemp("world")) as found:
        yield found


@pytest.mark.parametrize("name", EXAMPLES)
async def test_each_example_does_what_it_says(world: World, name: str) -> None:
    before = len(world.harness.kafka.published)
    names: dict[str, Any] = {}
    exec(  # noqa: S102  # ours
        f"async def example(url, key):\n{textwrap.indent(EXAMPLES[name], '    ')}    return dict(locals())",
        names,
    )
    found = await names["example"](world.url, world.key)
    assert len(world.harness.kafka.published) > before
    assert found.get("refused", []) == []
    assert ("changed" in found) == ("changed =" in EXAMPLES[name]), "it was refused"


def test_the_readme_names_every_method() -> None:
    from services.client import Client
    from tests.client.test_calls import list_methods

    told = set(re.findall(r"`(\w+)`", Path("services/client/README.md").read_text()))
    kinds = re.compile(r"(put|cancel)_(party|task|event)$")
    methods = {name.rpartition(".")[2] for name in list_methods(Client("http://here", "key"))}
    assert {name for name in methods if not kinds.match(name)} <= told

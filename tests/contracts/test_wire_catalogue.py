"""The catalogue is what the declarations say, and what was released still holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from schemas.catalog.__main__ import GENERATED, catalogue, on_disk, write
from schemas.catalog.json_schema import json_schema
from schemas.topics import MESSAGES, TOPICS, Topic
from tests.contracts.compatibility import breaking_changes

RELEASED = Path(__file__).parents[1] / "golden" / "wire"


def released() -> dict[str, Any]:
    return {
        file.name.removesuffix(".schema.json"): json.loads(file.read_text("utf-8"))
        for file in RELEASED.iterdir()
    }


@pytest.fixture(scope="module")
def api() -> Any:
    return yaml.safe_load(catalogue()["asyncapi.yaml"])


def test_what_is_checked_in_is_what_would_be_generated() -> None:
    now, then = catalogue(), on_disk()
    stale = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    assert stale == [], "run `python -m schemas.catalog` and commit what it writes"


def test_generating_twice_gives_the_same() -> None:
    assert catalogue() == catalogue()


def test_writing_takes_away_what_is_no_longer_generated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schemas.catalog.__main__.HERE", tmp_path)
    (tmp_path / "Gone.schema.json").write_text("{}")
    (tmp_path / "code.py").write_text("")
    write({"Here.schema.json": "{}\n"})
    assert sorted(file.name for file in tmp_path.iterdir()) == ["Here.schema.json", "code.py"]
    assert len(GENERATED) == 2


@pytest.mark.parametrize("name", MESSAGES)
def test_a_schema_is_itself_valid_and_complete(name: str) -> None:
    schema = json_schema(MESSAGES[name])
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:sayso:wire:{name}"
    assert schema.get("description"), f"{name} has no docstring: say what it is"
    assert schema.get("additionalProperties", True) is True, "readers accept unknown fields"


@pytest.mark.parametrize("name", released())
def test_nothing_that_was_released_is_broken(name: str) -> None:
    assert name in MESSAGES, f"{name} was released and is gone"
    assert breaking_changes(released()[name], json_schema(MESSAGES[name])) == []


def test_every_message_is_released() -> None:
    """A message that nobody froze is one that anybody may break."""
    unfrozen = MESSAGES.keys() - released().keys()
    assert not unfrozen, "copy schemas/catalog/<name>.schema.json to tests/golden/wire/ for these"


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_asyncapi_tells_a_topic_as_it_is_declared(api: Any, topic: Topic[Any]) -> None:
    channel = api["channels"][topic.name]
    kafka = channel["bindings"]["kafka"]
    settings = kafka["topicConfiguration"]
    assert channel["address"] == kafka["topic"] == topic.name
    assert channel["description"] == topic.about
    assert list(channel["messages"]) == [message.__name__ for message in topic.messages]
    assert kafka["partitions"] == (1 if topic.single else 12)
    assert kafka["replicas"] == 3
    assert settings["cleanup.policy"] == (["compact"] if topic.compacted else ["delete"])
    assert settings["retention.ms"] == (
        -1 if topic.keep is None else topic.keep.total_seconds() * 1000
    )
    assert kafka["bindingVersion"] == "0.5.0"


def test_asyncapi_has_no_loose_ends(api: Any) -> None:
    """Every reference leads somewhere, and every part is referred to."""
    wanted = set(_references(api))
    parts = {
        f"#/components/{kind}/{name}" for kind, named in api["components"].items() for name in named
    }
    assert wanted == parts


def test_asyncapi_tells_the_headers_of_each_message(api: Any) -> None:
    types = {
        name: message["headers"]["properties"]["ce_type"]["const"]
        for name, message in api["components"]["messages"].items()
    }
    assert types["SendRequest"] == "sayso.send_request.v1"
    assert types["Stop"] == types["Resume"] == "sayso.control.v1"
    assert all(message["examples"] for message in api["components"]["messages"].values())
    assert all(
        message["bindings"]["kafka"]["key"]["examples"]
        for message in api["components"]["messages"].values()
    )


def _references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [found for one in part for found in _references(one)]
    if not isinstance(part, dict):
        return []
    here = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
    return here + [found for one in part.values() for found in _references(one)]

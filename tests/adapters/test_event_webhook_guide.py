"""The guide is true: its code verifies our signatures, its tables are the code's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from services.event_webhooks import event_types, retry_schedule
from services.event_webhooks.event_types import MessageWebhook
from services.event_webhooks.signature import build_headers, make_secret

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "event-webhooks.md").read_text("utf-8")
BODY = b'{"type": "message.delivered", "data": {"name": "Zo\xc3\xab"}}'
CODE = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
Read = Callable[[str, dict[str, str], bytes], dict[str, Any]]


def readers() -> list[Read]:
    found: dict[str, Any] = {}
    for block in CODE:
        exec(block, found)  # noqa: S102 - our own page
    return [found["read_event"], found["read_event_by_hand"]]


def sign(*secrets: SecretStr, age: timedelta = timedelta(0)) -> dict[str, str]:
    return build_headers("evt_1", int((datetime.now(UTC) - age).timestamp()), BODY, secrets)


@pytest.mark.parametrize("read", readers())
def test_the_guides_code_verifies_what_we_sign(read: Read) -> None:
    old, new, other = make_secret(), make_secret(), make_secret()
    for secret in (old, new):
        assert read(secret.get_secret_value(), sign(new, old), BODY) == json.loads(BODY)
    forged = [
        (other, sign(new, old), BODY),
        (new, sign(new), BODY + b" "),
        (new, sign(new) | {"webhook-id": "evt_2"}, BODY),
        (new, sign(new) | {"webhook-signature": "v1,"}, BODY),
        (new, sign(new, age=timedelta(minutes=6)), BODY),
    ]
    for secret, headers, body in forged:
        with pytest.raises(Exception, match=r".*"):
            read(secret.get_secret_value(), headers, body)


@pytest.mark.parametrize(
    ("name", "made"),
    [("events", event_types.render_docs()), ("schedule", retry_schedule.render_docs())],
)
def test_the_tables_of_the_guide_are_the_codes(name: str, made: str) -> None:
    assert f"<!-- {name} -->\n{made}<!-- end of {name} -->" in GUIDE


def test_the_example_is_an_event() -> None:
    [example] = re.findall(r"^```json\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    event = MessageWebhook.model_validate_json(example)
    assert json.loads(event.model_dump_json(exclude_none=True)) == json.loads(example)

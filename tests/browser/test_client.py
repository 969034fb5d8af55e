"""The Python client against a running stack, down to the phone."""

from __future__ import annotations

import json

import httpx2
import pytest

from services.client import ApiError, Client, Kind, SendText
from tests.browser.stack import BrowserStack, until

pytestmark = pytest.mark.broker

NUMBER = "+12125550181"
WORDS = "Your keys are at the front desk."


def test_a_text_of_the_client_arrives_at_the_phone(stack: BrowserStack) -> None:
    stack.opt_in(NUMBER)
    made = stack.run(
        "keys", "add", "-t", "harbor", "--scope", "messages:write", "--scope", "messages:read"
    )
    key = next(word for word in made.split() if word.startswith("sayso_"))
    with Client(stack.url, key) as client:
        sent = client.send(SendText(to=NUMBER, kind=Kind.TRANSACTIONAL, body=WORDS))

        def state() -> str:
            try:
                return client.message(sent.message_id).state
            except ApiError as error:
                return error.name  # not on record yet

        until(lambda: state() == "delivered")
        again = client.send(
            SendText(to=NUMBER, kind=Kind.TRANSACTIONAL, body=WORDS),
            idempotency_key=sent.message_id,
        )
        assert again == sent
        assert [one.message_id for one in client.messages(to=NUMBER)] == [sent.message_id]
    found = httpx2.get(f"{stack.provider}/simulator/messages").json()
    assert json.dumps(found).count(WORDS) == 1

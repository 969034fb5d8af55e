"""A Twilio client of the product's, aimed at something that listens on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import SecretStr

from services.local.simulator.server import ACCOUNT, TOKEN
from services.providers.twilio import Twilio
from streams.dispatch.provider_calls import SendCall

PUBLIC_URL = "http://127.0.0.1:9"
"""The discard port: receipts go nowhere unless a test listens."""


@asynccontextmanager
async def twilio(base_url: str, **settings: Any) -> AsyncIterator[Twilio]:
    known = {
        "account_sid": ACCOUNT,
        "auth_token": SecretStr(TOKEN),
        "public_url": PUBLIC_URL,
        "timeout": 5.0,
    }
    client = Twilio(base_url=base_url, **{**known, **settings})
    try:
        yield client
    finally:
        await client.close()


def post(
    to: str = "+14155550100", body: str = "Your table is ready", sender: str = "24365", **more: Any
) -> SendCall:
    known = {"tenant": "acme", "message_id": "m-1", "attempt": 1}
    return SendCall(to=to, body=body, sender=sender, **{**known, **more})

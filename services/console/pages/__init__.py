"""The pages, one module for each. Its routes read the ledger, call operations, draw a template."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.console.pages import home, message, messages, send_test, sign_in, stream

ROUTERS: Final[tuple[APIRouter, ...]] = (
    home.router,
    message.router,
    messages.router,
    send_test.router,
    sign_in.router,
    stream.router,
)

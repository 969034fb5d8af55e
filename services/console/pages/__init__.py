"""The pages, one module for each. Its routes read the ledger, call operations, draw a template."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.console.pages import home, sign_in, stream

ROUTERS: Final[tuple[APIRouter, ...]] = (
    home.router,
    sign_in.router,
    stream.router,
)

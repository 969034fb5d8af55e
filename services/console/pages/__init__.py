"""The pages, one module for each. Its routes read the ledger, call operations, draw a template."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.console.pages import home, sign_in

ROUTERS: Final[tuple[APIRouter, ...]] = (sign_in.router, home.router)

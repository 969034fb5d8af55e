"""The `sayso` command."""

from __future__ import annotations

from services.cli.app import run


def main() -> int:
    """The entry point."""
    return run()

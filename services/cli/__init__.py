"""The `sayso` command."""

from __future__ import annotations


def main() -> int:
    """The entry point; everything else is imported when it is needed, so that --help answers at once."""
    from services.cli.app import run

    return run()

"""Help as a docstring has it, without the line ends of its source: Typer would keep them inside a narrower box."""

from __future__ import annotations

import inspect
import re

import typer


def reflow(app: typer.Typer) -> None:
    """Of every command, those of groups included."""
    for command in app.registered_commands:
        command.help = flowing(command.help or inspect.getdoc(command.callback) or "")
    for group in app.registered_groups:
        if group.typer_instance is not None:
            reflow(group.typer_instance)
    callback = app.registered_callback
    if callback is not None and callback.callback is not None:
        callback.help = flowing(inspect.getdoc(callback.callback) or "")


def flowing(doc: str) -> str:
    """A line a paragraph."""
    return "\n\n".join(re.sub(r"\s+", " ", paragraph).strip() for paragraph in doc.split("\n\n"))

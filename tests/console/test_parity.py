"""What one can do in the console one can do at the command line, and the other way round."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[2]
DOES: Final = (
    "apply", "approve", "build_", "cancel", "dismiss", "drop", "import", "publish", "record_",
    "replay", "request_", "send", "set_", "settle", "submit",
)  # fmt: skip
"""How functions of `services.operations` begin that do something."""
ONLY_AT_THE_COMMAND_LINE: Final = {
    ("approvals", "build_approvals"): "the console's message_actions calls it",
    ("approvals", "submit_approvals"): "the console's message_actions calls it",
    ("approvals", "build_dismissals"): "the console's message_actions calls it",
    ("approvals", "dismiss"): "the console's message_actions calls it",
    ("dead_letters", "build_filter"): "options of a list",
    ("validation", "build_message"): "sayso send builds its request from options",
}
ONLY_IN_THE_CONSOLE: Final = {
    ("consent", "record_and_wait"): "waits for what sayso consent only records",
    ("requests", "build_withdrawal"): "undo at once; sayso cancel looks the text up first",
    ("requests", "publish_cancel"): "as above",
    ("submission", "submit_requests"): "batches of programs",
    ("web_consent", "build_web_opt_in"): "the public form",
    ("web_consent", "build_web_opt_out"): "the public form",
}

Used = set[tuple[str, str]]


def find_operations(folder: str) -> Used:
    """(module, function) of `services.operations` that the folder's code names."""
    found: Used = set()
    for file in (ROOT / folder).rglob("*.py"):
        tree = ast.parse(file.read_text())
        modules: dict[str, str] = {}
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue
            if node.module == "services.operations":
                modules |= {one.asname or one.name: one.name for one in node.names}
            elif node.module.startswith("services.operations."):
                module = node.module.rpartition(".")[2]
                found |= {(module, one.name) for one in node.names}
        found |= {
            (modules[node.value.id], node.attr)
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in modules
        }
    return {one for one in found if one[1].startswith(DOES)}


def test_both_can_do_the_same() -> None:
    commands, pages = find_operations("services/cli"), find_operations("services/console")
    assert len(commands & pages) > 25
    assert commands - pages == set(ONLY_AT_THE_COMMAND_LINE)
    assert pages - commands == set(ONLY_IN_THE_CONSOLE)

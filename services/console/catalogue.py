"""`python -m services.console.catalogue`: every sentence of the pages, in one file to translate.

Templates mark sentences with `_()`. Python holds some of them as constants, which templates then
give to `_()`: titles, words for states, advice. A translation is a file
`locale/LANGUAGE/LC_MESSAGES/console.po`; nothing has to be compiled.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import write_po

HERE: Final = Path(__file__).parent
FILE: Final = HERE / "locale" / "console.pot"
_OPTIONS: Final = {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true"}
_SENTENCE: Final = re.compile(r"[A-Z][a-z']*(?: [^\n]+|[a-z]*)")
"""As one begins: a capital, then small letters."""


def build_catalogue() -> str:
    """The file's text."""
    catalogue = Catalog(charset="utf-8")
    for path in sorted((HERE / "templates").rglob("*.html")):
        with path.open("rb") as file:
            for _, message, _, _ in extract("jinja2.ext:babel_extract", file, options=_OPTIONS):
                catalogue.add(message)
    for path in sorted({*HERE.rglob("*.py")} - {*HERE.glob("api/*.py")}):
        for sentence in _constants(ast.parse(path.read_text())):
            catalogue.add(sentence)
    written = BytesIO()
    write_po(written, catalogue, width=100, no_location=True, omit_header=True, sort_output=True)
    head = "# Sentences of the console: python -m services.console.catalogue writes this file.\n"
    kind = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    return head + kind + written.getvalue().decode()


def _constants(module: ast.Module) -> Iterator[str]:
    """Sentences in tables and constants of a module."""
    for statement in module.body:
        if isinstance(statement, ast.AnnAssign | ast.Assign) and statement.value is not None:
            for node in ast.walk(statement.value):
                value = node.value if isinstance(node, ast.Constant) else None
                if isinstance(value, str) and _SENTENCE.fullmatch(value):
                    yield value


def main() -> int:
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(build_catalogue())
    return 0


if __name__ == "__main__":
    sys.exit(main())

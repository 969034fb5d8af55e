"""A dead letter's value in somebody's editor, until it fits its schema or they give up."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from schemas.dead_letter import DeadLetter
from schemas.topics import BY_NAME
from services.cli.refused import Refused

_MARK = "#! "


def edited(letter: DeadLetter) -> bytes | None:
    """None: left as it was, or emptied.  What is wrong is written above the text, and the editor opens again.  Raises
    Refused."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    text = before = _text(letter)
    trouble = letter.reason
    with tempfile.TemporaryDirectory(prefix="sayso-") as folder:
        file = Path(folder) / f"{letter.topic}.json"
        while True:
            told = (
                f"{letter.topic}: {trouble}",
                "Mend the JSON below and save; empty the file to give up.",
            )
            head = "".join(f"{_MARK}{line}\n" for line in told)
            _write(file, head + text)
            _run(command, file)
            new = _without_marks(file.read_text("utf-8", errors="surrogateescape"))
            if not new.strip() or (new == text and new == before):
                return None
            if new == text:
                raise Refused(f"It still does not fit {letter.topic}: {trouble}", 1)
            text = new
            try:
                value = text.strip().encode()
                topic = BY_NAME[letter.topic]
                topic.key(topic.decode(value)).encode()
            except (ValidationError, UnicodeEncodeError) as error:
                trouble = why_not(error)
                continue
            return value


def why_not(error: ValidationError | UnicodeEncodeError) -> str:
    """Which field; never its value."""
    if isinstance(error, UnicodeEncodeError):
        return "it holds half a character (a lone surrogate)"
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'value'}: {first['msg']}"


def cut(letter: DeadLetter) -> bool:
    """Of a value that was too large only the beginning is kept."""
    return "bytes are kept" in letter.reason


def shown_value(letter: DeadLetter) -> Any:
    """As JSON where it is; else as text."""
    value = letter.value_bytes
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        return json.loads(value)
    return {"value": value.decode(errors="backslashreplace"), "unreadable": True}


def _text(letter: DeadLetter) -> str:
    """Laid out where it is JSON, so that a person finds the field."""
    value = letter.value_bytes or b""
    with contextlib.suppress(ValueError, UnicodeEncodeError):
        laid_out = json.dumps(json.loads(value), indent=2, ensure_ascii=False)
        laid_out.encode()
        return laid_out + "\n"
    return value.decode(errors="backslashreplace") + "\n"


def _without_marks(text: str) -> str:
    return "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith(_MARK.rstrip())
    )


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text, "utf-8")


def _run(command: list[str], file: Path) -> None:
    try:
        done = subprocess.run([*command, str(file)], check=False)
    except FileNotFoundError:
        raise Refused(f"There is no editor {command[0]!r}: set EDITOR") from None
    if done.returncode:
        raise Refused(f"{command[0]} ended with {done.returncode}; nothing was replayed", 1)

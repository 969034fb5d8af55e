"""Log set-up: one line for each thing that an operator would want to know, JSON outside of a
terminal, and no phone number in any line."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from schemas.numbers import mask_text
from schemas.visible_text import VISIBLE

SILENCED: Final = ("faust", "mode", "aiokafka", "twilio", "asyncio", "aiohttp")
"""Libraries that repeat every retry. Where a warning of theirs matters, we log one sentence of our
own."""


def set_up(part: str, level: int = logging.INFO) -> None:
    """Call once, before anything logs. `part` is in every line, those of libraries included.

    A traceback becomes text before numbers are masked, because it may contain them too. It shows no
    local variables.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _add_part(part),
        structlog.processors.format_exc_info,
        mask_line,
    ]
    last: Any = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    if not sys.stderr.isatty():
        last = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in SILENCED:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def mask_line(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Mask every phone number in a line, however deep it is."""
    for name, value in line.items():
        if not name.startswith("_"):  # structlog's own: `_record` has to stay the object that it is
            line[name] = _mask(value)
    return line


def _mask(value: Any) -> Any:
    match value:
        case str():
            return mask_text(value).translate(VISIBLE)
        case dict():
            return {_mask(name): _mask(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_mask(inner) for inner in value]
        case bool() | int() | float() | None:
            return value
    return mask_text(repr(value)).translate(VISIBLE)  # as the renderer would write it


def _add_part(part: str) -> Any:
    def add(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line.setdefault("part", part)
        return line

    return add

"""One line for each thing an operator would want to know: JSON outside of a terminal, numbers masked everywhere."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from schemas.numbers import masked

QUIET: Final = ("faust", "mode", "aiokafka", "twilio", "asyncio", "aiohttp")
"""What they warn of we say ourselves, in one sentence, where it matters; their retries are noise."""
_NUMBER: Final = re.compile(r"(?<![\w.])(?:\+|%2[Bb])[0-9]{6,15}\b")


def set_up(part: str, level: int = logging.INFO) -> None:
    """Call once, first: `part` stands in every line.  What libraries log goes the same way.  A traceback is made into
    text before numbers are hidden, for it has them too, and shows no local variable."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _part(part),
        structlog.processors.format_exc_info,
        hide_numbers,
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
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def hide_numbers(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A phone number that got into a line, however deep, is masked."""
    for name, value in line.items():
        line[name] = _hidden(value)
    return line


def _hidden(value: Any) -> Any:
    match value:
        case str():
            return _NUMBER.sub(lambda found: masked(found[0]), value)
        case dict():
            return {name: _hidden(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_hidden(inner) for inner in value]
    return value


def _part(part: str) -> Any:
    def add(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line.setdefault("part", part)
        return line

    return add

"""Errors in words: what an operation, the ledger or the validation of a call has raised."""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from typing import Any, Final

import structlog
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from services.console.api import problems
from services.console.api.problems import FieldProblem, Problem, unavailable
from services.ledger import LedgerError
from services.ledger.paging import InvalidCursor
from services.operations.errors import InvalidRequest, OperationError

log = structlog.get_logger("sayso.api")


def explain_error(error: Exception) -> Problem:
    """What an operation, the ledger or the validation of a call has raised, or a fault of ours."""
    match error:
        case RequestValidationError():
            return explain_validation(error.errors())
        case ValidationError():
            return explain_validation(error.errors(include_url=False, include_input=False))
        case InvalidRequest():
            return Problem(problems.REFUSED, _without_options(str(error)))
        case OperationError():
            return unavailable(_without_options(str(error)))
        case InvalidCursor():
            fix = FieldProblem(field="cursor", fix="leave it out to start at the beginning")
            return Problem(problems.INVALID, str(error), [fix])
        case LedgerError():
            return unavailable(str(error))
    frame = traceback.extract_tb(error.__traceback__)[-1]
    log.error("failed", error=type(error).__name__, at=f"{frame.filename}:{frame.lineno}")
    return Problem(problems.INTERNAL, "This is a fault of ours: it is in the log.")


def _without_options(sentence: str) -> str:
    """`--message-id` is called `message_id` here."""
    return re.sub(r"--([a-z][a-z-]*)", lambda found: found[1].replace("-", "_"), sentence)


def explain_validation(errors: Sequence[Any], prefix: str = "") -> Problem:
    fields = tuple(explain_field(error, prefix) for error in errors)
    detail = "Put right what `problems` names, and send it again."
    return Problem(problems.INVALID, detail, fields)


FIXES: Final = {
    "missing": "give it",
    "extra_forbidden": "this field is not known: leave it out, or correct its name",
    "string_pattern_mismatch": (
        "use letters, digits and . _ : @ - (128 at most, no blank, no slash)"
    ),
}


def explain_field(error: Any, prefix: str = "") -> FieldProblem:
    """Never with the value: it may be a phone number."""
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"].startswith(("datetime", "timezone")):
        message = "write a time with its zone, such as 2026-12-01T09:00:00-05:00"
    place = [str(part) for part in error["loc"]]
    if place[:1] in (["body"], ["query"], ["path"], ["header"]):
        place = place[1:]
    field = prefix + ".".join(place) or "body"
    return FieldProblem(field=field, fix=FIXES.get(error["type"], message))

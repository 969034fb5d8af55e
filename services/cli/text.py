"""`sayso text`: a text written by hand to one party of a case."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from services.cli import options
from services.cli.case_changes import CaseId, Where, change_case
from services.cli.send import print_where_to_look
from services.operations import cases
from services.operations.case_text import build_direct_text, name_direct_text


def text(
    case_id: CaseId,
    person: options.PersonId,
    words: Annotated[str, typer.Argument(metavar="TEXT", help="The text, as it will be sent.")],
    tenant: options.Tenant = None,
    by: options.By = None,
    undo_for: options.UndoFor = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    yes: options.Yes = False,
) -> None:
    """Text one party of a case by hand, at the number tied to them. Consent applies as always.

    Your name goes on record. It counts as an answer to what they wrote before.

    Example: [cyan]sayso text 8841 crm-20417 "Please bring your passport." --by dana[/]
    """

    def build(about: cases.KnownCase, actor: str, now: datetime) -> cases.Change:
        return build_direct_text(about, person, words, actor, now, undo_for)

    change = change_case(case_id, tenant, by, Where(bootstrap, state, as_json, yes), build)
    if undo_for is not None and not as_json:
        same = options.repeat_options(state, bootstrap)
        owner = change.events[0].tenant
        print_where_to_look(name_direct_text(change), owner, undo_for, same)

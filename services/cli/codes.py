"""`sayso codes`: what an error code means, who must act, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from streams.error_codes import Code

Wanted = Annotated[list[str] | None, typer.Argument(metavar="CODE", show_default=False)]
Class = Annotated[
    str | None,
    typer.Option("--class", metavar="CLASS", help="Those of one class, e.g. number: who must act."),
]
Unknown = Annotated[
    bool,
    typer.Option(
        "--unknown",
        help="Codes on record that the dictionary lacks, and how many messages each has.",
    ),
]


def codes(
    wanted: Wanted = None,
    who: Class = None,
    unknown: Unknown = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """What error codes mean: causes, first steps, and who must act.

    Example: [cyan]sayso codes 30005[/]
    """
    from services.cli.screen import console, print_json
    from streams.error_codes import all_codes, meaning

    if unknown:
        _show_unknown(bootstrap, state, as_json)
        return
    found = [
        code
        for code in (map(meaning, wanted) if wanted else all_codes().values())
        if _is(code, who)
    ]
    if as_json:
        print_json([code.as_data() for code in found])
        return
    screen = console()
    for shown in map(explained, found) if wanted else [listed(found)]:
        screen.print(shown)


def _is(code: Code, who: str | None) -> bool:
    from services.cli.input import one_of
    from streams.error_codes import Who

    one_of("--class", who, Who)
    return who in (None, code.who)


def explained(code: Code) -> RenderableType:
    """One code, whole."""
    from rich.text import Text

    from streams.error_codes import WHO
    from streams.error_codes.page import facts

    said = Text.assemble((f"{code.code}  {code.title}", "bold"), "\n", code.description, "\n")
    said.append(f"\nNext: {code.next_step}\n", "green")
    said.append(f"\nWho must act: {WHO[code.who]}\n{'; '.join(facts(code))}\n", "dim")
    said.append("\nCommon causes\n", "bold").append(
        "".join(f"  - {cause}\n" for cause in code.causes)
    )
    said.append("\nWhat to do\n", "bold").append(
        "".join(f"  {n}. {one}\n" for n, one in enumerate(code.steps, 1))
    )
    return said.append(f"\nThe provider's page: {code.url}\n") if code.url else said


def listed(found: Iterable[Code]) -> RenderableType:
    from services.cli.screen import table

    rows: Sequence[tuple[str, ...]] = [
        (code.code, code.who, code.title, code.next_step) for code in found
    ]
    return table(None, ("code", "class", "meaning", ""), rows)


def _show_unknown(bootstrap: str | None, state: Path, as_json: bool) -> None:
    from services.cli.kafka import ledger
    from services.cli.screen import console, print_json, table
    from services.ledger.codes import unexplained
    from streams.error_codes import meaning

    with ledger(bootstrap, state) as opened:
        found = unexplained(opened)
    if as_json:
        print_json(
            [meaning(code).as_data() | {"messages": messages} for code, messages in found.items()]
        )
        return
    if not found:
        console().print("Every code on record is in the dictionary.")
        return
    rows = [(code, messages, meaning(code).url) for code, messages in found.items()]
    console().print(
        table(
            "Codes that are not in the dictionary", ("code", "messages#", "provider's page"), rows
        )
    )

"""`sayso keywords`: what people may write back, and what is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.keywords import LOCALES, words_in
from schemas.tenant_settings import TenantSettings
from services.cli import options
from services.cli.connection import read_ledger
from services.operations.errors import InvalidRequest
from services.operations.tenant_check import require_known
from services.terminal import console, print_json, table
from streams.inbound_keywords.revocation import patterns_of
from streams.inbound_keywords.score import Score, parse_labelled, score


def keywords(
    tenant: Annotated[
        str | None,
        typer.Option(
            "--tenant", "-t", metavar="TENANT", help="With this tenant's own words and locales."
        ),
    ] = None,
    score: Annotated[
        Path | None,
        typer.Option(
            "--score",
            metavar="FILE.tsv",
            help="Classify these labelled texts instead, and report precision and recall.",
        ),
    ] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List the words that we act on, and the patterns for a STOP in other words.

    Example: [cyan]sayso keywords -t harbor[/]
    """
    if score is not None:
        _print_scores(_score_file(score), as_json)
    else:
        _print_words(_read_tenant(tenant, bootstrap, state) if tenant else None, as_json)


def _read_tenant(tenant: str, bootstrap: str | None, state: Path) -> TenantSettings:
    with read_ledger(bootstrap, state) as ledger:
        rows = ledger.rows("SELECT tenant, json FROM tenants")
    found = {row["tenant"]: row["json"] for row in rows}
    require_known(tenant, found)
    return TenantSettings.model_validate_json(found[tenant])


def _print_words(tenant: TenantSettings | None, as_json: bool) -> None:
    locales = tenant.locales if tenant else LOCALES
    words = [
        (word.meaning.upper(), word.word, word.locale, word.source) for word in words_in(locales)
    ]
    if tenant:
        words += [
            (meaning.upper(), word, "", f"{tenant.tenant}'s own")
            for word, meaning in tenant.keywords.pairs()
        ]
    patterns = [(pattern.id, pattern.locale, pattern.example) for pattern in patterns_of(locales)]
    if as_json:
        print_json(
            {
                "words": _as_data(("meaning", "word", "locale", "source"), words),
                "patterns": _as_data(("id", "locale", "example"), patterns),
            }
        )
        return
    screen = console()
    title = "Words: the whole text, whatever its case and signs"
    screen.print(table(title, ("means", "word", "locale", "source"), words))
    screen.print(
        "\nYES counts where an opt-in request or an opt-out stands; a STOP in other words at once,"
        " and a person is asked to confirm or lift it.\n"
    )
    screen.print(table("STOP in other words", ("pattern", "locale", "example"), patterns))


def _as_data(names: tuple[str, ...], rows: list[Any]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def _score_file(file: Path) -> dict[str, Score]:
    """By the parts that the file names.  Raises InvalidRequest."""
    try:
        texts = parse_labelled(file.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidRequest(f"{file} cannot be read: {reason}") from None
    except ValueError as error:
        line = str(error).split(":")[0]
        raise InvalidRequest(
            f"{file}, {line}", "write part, label, source and text, with a tab between each two"
        ) from None
    parts = dict.fromkeys(one.part for one in texts)
    return {part: score(one for one in texts if one.part == part) for part in parts}


def _print_scores(scores: dict[str, Score], as_json: bool) -> None:
    if as_json:
        names = ("texts", "precision", "recall", "hits", "false", "missed")
        print_json(
            {part: {name: getattr(one, name) for name in names} for part, one in scores.items()}
        )
        return
    sums = [
        (
            part,
            one.texts,
            one.hits + one.missed,
            one.hits,
            one.false,
            f"{one.precision:.1%}",
            f"{one.recall:.1%}",
        )
        for part, one in scores.items()
    ]
    wrong = [
        (
            part,
            one.labelled.label.upper(),
            one.found.meaning.upper(),
            one.found.by,
            one.labelled.text[:100],
        )
        for part, found in scores.items()
        for one in found.misclassified
    ]
    columns = (
        "part",
        "texts#",
        "revocations#",
        "found#",
        "found wrongly#",
        "precision#",
        "recall#",
    )
    screen = console()
    screen.print(table("STOP in other words", columns, sums))
    screen.print()
    screen.print(table("Read as something else", ("part", "is", "read as", "by", "text"), wrong))

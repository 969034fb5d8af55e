"""`sayso keywords`: what people may write back, and what is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.keywords import LOCALES, words_in
from schemas.tenant_settings import TenantSettings
from schemas.topics import SETTINGS
from services.cli import options
from services.cli.connection import read_ledger
from services.cli.keyword_reading import classify_lines, read_texts
from services.cli.keyword_score import print_score, score_files
from services.operations.errors import InvalidRequest
from services.operations.tenant_check import require_known
from services.operations.yaml_settings import read_settings
from services.terminal import console, print_json, table
from streams.inbound_keywords.patterns import all_patterns


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
            metavar="FILE.tsv|FOLDER",
            help="Classify these labelled texts instead, and count what would become of them.",
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option("--part", metavar="PART", help="With --score: the texts of this part only."),
    ] = None,
    read: Annotated[
        str | None,
        typer.Option(
            "--read",
            metavar="FILE|-",
            help="Say what each line of this file means, one JSON object a line.",
        ),
    ] = None,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE.yaml",
            help="Take the tenant from this file of tenants; Kafka is not needed.",
        ),
    ] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List the words that we act on, and the patterns for a STOP in other words.

    Example: [cyan]sayso keywords -t harbor[/]
    """
    if part is not None and score is None:
        raise InvalidRequest("--part is for labelled texts", "add --score FILE.tsv")
    if read is not None and score is not None:
        raise InvalidRequest("--read and --score are two questions", "ask one of them")
    settings = _tenant_of_file(settings_file, tenant) if settings_file else None
    if settings is None and tenant is not None:
        settings = _read_tenant(tenant, bootstrap, state)
    if read is not None:
        for line in classify_lines(read_texts(read), settings):
            typer.echo(line)
    elif score is not None:
        print_score(score_files(score, part, settings), as_json)
    else:
        _print_words(settings, as_json)


def _read_tenant(tenant: str, bootstrap: str | None, state: Path) -> TenantSettings:
    with read_ledger(bootstrap, state) as ledger:
        rows = ledger.rows("SELECT tenant, json FROM tenants")
    found = {row["tenant"]: row["json"] for row in rows}
    require_known(tenant, found)
    return SETTINGS.decode(found[tenant].encode())


def _tenant_of_file(file: Path, name: str | None) -> TenantSettings:
    """The tenant of this name, or the only one."""
    found = {one.tenant: one for one in read_settings(file, "tenants", TenantSettings)}
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name is None:
        raise InvalidRequest(
            f"{file} has {len(found)} tenants", "name one: --tenant " + "|".join(sorted(found))
        )
    require_known(name, found)
    return found[name]


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
    patterns = [(pattern.id, pattern.locale, pattern.example) for pattern in all_patterns()]
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

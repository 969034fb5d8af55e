"""`sayso keywords`: what people may write back, and what is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import options

if TYPE_CHECKING:
    from schemas.tenant_settings import TenantSettings

ScoreFile = Annotated[
    Path | None,
    typer.Option(
        "--score",
        metavar="FILE.tsv",
        help="Read these labelled texts instead, and say how well it went.",
    ),
]


def keywords(
    tenant: Annotated[
        str | None, typer.Option("--tenant", "-t", metavar="TENANT", help="As it is for one.")
    ] = None,
    score: ScoreFile = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Words that are acted on, by meaning and locale, and the patterns that find a revocation in other words.

    Example: [cyan]sayso keywords -t harbor[/]
    """
    if score is not None:
        _show_score(score, as_json)
        return
    _show(_settings(tenant, bootstrap, state) if tenant else None, as_json)


def _settings(tenant: str, bootstrap: str | None, state: Path) -> TenantSettings:
    from schemas.tenant_settings import TenantSettings
    from services.cli.kafka import ledger
    from services.cli.known import among

    with ledger(bootstrap, state) as opened:
        found = {
            row["tenant"]: row["json"] for row in opened.rows("SELECT tenant, json FROM tenants")
        }
    among(tenant, found)
    return TenantSettings.model_validate_json(found[tenant])


def _show(tenant: TenantSettings | None, as_json: bool) -> None:
    from schemas.keywords import LOCALES, words_in
    from services.cli.screen import console, print_json, table
    from streams.inbound_keywords.revoked import patterns_of

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
                "words": _named(("meaning", "word", "locale", "source"), words),
                "patterns": _named(("id", "locale", "example"), patterns),
            }
        )
        return
    console().print(
        table(
            "Words: the whole text, whatever its case and signs",
            ("means", "word", "locale", "source"),
            words,
        )
    )
    console().print(
        "\nYES counts where an opt-in request or an opt-out stands; a STOP in other words at once, and a "
        "person is asked to confirm or lift it.\n"
    )
    console().print(table("STOP in other words", ("pattern", "locale", "example"), patterns))


def _named(names: tuple[str, ...], rows: list[Any]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def _show_score(file: Path, as_json: bool) -> None:
    from services.cli.refused import Refused
    from services.cli.screen import console, print_json, table
    from streams.inbound_keywords.score import labelled, score

    try:
        said = labelled(file.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}"
        ) from None
    except ValueError as error:
        line = str(error).split(":")[0]
        raise Refused(
            f"{file}, {line}: write part, label, source and text, with a tab between each two"
        ) from None
    scores = {
        part: score(one for one in said if one.part == part)
        for part in dict.fromkeys(one.part for one in said)
    }
    if as_json:
        print_json(
            {
                part: {
                    "texts": found.texts,
                    "precision": found.precision,
                    "recall": found.recall,
                    "hits": found.hits,
                    "false": found.false,
                    "missed": found.missed,
                }
                for part, found in scores.items()
            }
        )
        return
    columns = (
        "part",
        "texts#",
        "revocations#",
        "found#",
        "found wrongly#",
        "precision#",
        "recall#",
    )
    console().print(
        table(
            "STOP in other words",
            columns,
            [
                (
                    part,
                    found.texts,
                    found.hits + found.missed,
                    found.hits,
                    found.false,
                    f"{found.precision:.1%}",
                    f"{found.recall:.1%}",
                )
                for part, found in scores.items()
            ],
        )
    )
    console().print()
    console().print(
        table(
            "Read as something else",
            ("part", "is", "read as", "by", "text"),
            [
                (
                    part,
                    one.said.label.upper(),
                    one.read.meaning.upper(),
                    one.read.by,
                    one.said.text[:100],
                )
                for part, found in scores.items()
                for one in found.misread
            ],
        )
    )

"""`sayso keywords --score`: what becomes of labelled texts, counted with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from schemas.tenant_settings import TenantSettings
from services.operations.errors import InvalidRequest
from services.terminal import console, print_json, table
from streams.inbound_keywords import classify_reply
from streams.inbound_keywords.labelled import InvalidLabels, LabelledText, parse_labelled
from streams.inbound_keywords.score import Kind, Misread, Row, Score, Tier, score

_COLUMNS = ("language", "label", "texts#", "out#", "paused#", "missed or left#")
_HOW_TO_WRITE = "write text, label, source and part, with a tab between each two"


def score_files(path: Path, part: str | None, tenant: TenantSettings | None) -> Score:
    """Of a file, or of all `.tsv` files of a folder.  Raises InvalidRequest."""
    texts = [one for file in _files_of(path) for one in _read(file)]
    parts = sorted({one.part for one in texts} - {""})
    if part is not None:
        texts = [one for one in texts if one.part == part]
        if not texts:
            known = f"its parts are {', '.join(parts)}" if parts else "it names no parts"
            raise InvalidRequest(f"{path} has no part {part!r}", known)
    return score(texts, lambda text: classify_reply(text, tenant))


def print_score(found: Score, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "languages": [_row_as_data(row) for row in found.languages],
                "pooled": [_row_as_data(row) for row in found.pooled],
                "misread": [_misread_as_data(one) for one in found.misread],
                "misread_held_out": found.hidden,
            }
        )
        return
    screen = console()
    screen.print(table("By language", _COLUMNS, map(_cells, found.languages)))
    screen.print()
    screen.print(table("Together", _COLUMNS, map(_cells, found.pooled)))
    screen.print(
        "\nIn brackets: where the share lies with 95 % confidence, in percent (Wilson). A"
        " revocation that goes on is missed; an ordinary text that goes on is left, as it should.\n"
    )
    columns = ("language", "is", "read as", "by", "text")
    screen.print(table("Read as something else", columns, map(_misread_cells, found.misread)))
    if found.hidden:
        screen.print(f"\n{found.hidden} more of held-out parts, which nobody should learn from.")


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*.tsv"))
    if not files:
        raise InvalidRequest(f"{path} has no .tsv file", _HOW_TO_WRITE)
    return files


def _read(file: Path) -> tuple[LabelledText, ...]:
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
        return parse_labelled(lines, file.stem)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidRequest(f"{file} cannot be read: {reason}") from None
    except InvalidLabels as error:
        raise InvalidRequest(f"{file}, {error}", _HOW_TO_WRITE) from None


def _cells(row: Row) -> tuple[Any, ...]:
    return row.language, row.kind, row.texts, *(_with_interval(row, tier) for tier in Tier)


def _with_interval(row: Row, tier: Tier) -> str:
    """A count and where its share lies; a bare share of few texts would say too much."""
    low, high = row.interval(tier)
    return f"{getattr(row, tier):,} ({100 * low:.1f}–{100 * high:.1f})"


def _row_as_data(row: Row) -> dict[str, Any]:
    last = "missed" if row.kind is Kind.REVOKE else "left"
    names = {Tier.OUT: "out", Tier.PAUSED: "paused", Tier.GOES_ON: last}
    tiers = {
        name: {"count": getattr(row, tier)}
        | {end: round(value, 4) for end, value in row.interval(tier)._asdict().items()}
        for tier, name in names.items()
    }
    return {"language": row.language, "label": row.kind, "texts": row.texts} | tiers


def _misread_as_data(one: Misread) -> dict[str, Any]:
    return one.labelled._asdict() | {"meaning": one.found.meaning, "by": one.found.by}


def _misread_cells(one: Misread) -> tuple[str, ...]:
    labelled, found = one
    return (
        labelled.language,
        labelled.label.upper(),
        found.meaning.upper(),
        found.by,
        labelled.text[:100],
    )

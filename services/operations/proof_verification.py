"""Write a bundle that proves consent, and check one offline, from the file alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from services.ledger.consent import PROOF_FORMAT, find_head, list_wordings
from services.operations.errors import InvalidRequest, OperationFailed
from streams.gate.consent_log import canonical_json, entry_hash, find_flaws


class ChainReport(NamedTuple):
    """What one chain of the bundle holds, and its flaws.

    `repeats` counts entries that are there again, identical, which is no flaw."""

    tenant: str
    number: str
    entries: int
    repeats: int
    head: Mapping[str, Any] | None
    state: str | None
    flaws: tuple[str, ...]
    witnessed: int | None
    """The entry that the separately published status vouches for; what follows it could be missing
    unnoticed."""


def write_bundle(path: Path, bundle: Mapping[str, Any]) -> None:
    """Write a file that only its owner can read.  Raises InvalidRequest."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(file, "w", encoding="utf-8") as out:
            json.dump(bundle, out, ensure_ascii=False, indent=1)
            out.write("\n")
    except OSError as error:
        raise InvalidRequest(f"--out {path} cannot be written: {error.strerror}") from None


def read_bundle(path: Path) -> dict[str, Any]:
    """Raises OperationFailed for a damaged file, InvalidRequest for one that cannot be read."""
    try:
        bundle = json.loads(
            path.read_bytes(), object_pairs_hook=_refuse_repeats, parse_constant=_refuse_constant
        )
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise OperationFailed(f"{path} is not a bundle of proof: {error}") from None
    if not isinstance(bundle, dict) or bundle.get("format") != PROOF_FORMAT:
        raise OperationFailed(f"{path} is not a bundle of proof: its format is not {PROOF_FORMAT}")
    chains = bundle.get("chains")
    if not isinstance(chains, list) or not chains or not all(_is_chain(chain) for chain in chains):
        raise OperationFailed(f"{path} is not a bundle of proof: it has no chains of entries")
    return bundle


def verify_bundle(bundle: Mapping[str, Any], known: str | None = None) -> tuple[ChainReport, ...]:
    """`known` is the hash of an entry, noted elsewhere: one of the chains must have it."""
    found = tuple(_verify_chain(chain) for chain in bundle["chains"])
    hashes = {entry_hash(entry) for chain in bundle["chains"] for entry in _entries(chain)}
    if known is None or known in hashes:
        return found
    lost = (
        f"no entry has the hash {known[:12]}… that you know of:"
        " its end was cut off, or written anew"
    )
    return tuple(one._replace(flaws=(*one.flaws, lost)) for one in found)


def _verify_chain(chain: Mapping[str, Any]) -> ChainReport:
    entries = _entries(chain)
    once = {canonical_json(entry): entry for entry in entries}
    end = find_head(entries)
    last = next((entry for entry in once.values() if end and entry.get("seq") == end["seq"]), {})
    wrong = (
        *(flaw.words for flaw in find_flaws(entries)),
        *_check_frame(chain, entries),
        *_check_witness(chain, entries),
    )
    status = chain.get("status") or {}
    return ChainReport(
        str(chain["tenant"]),
        str(chain["number"]),
        len(once),
        len(entries) - len(once),
        end,
        last.get("now"),
        wrong,
        status.get("log_seq"),
    )


def _check_frame(chain: Mapping[str, Any], entries: list[dict[str, Any]]) -> Iterator[str]:
    """Compare what stands beside the entries with the entries."""
    whose = {(entry.get("tenant"), entry.get("number")) for entry in entries}
    if whose - {(chain["tenant"], chain["number"])}:
        yield "it holds an entry of another number or tenant"
    if chain.get("head") != find_head(entries):
        yield (
            "its head is not its last entry:"
            " entries at the end are missing, or the head was changed"
        )
    if chain.get("wordings") != list_wordings(entries):
        yield "its list of wordings is not that of the entries"


def _check_witness(chain: Mapping[str, Any], entries: list[dict[str, Any]]) -> Iterator[str]:
    """The status was published apart from the log, and names the entry that it came from."""
    status = chain.get("status")
    if not isinstance(status, dict) or status.get("log_hash") is None:
        return
    if status["log_hash"] not in {entry_hash(entry) for entry in entries}:
        yield (
            f"entry {status.get('log_seq')}, which the status names by its hash,"
            " is missing or was changed"
        )


def _entries(chain: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one["entry"] for one in chain["entries"]]


def _is_chain(chain: Any) -> bool:
    if (
        not isinstance(chain, dict)
        or not isinstance(chain.get("entries"), list)
        or not chain["entries"]
    ):
        return False
    named = isinstance(chain.get("tenant"), str) and isinstance(chain.get("number"), str)
    status = chain.get("status")
    return (
        named
        and (status is None or isinstance(status, dict))
        and all(
            isinstance(one, dict) and isinstance(one.get("entry"), dict) for one in chain["entries"]
        )
    )


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Parsers disagree about a name that occurs twice in one object."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} is there twice in one object")
    return dict(pairs)


def _refuse_constant(written: str) -> float:
    raise ValueError(f"{written} is not JSON")

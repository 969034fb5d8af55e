"""`sayso consent history`, `proof`, `verify` and `audit`: the record of consent, and its proof."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.numbers import e164, mask_number
from services.cli import options
from services.cli.connection import read_ledger
from services.csv_output import write_csv
from services.display_text import format_utc
from services.ledger.consent import ConsentLog, build_proof, read_consent_logs
from services.ledger.consent_audit import CHECKS, AuditFinding, AuditParams, run_audit
from services.masking import mask
from services.operations import proof_verification
from services.operations.errors import InvalidRequest
from services.operations.validation import parse_number
from services.terminal import SafeOutput, console, markup, print_json, table
from streams.gate.consent_log import find_flaws

Number = Annotated[
    str,
    typer.Option(
        "--number", "-n", metavar="NUMBER", help="A phone number with plus and country code."
    ),
]
EVIDENCE = (
    "actor",
    "origin",
    "document",
    "url",
    "ip",
    "wording",
    "wording_version",
    "text",
    "key_id",
)


def history(
    number: Number,
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show every change of a number's consent, and whether the entries form a whole chain.

    Each entry says what changed, by whom, when, from where, and which wording was shown.

    Example: [cyan]sayso consent history --number +12125550123 -t harbor[/]
    """
    logs = _read_logs(number, tenant, bootstrap, state)
    if as_json:
        print_json([_as_data(log) if unmask else mask(_as_data(log)) for log in logs])
        return
    screen = console()
    for log in logs:
        number = log.number if unmask else mask_number(log.number)
        screen.print(markup("[bold]{}[/] {}", log.tenant, number))
        rows = [
            (
                str(one.entry.get("seq", "")),
                format_utc(str(one.entry["at"])),
                one.entry["action"],
                one.entry["source"],
                f"{one.entry['was']} → {one.entry['now']}",
                one.entry["reason"],
                describe_evidence(one.entry, EVIDENCE, unmask),
                f"{one.partition}@{one.offset}",
                str(one.entry.get("hash", ""))[:12],
            )
            for one in log.entries
        ]
        columns = ("entry", "at (UTC)", "said", "by", "consent", "because", "proof", "log", "hash")
        screen.print(table(None, columns, rows))
        wrong = find_flaws(one.entry for one in log.entries)
        for flaw in wrong:
            screen.print(flaw.words, style="red")
        if not wrong:
            screen.print(f"The chain of {len(log.entries)} entries is whole.")


def proof(
    number: Number,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", help="Where to write it; only the owner can read it."
        ),
    ],
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Write all that proves a number's consent to a file. Nothing in it is masked.

    Example: [cyan]sayso consent proof --number +12125550123 -t harbor --out proof.json[/]
    """
    logs = _read_logs(number, tenant, bootstrap, state)
    bundle = build_proof(logs, e164(number), datetime.now(UTC))
    proof_verification.write_bundle(out, bundle)
    screen = console()
    for chain in bundle["chains"]:
        head = _describe_head(chain["head"])
        screen.print(f"{chain['tenant']}: {len(chain['entries'])} entries, {head}")
    screen.print(
        f"Written to {out}. Note the head elsewhere: who knows it can tell that nothing was cut off"
        " the end."
    )
    screen.print(f"  sayso consent verify {out}", style="cyan")


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `sayso consent proof` wrote.")],
    head: Annotated[
        str | None,
        typer.Option(
            "--head", metavar="HASH", help="The hash of an entry that you noted elsewhere."
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Check a bundle of proof offline. Exit code 1 if an entry was changed, removed or moved.

    Note the head of the chain elsewhere. Without it nobody can see whether entries at the end were
    cut off, or whether everything was rewritten with new hashes.

    Example: [cyan]sayso consent verify proof.json[/]
    """
    found = proof_verification.verify_bundle(proof_verification.read_bundle(file), head)
    if as_json:
        print_json([one._asdict() | {"whole": not one.flaws} for one in found])
    else:
        for one in found:
            _print_report(one, head)
    raise typer.Exit(1 if any(one.flaws for one in found) else 0)


def audit(
    tenant: options.Tenant = None,
    pending_days: Annotated[
        int,
        typer.Option(
            min=1, max=36_600, help="List opt-in requests that are unanswered for this long."
        ),
    ] = 7,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of tables.")] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Check the record of consent, and whether we kept to it.

    Lists who is opted in without evidence, who has not answered for long, and whose opt-in requests
    wait because the hour's limit is reached. Lists also who was texted after an opt-out and who
    was asked too often: exit code 1 if there is one of these.

    Example: [cyan]sayso consent audit -t harbor --csv > audit.csv[/]
    """
    if as_csv and as_json:
        raise InvalidRequest("Say --csv or --json, not both")
    with read_ledger(bootstrap, state, tenant) as ledger:
        since = AuditParams(datetime.now(UTC), timedelta(days=pending_days))
        complete = run_audit(ledger, tenant, since)
    found = {
        name: rows if unmask else [one._replace(number=mask_number(one.number)) for one in rows]
        for name, rows in complete.items()
    }
    if as_json:
        print_json({name: [one._asdict() for one in rows] for name, rows in found.items()})
    elif as_csv:
        header = ("check", "tenant", "number", "at", "place", "words")
        write_csv(SafeOutput(sys.stdout), header, (row for rows in found.values() for row in rows))
    else:
        _print_audit(found)
    raise typer.Exit(1 if any(found[name] for name, kind in CHECKS.items() if kind.none) else 0)


COMMANDS = (history, proof, verify, audit)


def describe_evidence(entry: Mapping[str, Any], names: tuple[str, ...], unmask: bool) -> str:
    """Of an entry of the consent log: the record that it came from, then the named fields."""
    evidence = entry.get("evidence") or {}
    shown = evidence if unmask else mask(evidence)
    words = [f"{name.replace('_', ' ')} {shown[name]}" for name in names if shown.get(name)]
    if entry.get("read_by"):
        words.append(f"found by {entry['read_by']}")
    if shown.get("topic"):
        words.insert(0, f"{shown['topic']}/{shown.get('partition')}@{shown.get('offset')}")
    return ", ".join(words)


def _read_logs(
    number: str, tenant: str | None, bootstrap: str | None, state: Path
) -> tuple[ConsentLog, ...]:
    wanted = parse_number("--number", number)
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = read_consent_logs(ledger, wanted, tenant)
    if not found:
        at = f" at {tenant}" if tenant else ""
        raise InvalidRequest(f"Nothing is on record of that number's consent{at}")
    return found


def _as_data(log: ConsentLog) -> dict[str, Any]:
    wrong = [flaw._asdict() for flaw in find_flaws(one.entry for one in log.entries)]
    return {
        "tenant": log.tenant,
        "number": log.number,
        "whole": not wrong,
        "flaws": wrong,
        "entries": [one._asdict() for one in log.entries],
    }


def _print_report(one: proof_verification.ChainReport, head: str | None) -> None:
    screen = console()
    repeats = f", {one.repeats} of them there again" if one.repeats else ""
    number = mask_number(one.number)
    screen.print(markup("[bold]{}[/] {}: {} entries{}", one.tenant, number, one.entries, repeats))
    for flaw in one.flaws:
        screen.print(f"  {flaw}", style="red")
    if one.flaws or one.head is None:
        return
    words = "  [green]whole[/]: no entry was changed, taken out or moved; the last says {}"
    screen.print(markup(words, one.state))
    screen.print(f"  {_describe_head(one.head)}")
    if head is None:
        upto = f"the status vouches for all up to entry {one.witnessed}; " if one.witnessed else ""
        screen.print(
            f"  {upto}that nothing was cut off the end shows against a head noted elsewhere"
            " (--head)"
        )


def _describe_head(head: Mapping[str, Any] | None) -> str:
    return f"its head is entry {head['seq']}, {head['hash']}" if head else "without a head"


def _print_audit(found: Mapping[str, list[AuditFinding]]) -> None:
    screen = console()
    for name, kind in CHECKS.items():
        if kind.quiet and not found[name]:
            continue
        color = "red" if found[name] and kind.none else "yellow" if found[name] else "green"
        must = " (must be none)" if kind.none else ""
        count = f"{len(found[name]):,}"
        screen.print(markup(f"[bold]{{}}[/]{{}}: [{color}]{{}}[/]", kind.title, must, count))
        rows = [
            (one.tenant, one.number, format_utc(one.at), one.words, one.place)
            for one in found[name]
        ]
        if rows:
            screen.print(table(None, ("tenant", "number", "at (UTC)", "because", "record"), rows))

"""`sayso consent history`, `proof` and `verify`: what led to a number's consent, and how to show that it is so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.cli.consent_verified import Verified
    from services.ledger.consent_log import Log

Number = Annotated[
    str, typer.Option("--number", "-n", metavar="NUMBER", help="With plus and country code.")
]


def history(
    number: Number,
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Every change of a number's consent: what, by whom, when, from where, shown which wording; and whether the
    entries still hang together.

    Example: [cyan]sayso consent history --number +12125550123 -t harbor[/]
    """
    from schemas.numbers import mask_number
    from services.cli.masking import mask
    from services.cli.screen import clock, console, print_json, table
    from streams.gate.chain import flaws

    logs = _logs(number, tenant, bootstrap, state)
    if as_json:
        print_json([as_data(log) if unmask else mask(as_data(log)) for log in logs])
        return
    screen = console()
    for log in logs:
        screen.print(f"[bold]{log.tenant}[/] {log.number if unmask else mask_number(log.number)}")
        rows = [
            (
                str(told.get("seq", "")),
                clock(str(told["at"])),
                told["action"],
                told["source"],
                f"{told['was']} → {told['now']}",
                told["reason"],
                _evidence(told, unmask),
                f"{one.partition}@{one.offset}",
                str(told.get("hash", ""))[:12],
            )
            for one in log.entries
            for told in (one.entry,)
        ]
        columns = ("entry", "at (UTC)", "said", "by", "consent", "because", "proof", "log", "hash")
        screen.print(table(None, columns, rows))
        wrong = flaws(one.entry for one in log.entries)
        for flaw in wrong:
            screen.print(f"[red]{flaw.words}[/]")
        if not wrong:
            screen.print(f"The chain of {len(log.entries)} entries is whole.")


def proof(
    number: Number,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where to write it; for its owner only.")
    ],
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Write all there is to prove a number's consent to a file, in full: numbers and texts are not masked.

    Example: [cyan]sayso consent proof --number +12125550123 -t harbor --out proof.json[/]
    """
    import json
    import os
    from datetime import UTC, datetime

    from schemas.numbers import e164
    from services.cli.screen import console
    from services.ledger.proof import proof as bundled

    bundle = bundled(_logs(number, tenant, bootstrap, state), e164(number), datetime.now(UTC))
    try:
        with open(
            os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(bundle, file, ensure_ascii=False, indent=1)
            file.write("\n")
    except OSError as error:
        raise Refused(f"--out {out} cannot be written: {error.strerror}") from None
    screen = console()
    for chain in bundle["chains"]:
        screen.print(f"{chain['tenant']}: {len(chain['entries'])} entries, {_head(chain['head'])}")
    screen.print(
        f"Written to {out}. Note the head elsewhere: who knows it can tell that nothing was cut off the end."
    )
    screen.print(f"  sayso consent verify {out}", style="cyan")


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `sayso consent proof` wrote.")],
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="HASH", help="An entry's hash that you noted elsewhere."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Check a bundle offline: an entry that was changed, taken out or moved is named. Exit code 1 if there is one.

    Without a head that was noted elsewhere, it cannot be seen whether entries after the last one that the status
    names were cut off, or whether everything was written anew with new hashes.

    Example: [cyan]sayso consent verify proof.json[/]
    """
    from services.cli.consent_verified import read_bundle, verified
    from services.cli.screen import print_json

    found = verified(read_bundle(file), head)
    if as_json:
        print_json([one._asdict() | {"whole": not one.flaws} for one in found])
    else:
        for one in found:
            _print(one, head)
    raise typer.Exit(1 if any(one.flaws for one in found) else 0)


def as_data(log: Log) -> dict[str, Any]:
    from streams.gate.chain import flaws

    wrong = [flaw._asdict() for flaw in flaws(one.entry for one in log.entries)]
    return {
        "tenant": log.tenant,
        "number": log.number,
        "whole": not wrong,
        "flaws": wrong,
        "entries": [one._asdict() for one in log.entries],
    }


def _logs(number: str, tenant: str | None, bootstrap: str | None, state: Path) -> tuple[Log, ...]:
    from services.cli.input import number as clean
    from services.cli.kafka import ledger
    from services.ledger.consent_log import consent_logs

    wanted = clean("--number", number)
    with ledger(bootstrap, state, tenant) as opened:
        found = consent_logs(opened, wanted, tenant)
    if not found:
        raise Refused(
            "Nothing is on record of that number's consent" + (f" at {tenant}" if tenant else "")
        )
    return found


def _evidence(told: dict[str, Any], unmask: bool) -> str:
    from services.cli.masking import mask

    evidence = told.get("evidence") or {}
    shown = evidence if unmask else mask(evidence)
    place = (
        [f"{shown['topic']}/{shown.get('partition')}@{shown.get('offset')}"]
        if shown.get("topic")
        else []
    )
    names = (
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
    return ", ".join(
        place + [f"{name.replace('_', ' ')} {shown[name]}" for name in names if shown.get(name)]
    )


def _print(one: Verified, head: str | None) -> None:
    from schemas.numbers import mask_number
    from services.cli.screen import console

    screen = console()
    again = f", {one.repeats} of them there again" if one.repeats else ""
    screen.print(f"[bold]{one.tenant}[/] {mask_number(one.number)}: {one.entries} entries{again}")
    for flaw in one.flaws:
        screen.print(f"  [red]{flaw}[/]")
    if one.flaws or one.head is None:
        return
    screen.print(
        f"  [green]whole[/]: no entry was changed, taken out or moved; the last says {one.state}"
    )
    screen.print(f"  {_head(one.head)}")
    if head is None:
        upto = f"the status vouches for all up to entry {one.witnessed}; " if one.witnessed else ""
        screen.print(
            f"  {upto}that nothing was cut off the end shows against a head noted elsewhere (--head)"
        )


def _head(head: Mapping[str, Any] | None) -> str:
    return f"its head is entry {head['seq']}, {head['hash']}" if head else "without a head"

"""`sayso consent`: claim that somebody said yes or no, and see what is on record."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.consent_source import ConsentSource
from services.cli import consent_ask, consent_audit, consent_import, consent_proof, options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.ledger.consent import Standing

app = typer.Typer(help="Who has said yes, who has said no, and the proof.", no_args_is_help=True)
for command in (
    consent_ask.ask,
    consent_proof.history,
    consent_proof.proof,
    consent_proof.verify,
    consent_audit.audit,
):
    app.command()(command)
app.command("import")(consent_import.import_)

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="With plus and country code.")]
Of = Annotated[str, typer.Option("--tenant", "-t", help="Consent is given to a tenant.")]
Sender = Annotated[str | None, typer.Option(help="Only for this sender.")]
Wording = Annotated[str | None, typer.Option(help="What the person was shown or told.")]
Document = Annotated[str | None, typer.Option(help="Where the signed form is kept.")]
Scan = Annotated[
    Path | None,
    typer.Option("--file", help="The signed form itself: its name and SHA-256 go on record."),
]
Actor = Annotated[str | None, typer.Option(help="Who recorded it.")]
Url = Annotated[str | None, typer.Option(help="The page it was given on.")]


@app.command("in")
def opt_in(
    number: Number,
    tenant: Of,
    sender: Sender = None,
    wording: Wording = None,
    document: Document = None,
    file: Scan = None,
    actor: Actor = None,
    url: Url = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Record that a person agreed to be texted.

    Staff who record a yes say where its proof is kept, or hand over the file, and who they are.  Nobody can record one
    for a person who has opted out: only they can come back.

    Example: [cyan]sayso consent in +12125550123 -t harbor --document intake-17.pdf --actor dana[/]
    """
    proof = kept(document, file)
    if not proof or not actor:
        raise Refused(
            "An opt-in needs proof: give --document (where it is kept) or --file (the form itself), and --actor "
            "(who recorded it)"
        )
    evidence = {"wording": wording, "document": proof, "actor": actor, "url": url}
    _claim("opt_in", number, tenant, sender, evidence, bootstrap, state)


@app.command("out")
def opt_out(
    number: Number,
    tenant: Of,
    sender: Sender = None,
    actor: Actor = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Record that a person wants no more texts.

    Example: [cyan]sayso consent out +12125550123 -t harbor --actor dana[/]
    """
    _claim("opt_out", number, tenant, sender, {"actor": actor}, bootstrap, state)


@app.command()
def resolve(
    number: Number,
    tenant: Of,
    actor: Annotated[str, typer.Option(help="Who has looked.")],
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Let texts go again after a record that could not be read, which you have looked at and which was no STOP.

    Until somebody does, every text waits by the finding consent_unreadable. The consent log (sayso consent show) names
    the record by topic, partition and offset; its bytes are among the dead letters (sayso tail dead-letters). If it was
    a STOP: sayso consent out.

    Example: [cyan]sayso consent resolve +12125550123 -t harbor --actor dana[/]
    """
    _claim("resolved", number, tenant, None, {"actor": actor}, bootstrap, state)


@app.command()
def show(
    number: Number,
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Where a number's consent stands, and everything that led there.

    Example: [cyan]sayso consent show +12125550123[/]
    """
    from services.cli.input import number as clean
    from services.cli.kafka import ledger
    from services.cli.masking import mask
    from services.cli.screen import print_json
    from services.ledger.consent import consent

    wanted = clean("NUMBER", number)
    with ledger(bootstrap, state, tenant) as opened:
        found = consent(opened, wanted, tenant)
    if not found:
        raise Refused("Nothing is on record of that number" + (f" at {tenant}" if tenant else ""))
    if as_json:
        plain = [standing._asdict() for standing in found]
        print_json(plain if unmask else mask(plain))
        return
    for standing in found:
        _print(standing, unmask)


def kept(document: str | None, file: Path | None) -> str | None:
    """Where the proof is and, of a file, by what it is known again: `intake-17.pdf sha256:9f86d0...`."""
    if file is None:
        return document
    import hashlib

    try:
        with file.open("rb") as scan:
            digest = hashlib.file_digest(scan, "sha256").hexdigest()
    except OSError as error:
        raise Refused(f"--file {file} cannot be read: {error.strerror}") from None
    return f"{document or file.name} sha256:{digest}"


def _claim(
    action: str,
    number: str,
    tenant: str,
    sender: str | None,
    evidence: dict[str, str | None],
    bootstrap: str | None,
    state: Path,
) -> None:
    from schemas.consent_event import ConsentEvent
    from schemas.topics import CONSENT_EVENTS
    from services.cli.input import identity, message
    from services.cli.input import number as clean
    from services.cli.kafka import bootstrap_of, publish
    from services.cli.known import must_know
    from services.cli.screen import console

    claim = message(
        ConsentEvent,
        event_id=identity("c"),
        tenant=tenant,
        number=clean("NUMBER", number),
        sender=sender,
        action=action,
        source=ConsentSource.MANUAL,
        at=datetime.now(UTC),
        evidence=evidence,
    )
    where = bootstrap_of(bootstrap, state)
    must_know(where, tenant)
    publish(where, CONSENT_EVENTS, [claim])
    console().print(f"Recorded as [bold]{claim.event_id}[/]. What was made of it:")
    same = options.same(state, bootstrap)
    console().print(f"  sayso consent show {claim.number} --tenant {tenant}{same}", style="cyan")


def _print(standing: Standing, unmask: bool) -> None:
    from schemas.numbers import mask_number
    from services.cli.screen import clock, coloured, console, table

    screen = console()
    number = standing.number if unmask else mask_number(standing.number)
    screen.print(
        f"[bold]{standing.tenant}[/] {number} ",
        coloured((standing.status or {}).get("state", "none")),
    )
    if asked := _asked(standing.status or {}):
        screen.print(f"  {asked}")
    rows = [
        (
            clock(told["at"]),
            told["action"],
            told["source"],
            f"{told['was']} → {told['now']}",
            told["reason"],
            _proof(told.get("evidence", {}), unmask),
        )
        for told in standing.log
    ]
    screen.print(table(None, ("at (UTC)", "said", "by", "consent", "because", "proof"), rows))


def _asked(status: dict[str, Any]) -> str:
    """When they were asked, when they may be again, and how many texts wait for the answer."""
    from services.cli.screen import clock

    held = status.get("held") or 0
    said = [
        f"asked {clock(status['asked_at'])}" if status.get("asked_at") else "",
        f"may be asked again from {clock(status['ask_again_at'])}"
        if status.get("ask_again_at")
        else "",
        f"{held} text{'' if held == 1 else 's'} held" if held else "",
    ]
    return ", ".join(filter(None, said))


def _proof(evidence: dict[str, Any], unmask: bool) -> str:
    from services.cli.masking import mask

    shown = evidence if unmask else mask(evidence)
    place = (
        [f"{shown['topic']}/{shown.get('partition')}@{shown.get('offset')}"]
        if shown.get("topic")
        else []
    )
    said = [
        f"{name} {shown[name]}"
        for name in ("actor", "document", "url", "ip", "wording", "text")
        if shown.get(name)
    ]
    return ", ".join(place + said)

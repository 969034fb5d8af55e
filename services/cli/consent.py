"""`sayso consent`: record who said yes or no, ask for it, import it, and see what is on record."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from schemas.numbers import mask_number
from services.cli import consent_records, options
from services.cli.connection import find_bootstrap, operate, read_ledger, run
from services.cli.progress_bar import progress_bar
from services.display_text import format_utc
from services.ledger.consent import ConsentRecord, read_consent
from services.masking import mask
from services.operations import consent, consent_import
from services.operations.errors import InvalidRequest
from services.operations.session import Session
from services.operations.table_file import count_lines
from services.operations.validation import parse_number, parse_recipient, parse_tenant
from services.terminal import color_word, console, markup, note, print_json, table

app = typer.Typer(
    help="Who opted in, who opted out, and the proof.", no_args_is_help=True, add_completion=False
)
for command in consent_records.COMMANDS:
    app.command()(command)

Of = Annotated[str, typer.Option("--tenant", "-t", help="The tenant that consent is given to.")]
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
    number: options.Number,
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

    Say where the proof is kept, or name the file, and who you are. Nobody can record an opt-in
    for a person who has opted out: only they can come back.

    Example:
    [cyan]sayso consent in +12125550123 -t harbor --document intake-17.pdf --actor dana[/]
    """
    proof = consent.describe_document(document, file)
    consent.require_proof(proof, actor)
    evidence = {"wording": wording, "document": proof, "actor": actor, "url": url}
    _record("opt_in", number, tenant, sender, evidence, bootstrap, state)


@app.command("out")
def opt_out(
    number: options.Number,
    tenant: Of,
    sender: Sender = None,
    actor: Actor = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Record that a person wants no more texts.

    Example: [cyan]sayso consent out +12125550123 -t harbor --actor dana[/]
    """
    _record("opt_out", number, tenant, sender, {"actor": actor}, bootstrap, state)


@app.command()
def resolve(
    number: options.Number,
    tenant: Of,
    actor: Annotated[str, typer.Option(help="Who has looked at the record.")],
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Let texts go again after an unreadable record that was no STOP.

    Look at the record first. Until somebody resolves it, every text to the number waits with the
    finding consent_unreadable. The consent log (sayso consent show) names the record by topic,
    partition and offset; its bytes are among the dead letters (sayso tail dead-letters). If it was
    a STOP: sayso consent out.

    Example: [cyan]sayso consent resolve +12125550123 -t harbor --actor dana[/]
    """
    _record("resolved", number, tenant, None, {"actor": actor}, bootstrap, state)


@app.command("go-on")
def go_on(
    number: options.Number,
    tenant: Of,
    actor: Annotated[str, typer.Option(help="Who has read it.")],
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Let automatic texts go on after a reply that may have been an opt-out, and was none.

    Read it first: sayso box to-read. Until somebody answers, automatic texts to the number wait
    with the finding revocation_in_question. What waits goes at once. If they want no texts:
    sayso consent out. Unanswered for two business days, it is an opt-out.

    Example: [cyan]sayso consent go-on +12125550123 -t harbor --actor dana[/]
    """
    _record("go_on", number, tenant, None, {"actor": actor}, bootstrap, state)


def _record(
    action: str,
    number: str,
    tenant: str,
    sender: str | None,
    evidence: dict[str, str | None],
    bootstrap: str | None,
    state: Path,
) -> None:
    written = parse_recipient("NUMBER", number)
    now = datetime.now(UTC)
    event = consent.build_consent_event(action, written, tenant, sender, evidence, now)
    where = find_bootstrap(bootstrap, state)
    operate(where, lambda kafka: consent.record_consent(kafka, event))
    same = options.repeat_options(state, bootstrap)
    console().print(markup("Recorded as [bold]{}[/]. To see its effect:", event.event_id))
    console().print(f"  sayso consent show {event.number} --tenant {tenant}{same}", style="cyan")


@app.command()
def ask(
    number: options.Number,
    tenant: Annotated[str, typer.Option("--tenant", "-t", help="Who asks.")],
    sender: Annotated[
        str | None, typer.Option(help="Send from this. Default: the tenant's sender.")
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Who wants the request.")] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Ask a person once more to opt in, by text. We send the first request by ourselves.

    A number gets at most one request in 24 hours, and none after an opt-out: the command then says
    why not.

    Example: [cyan]sayso consent ask +12125550123 -t harbor --actor dana[/]
    """
    written = parse_recipient("NUMBER", number)
    evidence = {"actor": actor}
    event = consent.build_consent_event("ask", written, tenant, sender, evidence, datetime.now(UTC))
    where = find_bootstrap(bootstrap, state)
    with read_ledger(bootstrap, state) as ledger:
        answer = operate(
            where,
            lambda kafka: consent.request_opt_in(kafka, ledger, event),
            waiting="waiting for the gate's answer",
        )
    console().print(f"{answer[:1].upper()}{answer[1:]}.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv")],
    tenant: Of,
    actor: Annotated[
        str | None, typer.Option(help="Who imports them. Default: your login name.")
    ] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Import a list of consents. Importing it again is harmless.

    The first line names the columns: number, date, source (where it was collected) and proof (where
    the signed form is kept, or its SHA-256). The columns action (opt_in or opt_out), wording, url
    and sender are optional. Bad lines are named and left out; good ones go in. An import lifts no
    opt-out. An opt-out, in any word for no, needs its number and action only. One of no number that
    could be texted becomes a dead letter, and blocks what it may have meant until you have looked.

    Example: [cyan]sayso consent import consents.csv -t harbor[/]
    """
    about = consent_import.ConsentImport(
        parse_tenant(tenant), options.read_actor(actor), datetime.now(UTC)
    )
    length = count_lines(file)
    where = find_bootstrap(bootstrap, state)
    with progress_bar("lines", length) as on_progress:

        async def work() -> consent_import.Imported:
            async with Session(where, source="import") as kafka:
                return await consent_import.import_consents(kafka, file, about, on_progress)

        imported = run(work())
    if as_json:
        bad, unclear = (
            [
                {"line": line.line, "reason": line.reason, "column": line.column, "fix": line.fix}
                for line in lines
            ]
            for lines in (imported.bad, imported.unclear)
        )
        print_json({"imported": imported.good, "bad": bad, "unclear": unclear})
    else:
        for line in imported.bad:
            note(f"{file}, line {line.line}: {line.reason}")
        for line in imported.unclear:
            note(f"{file}, line {line.line}: {line.reason}. {_OPT_OUT_KEPT}")
        console().print(f"Lines taken in: {imported.good:,}; left out: {len(imported.bad):,}.")
        if imported.unclear:
            console().print(
                f"Opt-outs of no number that could be texted: {len(imported.unclear):,};"
                " see [cyan]sayso dlq list[/]."
            )
    raise typer.Exit(1 if imported.bad or imported.unclear else 0)


_OPT_OUT_KEPT: Final = "The opt-out is kept as a dead letter, and blocks what it may have meant"


@app.command()
def show(
    number: options.Number,
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show a number's consent, and everything that led there.

    Example: [cyan]sayso consent show +12125550123[/]
    """
    wanted = parse_number("NUMBER", number)
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = read_consent(ledger, wanted, tenant)
    if not found:
        at = f" at {tenant}" if tenant else ""
        raise InvalidRequest(f"Nothing is on record of that number{at}")
    if as_json:
        plain = [one._asdict() for one in found]
        print_json(plain if unmask else mask(plain))
        return
    for one in found:
        _print(one, unmask)


def _print(found: ConsentRecord, unmask: bool) -> None:
    screen = console()
    number = found.number if unmask else mask_number(found.number)
    status = found.status or {}
    title = markup("[bold]{}[/] {} ", found.tenant, number)
    screen.print(title, color_word(status.get("state", "none")))
    if words := _describe_requests(status):
        screen.print(f"  {words}")
    if question := status.get("in_question"):
        since = format_utc(question["since"])
        opt_out_at = format_utc(question["opt_out_at"])
        screen.print(f"  in question since {since}; unanswered, opted out from {opt_out_at}")
    rows = [
        (
            format_utc(entry["at"]),
            entry["action"],
            entry["source"],
            f"{entry['was']} → {entry['now']}",
            entry["reason"],
            consent_records.describe_evidence(entry, EVIDENCE, unmask),
        )
        for entry in found.log
    ]
    screen.print(table(None, ("at (UTC)", "said", "by", "consent", "because", "proof"), rows))


EVIDENCE = ("actor", "document", "url", "ip", "wording", "text")


def _describe_requests(status: dict[str, Any]) -> str:
    """When they were asked, when they may be again, and how many texts wait for the answer."""
    held = status.get("held") or 0
    asked_at = status.get("asked_at")
    again_at = status.get("ask_again_at")
    words = [
        f"asked {format_utc(asked_at)}" if asked_at else "",
        f"may be asked again from {format_utc(again_at)}" if again_at else "",
        f"{held} text{'' if held == 1 else 's'} held" if held else "",
    ]
    return ", ".join(filter(None, words))

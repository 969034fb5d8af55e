"""`sayso tenants`: how each tenant wants to be served."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from schemas.tenant_settings import TenantSettings
from schemas.topics import SETTINGS
from services.cli import options
from services.cli.connection import find_bootstrap, operate, read_ledger
from services.cli.settings_impact import look_ahead, print_impacts, require_consent
from services.operations.settings_impact import describe_lookahead
from services.operations.tenants import (
    describe_settings,
    publish_tenants,
    read_opt_in_request,
)
from services.operations.yaml_settings import read_settings
from services.terminal import console, markup, print_json, table
from streams.encoding.segments import count_segments
from streams.templates.settings_check import check_settings, render_templates

app = typer.Typer(
    help="Tenants and their settings, as every worker reads them.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml")],
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show what would change; publish nothing.")
    ] = False,
    by: options.By = None,
    yes: options.Yes = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Check a file of tenant settings and publish it; workers follow at once.

    First it shows which texts are scheduled by each template or recipe that changes, and who lacks
    a value that it needs now. On a terminal it asks before it stops a text.

    Example: [cyan]sayso tenants apply tenants.yaml[/]
    """
    tenants = read_settings(file, "tenants", TenantSettings)
    actor = options.read_actor(by, fallback="")
    where = None if preview else find_bootstrap(bootstrap, state)
    now = datetime.now(UTC)
    looked = look_ahead(tenants, bootstrap, state, now)
    if not as_json:
        print_impacts(looked)
    versions = []
    if where is not None:
        require_consent(looked, yes)
        versions = operate(where, lambda kafka: publish_tenants(kafka, tenants, actor or None, now))
    if as_json:
        print_json(
            {
                "published": where is not None,
                "tenants": [describe_settings(one) | {"tenant": one.tenant} for one in tenants],
                "template_versions": [one.model_dump(mode="json") for one in versions],
                **describe_lookahead(looked),
            }
        )
        return
    for tenant in tenants:
        done = "are out" if where is not None else "are valid; nothing was published"
        console().print(markup("{}: settings [bold]{}[/] {}.", tenant.tenant, tenant.version, done))
        text = read_opt_in_request(tenant)
        _print(f"  The opt-in request takes {_count(count_segments(text))}: {text}")
        for problem in check_settings(tenant):
            _print(f"  Warning: {'.'.join(problem.place)}: {problem.message}")
        for made in render_templates(tenant):
            sizes = ", ".join(f"{each.member} {each.segments}" for each in made.texts)
            _print(f"  Template {made.template} ({made.language}), in segments: {sizes}")
            longest = max(made.texts, key=lambda each: each.segments)
            _print(f"    {longest.member}: {longest.body}")
        for version in versions:
            if version.tenant == tenant.tenant:
                _print(f"  Template {version.name} has a new version: {version.version}")


def _print(line: str) -> None:
    console().print(line, highlight=False, markup=False)


def _count(segments: int) -> str:
    return "1 segment" if segments == 1 else f"{segments} segments"


@app.command("list")
def show(
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List every tenant and the version of its settings.

    Example: [cyan]sayso tenants list[/]
    """
    with read_ledger(bootstrap, state) as ledger:
        found = [
            SETTINGS.decode(row["json"].encode())
            for row in ledger.rows("SELECT json FROM tenants ORDER BY identity")
        ]
    if as_json:
        print_json([tenant.model_dump(mode="json") | describe_settings(tenant) for tenant in found])
        return
    if not found:
        console().print("There are no tenants yet: sayso tenants apply FILE.yaml")
        return
    rows = [
        (
            one.tenant,
            one.name,
            one.sender,
            one.time_zone,
            " ".join(one.regions),
            one.shorteners.value,
            " ".join(one.branches),
            count_segments(read_opt_in_request(one)),
            one.version,
        )
        for one in found
    ]
    columns = (
        "tenant",
        "name",
        "sender",
        "time zone",
        "regions",
        "shorteners",
        "branches",
        "ask segments#",
        "settings",
    )
    console().print(table("Tenants", columns, rows))

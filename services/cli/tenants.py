"""`sayso tenants`: how each tenant wants to be served."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli import options

app = typer.Typer(help="Tenants and their settings, as every worker reads them.", no_args_is_help=True)


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml")],
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Check a file of tenant settings and publish it; workers follow at once.

    Example: [cyan]sayso tenants apply tenants.yaml[/]
    """
    from schemas.tenant_settings import TenantSettings
    from schemas.topics import SETTINGS
    from services.cli.declared import read
    from services.cli.kafka import bootstrap_of, publish
    from services.cli.screen import console

    tenants = read(file, "tenants", TenantSettings)
    publish(bootstrap_of(bootstrap, state), SETTINGS, tenants)
    for tenant in tenants:
        console().print(f"{tenant.tenant}: settings [bold]{tenant.version}[/] are out.")


@app.command("list")
def show(
    bootstrap: options.Bootstrap = None, state: options.State = options.STATE, as_json: options.Json = False
) -> None:
    """Every tenant and the version of its settings.

    Example: [cyan]sayso tenants list[/]
    """
    from schemas.tenant_settings import TenantSettings
    from services.cli.kafka import ledger
    from services.cli.screen import console, print_json, table

    with ledger(bootstrap, state) as opened:
        found = [TenantSettings.model_validate_json(row["json"])
                 for row in opened.rows("SELECT json FROM tenants ORDER BY identity")]  # fmt: skip
    if as_json:
        print_json([tenant.model_dump(mode="json") | {"version": tenant.version} for tenant in found])
        return
    rows = [(one.tenant, one.name, one.sender, one.time_zone, " ".join(one.regions), one.shorteners.value,
             " ".join(one.branches), one.version) for one in found]  # fmt: skip
    names = ("tenant", "name", "sender", "time zone", "regions", "shorteners", "branches", "settings")
    console().print(table("Tenants", names, rows))

"""`sayso tenants`: how each tenant wants to be served."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import options

if TYPE_CHECKING:
    from schemas.tenant_settings import TenantSettings

app = typer.Typer(
    help="Tenants and their settings, as every worker reads them.", no_args_is_help=True
)


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
    from streams.segments import segments

    tenants = read(file, "tenants", TenantSettings)
    publish(bootstrap_of(bootstrap, state), SETTINGS, tenants)
    for tenant in tenants:
        console().print(f"{tenant.tenant}: settings [bold]{tenant.version}[/] are out.")
        text = _goes_out(tenant)
        said = f"  The opt-in request takes {_segments(segments(text))}: {text}"
        console().print(said, highlight=False, markup=False)


@app.command("list")
def show(
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Every tenant and the version of its settings.

    Example: [cyan]sayso tenants list[/]
    """
    from schemas.tenant_settings import TenantSettings
    from services.cli.kafka import ledger
    from services.cli.screen import console, print_json, table
    from streams.segments import segments

    with ledger(bootstrap, state) as opened:
        found = [
            TenantSettings.model_validate_json(row["json"])
            for row in opened.rows("SELECT json FROM tenants ORDER BY identity")
        ]
    if as_json:
        print_json([tenant.model_dump(mode="json") | _worked_out(tenant) for tenant in found])
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
            segments(_goes_out(one)),
            one.version,
        )
        for one in found
    ]
    names = (
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
    console().print(table("Tenants", names, rows))


def _worked_out(tenant: TenantSettings) -> dict[str, object]:
    from streams.segments import segments

    text = _goes_out(tenant)
    return {
        "version": tenant.version,
        "opt_in_request": text,
        "opt_in_request_segments": segments(text),
    }


def _goes_out(tenant: TenantSettings) -> str:
    """The opt-in request."""
    from streams.encoding.smart import outgoing

    return outgoing(tenant.opt_in_request, tenant)


def _segments(count: int) -> str:
    return "1 segment" if count == 1 else f"{count} segments"

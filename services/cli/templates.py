"""`sayso templates`: the words of reminders and tasks, as they are and as they were."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from schemas.recipe import TemplateVersion
from services.cli import options
from services.cli.connection import read_ledger
from services.display_text import format_utc
from services.operations.template_history import (
    HistoryStep,
    find_template,
    find_template_version,
    list_history,
    list_templates,
)
from services.terminal import console, print_json, table

app = typer.Typer(
    help="Templates of a tenant: what each says, and what it said before.",
    no_args_is_help=True,
    add_completion=False,
)
Tenant = Annotated[str, typer.Argument(metavar="TENANT")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The template's name.")]


@app.command("list")
def show_all(
    tenant: Tenant,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List the templates that a tenant has or had, with the version in force.

    Example: [cyan]sayso templates list harbor[/]
    """
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = list_templates(ledger, tenant)
    if as_json:
        print_json(
            [
                _as_data(one.current)
                | {"in_force": one.in_force is not None, "versions": len(one.versions)}
                for one in found
            ]
        )
        return
    if not found:
        console().print(f"{tenant} has no templates on record: sayso tenants apply", markup=False)
        return
    rows = [
        (
            one.name,
            one.current.version,
            " ".join(one.current.texts),
            format_utc(one.current.at.isoformat()),
            one.current.by or "",
            len(one.versions),
            "" if one.in_force else "removed",
        )
        for one in found
    ]
    columns = ("template", "version", "languages", "applied (UTC)", "by", "versions#", "")
    console().print(table(f"Templates of {tenant}", columns, rows))


@app.command()
def show(
    tenant: Tenant,
    name: Name,
    version: Annotated[
        str | None,
        typer.Option(help="As `history` and `explain` name it. Default: the one in force."),
    ] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Show what a template says, or what an older version of it said.

    Example: [cyan]sayso templates show harbor hearing --version 16894cb691b2[/]
    """
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = find_template_version(ledger, tenant, name, version)
    if as_json:
        print_json(_as_data(found))
        return
    _print(_name(found))
    for language, text in found.texts.items():
        _print(f"{language}:")
        _print_lines("  ", text)


@app.command()
def history(
    tenant: Tenant,
    name: Name,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Show when a template was changed, by whom, and what it said before and after.

    Example: [cyan]sayso templates history harbor hearing[/]
    """
    with read_ledger(bootstrap, state, tenant) as ledger:
        template = find_template(ledger, tenant, name)
    steps = list(list_history(template))
    if as_json:
        print_json(
            [
                _as_step(step) | {"in_force": step.version.version == template.in_force}
                for step in steps
            ]
        )
        return
    for step in steps:
        in_force = ", in force" if step.version.version == template.in_force else ""
        _print(f"{_name(step.version)}{in_force}")
        for change in step.changes:
            _print(f"  {change.language} {change.change}")
            _print_lines("    - ", change.before)
            _print_lines("    + ", change.after)
        if not step.changes:
            _print(f"  only the order of its languages: {' '.join(step.version.texts)}")


def _name(found: TemplateVersion) -> str:
    by = f" by {found.by}" if found.by else ""
    at = format_utc(found.at.isoformat())
    return f"{found.tenant}/{found.name} {found.version}, applied {at}{by}"


def _as_data(found: TemplateVersion) -> dict[str, Any]:
    return found.model_dump(mode="json")


def _as_step(step: HistoryStep) -> dict[str, Any]:
    return {
        **_as_data(step.version),
        "changes": [change._asdict() for change in step.changes],
    }


def _print_lines(before: str, text: str | None) -> None:
    for line in [] if text is None else text.splitlines():
        _print(f"{before}{line}")


def _print(line: str) -> None:
    console().print(line, highlight=False, markup=False)

"""`sayso event-webhooks`: the process that delivers events, and the endpoints it delivers to."""

from __future__ import annotations

import typer

from services.cli import endpoint_deliveries, endpoints, options
from services.cli.processes import become
from services.operations.errors import InvalidRequest

app = typer.Typer(add_completion=False)
app.add_typer(endpoints.app, name="endpoint")
endpoint_deliveries.add_commands(endpoints.app)


@app.callback(invoke_without_command=True)
def event_webhooks(
    context: typer.Context,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Deliver events to tenants' endpoints, or manage the endpoints.

    Without a command it runs the process until SIGTERM.

    Example: [cyan]sayso event-webhooks --bootstrap kafka-1:9092[/]
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    become("services.event_webhooks", bootstrap, state)


def _refuse_options(context: typer.Context) -> None:
    """An option before the command would be lost, and the command would act on another stack."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise InvalidRequest(f"Put --{name} behind the command")

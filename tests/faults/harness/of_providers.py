"""The provider's bad days, and the network's before it.

Texts that were taken although the call failed come with their receipts or without: without, only
the provider's list can tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from tests.faults.harness.fault import Fault, FaultContext

BAD: Final = 9.0
"""Seconds of it."""
ProviderFault = dict[str, Any]


def cut_off(does: str, **more: Any) -> tuple[ProviderFault, ...]:
    """Of a hundred calls: 15 fail and the text is not taken, 20 though it is, 20 though it is
    and no receipt ever comes."""
    return (
        {"does": does, "share": 0.15, "taken": False, **more},
        {"does": does, "share": 0.25, "taken": True, **more},
        {"does": does, "share": 0.3, "taken": True, "receipts": ["lost"], **more},
    )


def bad(*provider_faults: ProviderFault) -> Callable[[FaultContext], Awaitable[None]]:
    async def hurt(context: FaultContext) -> None:
        await context.wait(1)
        for n, one in enumerate(provider_faults):
            await context.stack.switch_on(f"bad-{n}", **one)
        await context.wait(BAD)
        for n in range(len(provider_faults)):
            await context.stack.switch_off(f"bad-{n}")

    return hurt


async def network_cut(context: FaultContext) -> None:
    """Dispatch reaches the provider through a proxy of ours, which cuts connections once the
    request is written."""
    worker, proxy = context.stack.dispatch, context.stack.proxy
    straight = worker.environment["SAYSO_PROVIDER_URL"]
    worker.environment["SAYSO_PROVIDER_URL"] = proxy.url
    await worker.restart()
    await worker.until_ready()
    proxy.share = 0.4
    await context.wait(BAD)
    proxy.share = 0.0
    context.notes.append(f"{proxy.cuts} calls cut")
    worker.environment["SAYSO_PROVIDER_URL"] = straight
    await worker.restart()


STORM: Final = ({"does": "rate-limit", "down": 2.0, "up": 1.0},)
RESET: Final = ({"does": "reset-unread", "share": 0.3}, {"does": "reset-before", "share": 0.2})
SLOW: Final = cut_off("slow", seconds=5)[1:]
LAGGING: Final = (*cut_off("reset-after"), {"on": "list", "does": "lag", "seconds": 8.0})
FLAPPING: Final = (
    {"does": "http:503", "taken": False, "down": 0.7, "up": 0.9},
    {"does": "reset-after", "share": 0.3, "receipts": ["lost"], "down": 0.5, "up": 1.1},
)

FAULTS: Final = tuple(
    Fault(name, words, hurt, quick=0.5)
    for name, words, hurt in (
        ("provider-429", "provider: 429 storm, 2 s of every 3", bad(*STORM)),
        ("provider-500", "provider: HTTP 500, taken or not", bad(*cut_off("http:500"))),
        ("provider-503", "provider: HTTP 503, taken or not", bad(*cut_off("http:503"))),
        (
            "provider-reset-before",
            "provider: reset before the body is read, or after, and not taken",
            bad(*RESET),
        ),
        ("provider-reset-after", "provider: taken, then reset", bad(*cut_off("reset-after")[1:])),
        ("provider-hang", "provider: no answer at all, taken or not", bad(*cut_off("hang"))),
        ("provider-truncated", "provider: half an answer", bad(*cut_off("truncated")[1:])),
        ("provider-no-sid", "provider: 2xx without a sid", bad(*cut_off("no-sid")[1:])),
        ("provider-slow", "provider: answers after 5 s, later than dispatch waits", bad(*SLOW)),
        ("provider-flapping", "provider: up and down every second", bad(*FLAPPING)),
        ("provider-list-lags", "provider: taken and reset, and the list lags", bad(*LAGGING)),
        ("network-cut", "network: cut after the request was written", network_cut),
    )
)

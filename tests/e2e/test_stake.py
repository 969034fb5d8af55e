"""A text that fails somebody, from the carrier's word to what staff see and hand on."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.send_request import SendRequest
from schemas.topics import SEND_REQUESTS
from services.cli.app import run
from tests.e2e import running_stack

pytestmark = pytest.mark.broker

LANDLINE, STOPPED, WRONG = running_stack.NUMBERS[:3]
SCRIPT: dict[str, Any] = {
    "numbers": {LANDLINE: "failed:30006", STOPPED: "refuse:21610", WRONG: "refuse:21211"},
    "otherwise": "delivered",
}


def reminder(message_id: str, to: str, **more: Any) -> SendRequest:
    now = datetime.now(UTC)
    return SendRequest(
        message_id=message_id,
        tenant=running_stack.TENANT,
        to=to,
        body="Your hearing is near.",
        kind="reminder",
        event_id="e1",
        event_at=now + timedelta(hours=3),
        event_title="hearing",
        requested_at=now,
        **more,
    )


@pytest.mark.timeout(180)
async def test_staff_hear_what_is_at_stake(
    fresh_cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--bootstrap", fresh_cluster, "--state", str(tmp_path)]

    async def run_json(*command: str) -> list[dict[str, Any]]:
        assert await asyncio.to_thread(run, [*command, *where, "--json"]) == 0
        shown: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
        return shown

    async with running_stack.start_stack(tmp_path, fresh_cluster, SCRIPT) as running:
        await running.opt_in([LANDLINE, STOPPED, WRONG])
        first = [reminder("m1", LANDLINE), reminder("m2", STOPPED), reminder("m3", WRONG)]
        await running.publisher.publish_all(SEND_REQUESTS, first)
        wanted = {"m1", "m2", "m3"}
        while {one["message_id"] for one in await run_json("alerts", "--unmask")} != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        landline = next(one for one in await run_json("number", LANDLINE) if one.get("landline"))
        wrong = next(one for one in await run_json("number", WRONG) if one.get("suppressed"))
        again = [reminder("m4", LANDLINE), reminder("m5", STOPPED), reminder("m6", WRONG)]
        await running.publisher.publish_all(SEND_REQUESTS, again)
        while len(alerts := await run_json("alerts", "--unmask")) < 6:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
    assert {one["urgency"] for one in alerts} == {"now"}
    assert all(
        one["says"].endswith((" did not arrive: call them", " was not sent: call them"))
        for one in alerts
    )
    assert {one["message_id"]: (one["state"], one.get("error_code")) for one in alerts} == {
        "m1": ("failed", "30006"),
        "m2": ("refused", "21610"),
        "m3": ("refused", "21211"),
        "m4": ("rejected", None),
        "m5": ("rejected", None),
        "m6": ("rejected", None),
    }
    assert (landline["landline"], landline["error_code"], landline["message_id"]) == (
        True,
        "30006",
        "m1",
    )
    assert (wrong["suppressed"], wrong["error_code"]) == (True, "21211")
    await _the_evidence_is_there(tmp_path, landline["evidence"]["origin"], capsys)


async def _the_evidence_is_there(
    state: Path, origin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bundle, made from what was left behind, has the receipt at the place that the number's
    fact names."""
    bundle = state / "case.json"
    assert (
        await asyncio.to_thread(
            run, ["escalate", "m1", "--state", str(state), "--out", str(bundle)]
        )
        == 0
    )
    [receipt] = [
        one for one in json.loads(bundle.read_text("utf-8"))["receipts"] if one["place"] == origin
    ]
    assert (receipt["status"], receipt["error_code"]) == ("failed", "30006")

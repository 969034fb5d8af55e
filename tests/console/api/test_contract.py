"""The API keeps what its OpenAPI document promises, whatever is sent (schemathesis)."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from schemas.topics import CASE_EVENTS, SEND_REQUESTS
from services.console.api.app import list_routes
from services.console.api.keys import HIGHEST_RATE, ApiKeys
from services.console.api.openapi import FILE, describe
from services.console.api.scopes import Scope
from tests.adapters.ledger_filler import fill_ledger
from tests.adapters.topics import records
from tests.console.api.serving import served
from tests.console.api.world import TENANT, World, list_records, world_on

EXAMPLES = int(os.environ.get("SAYSO_API_EXAMPLES", "6"))
"""Calls of each operation."""
QUIET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
NOT_PROMISED = {
    "positive_data_acceptance",  # a number may be nobody's, a case unknown
    "ensure_resource_availability",  # a person is on record a moment after they were told of
    "use_after_free",
    "ignored_auth",  # it takes our key for one that it made up; `test_walk` calls as nobody
    "max_response_time",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_on(tmp_path_factory.mktemp("world")) as found:
        yield found


@pytest.fixture(scope="module")
def document(world: World) -> Any:
    schema = schemathesis.openapi.from_url(f"{world.url}/v1/openapi.json")
    schema.config.headers = {"Authorization": f"Bearer {world.key}"}
    return schema


def leave_out(case: Any) -> list[Any]:
    """An opt-out counts as far as it can be read, so that wrong data is taken."""
    names = set(NOT_PROMISED)
    if case.operation.path.endswith("/consents"):
        names.add("negative_data_rejection")
    return [check for check in CHECKS.get_all() if check.__name__ in names]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("route", list_routes(), ids=lambda route: route.name)
def test_every_operation_keeps_its_promises(
    document: Any, route: APIRoute, mode: GenerationMode
) -> None:
    (method,) = route.methods
    operation = document[route.path_format][method]
    if mode is GenerationMode.NEGATIVE and route.name in ("get_senders", "list_endpoints"):
        pytest.skip("there is nothing to get wrong")

    @QUIET
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        case.call_and_validate(excluded_checks=leave_out(case))

    check()


def test_what_one_call_makes_others_find(world: World, document: Any) -> None:
    """By the links of the document: send and look, open a case, launch and close it."""
    machine = document.as_state_machine()

    class Workflow(machine):  # type: ignore[misc, valid-type]
        def validate_response(self, response: Any, case: Any, **options: Any) -> None:
            case.validate_response(response, excluded_checks=leave_out(case))

    Workflow.run(settings=settings(QUIET, stateful_step_count=6))


def test_the_document_in_the_repository_is_the_served_one() -> None:
    """`python -m services.console.api.openapi` writes it anew."""
    assert Path(FILE).read_bytes() == describe(list_routes())


@pytest.mark.broker
async def test_the_same_holds_with_kafka(fresh_cluster: str, tmp_path: Path) -> None:
    """A short run: what is answered with 202 is on its topic."""
    fill_ledger(tmp_path, *list_records())
    made = ApiKeys(tmp_path).add(
        TENANT, "test", datetime.now(UTC), scopes=tuple(Scope), rate=HIGHEST_RATE
    )
    async with served(fresh_cluster, tmp_path) as url:
        taken = await asyncio.to_thread(_call_some, url, made.written)
    assert taken
    found = {
        topic.name: await records(fresh_cluster, topic) for topic in (SEND_REQUESTS, CASE_EVENTS)
    }
    kept = {json.loads(one.value).get("message_id") for one in found[SEND_REQUESTS.name]}
    kept |= {json.loads(one.value).get("change_id") for one in found[CASE_EVENTS.name]}
    assert taken <= kept


def _call_some(url: str, key: str) -> set[str]:
    """The ids of what was taken."""
    schema = schemathesis.openapi.from_url(f"{url}/v1/openapi.json")
    schema.config.headers = {"Authorization": f"Bearer {key}"}
    taken = set[str]()
    for path, method in (("/v1/send-requests", "POST"), ("/v1/cases", "POST")):
        operation = schema[path][method]

        @QUIET
        @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        def check(case: Any) -> None:
            answer = case.call()
            case.validate_response(answer, excluded_checks=leave_out(case))
            if answer.status_code == 202:
                told = answer.json()
                taken.add(told.get("message_id") or told["change_id"])

        check()
    return taken

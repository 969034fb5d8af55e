"""The OpenAPI document of the API: served, and kept in the repository.

`python -m services.console.api.openapi` writes it anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from services.console.api import problems
from services.console.api.calls import find_need
from services.console.api.consent_claims import ConsentClaim
from services.console.api.problems import ProblemDetails, ProblemType
from services.event_webhooks.event_types import describe_openapi

FILE: Final = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"
VERSION: Final = "1"
ABOUT: Final = (
    "Texts on the recipient's say-so. `docs/guides/api.md` explains it. Every call needs a key"
    " (`sayso keys add`), which is for one tenant and has scopes."
)
EVERYWHERE: Final = (
    problems.UNAUTHORIZED,
    problems.SCOPE,
    problems.NOT_FOUND,
    problems.RATE,
    problems.INTERNAL,
    problems.UNAVAILABLE,
)
WITH_BODY: Final = (
    problems.MALFORMED,
    problems.TOO_SLOW,
    problems.UNDER_WAY,
    problems.TOO_LARGE,
    problems.MEDIA,
)
LINKS: Final = {
    "send_text": (("get_message", "message_id"), ("cancel_message", "message_id")),
    "reply": (("get_message", "message_id"),),
    "put_person": (("get_person", "person_id"),),
    "open_case": (
        ("get_case", "case_id"),
        ("launch_case", "case_id"),
        ("put_event", "case_id"),
        ("close_case", "case_id"),
    ),
}
"""By operation: where to read, or what to do next, with a value of the answer."""
_SCHEMAS: Final = "#/components/schemas/"
_METHODS: Final = ("get", "put", "post", "delete")


def describe(routes: Sequence[APIRoute]) -> bytes:
    """As JSON, in one form."""
    return (json.dumps(build(routes), indent=1, ensure_ascii=False) + "\n").encode()


def build(routes: Sequence[APIRoute]) -> dict[str, Any]:
    document = get_openapi(
        title="Sayso", version=VERSION, description=ABOUT, routes=routes, openapi_version="3.1.0"
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for model in (ProblemDetails, ConsentClaim):
        _add_schema(schemas, model)
    events = describe_openapi()
    document["webhooks"] = events["webhooks"]
    schemas |= events["components"]["schemas"]
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    components["schemas"] = dict(sorted(schemas.items()))
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            _finish(operation, route)
    return document


def _add_schema(schemas: dict[str, Any], model: Any) -> None:
    found = model.model_json_schema(ref_template=_SCHEMAS + "{model}")
    for name, schema in found.pop("$defs", {}).items():
        schemas.setdefault(name, schema)
    schemas[model.__name__] = found


def _finish(operation: dict[str, Any], route: APIRoute) -> None:
    operation["operationId"] = route.name
    need = find_need(route)
    assert need is not None
    operation["security"] = [{"key": [need.scope.value]}]
    answers = operation["responses"]
    answers.pop("422", None)
    kinds = [*EVERYWHERE, problems.INVALID]
    if route.methods != {"GET"}:
        kinds += WITH_BODY
    for kind in kinds:
        _add_problem(answers, kind)
    operation["responses"] = dict(sorted(answers.items()))
    for target, name in LINKS.get(route.name, ()):
        link = {"operationId": target, "parameters": {name: f"$response.body#/{name}"}}
        answers["202"].setdefault("links", {})[target] = link


def _add_problem(answers: dict[str, Any], kind: ProblemType) -> None:
    answers[str(kind.status)] = {
        "description": kind.title,
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": f"{_SCHEMAS}ProblemDetails"}}},
    }


def main() -> int:
    from services.console.api.app import list_routes  # noqa: PLC0415 - it imports this module

    FILE.write_bytes(describe(list_routes()))
    print(f"wrote {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

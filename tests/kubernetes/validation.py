"""`python -m tests.kubernetes.validation`, of `make check` and `make kube`: render every overlay,
and hold each manifest against the schemas of the oldest and the newest Kubernetes. Offline, strict:
a field that Kubernetes does not know is an error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
from kubernetes_validate import utils as schema_files
from pydantic import ValidationError

from services.deploy.__main__ import FOLDER, render_files
from tests.kubernetes.kustomize import render
from tests.kubernetes.resources import MODELS, ScaledObject

# It would read its two megabytes of definitions anew for every manifest.
schema_files.schema_contents = cache(schema_files.schema_contents)

OLDEST: Final = "1.25"
NEWEST: Final = "1.37"
OVERLAYS: Final = sorted(path.name for path in (FOLDER / "overlays").iterdir())


def find_faults(manifests: Iterable[dict[str, Any]]) -> Iterator[str]:
    for manifest in manifests:
        name = f"{manifest['kind']} {manifest['metadata']['name']}"
        yield from (f"{name}: {fault}" for fault in _find_faults(json.dumps(manifest)))


@cache
def _find_faults(written: str) -> list[str]:
    """Of one manifest, which several overlays may have."""
    manifest = json.loads(written)
    model = MODELS.get(manifest["kind"])
    if model is None:
        return _ask_kubernetes(manifest)
    try:
        model.model_validate(manifest)
    except ValidationError as error:
        return [f"{one['loc']}: {one['msg']}" for one in error.errors()]
    return _ask_kubernetes(_autoscaler(manifest)) if model is ScaledObject else []


def _ask_kubernetes(manifest: dict[str, Any]) -> list[str]:
    faults = []
    for version in (OLDEST, NEWEST):
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except (
            kubernetes_validate.ValidationError,
            kubernetes_validate.SchemaNotFoundError,
        ) as error:
            faults.append(f"Kubernetes {version}: {getattr(error, 'message', error)}")
    return faults


def _autoscaler(scaled: dict[str, Any]) -> dict[str, Any]:
    """What KEDA makes of it, as far as Kubernetes is asked to know its fields."""
    spec = scaled["spec"]
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": scaled["metadata"]["name"]},
        "spec": {
            "scaleTargetRef": spec["scaleTargetRef"],
            "maxReplicas": spec["maxReplicaCount"],
            "behavior": spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"],
        },
    }


def find_stale(folder: Path = FOLDER) -> list[str]:
    """Generated files that are not what our declarations say."""
    return [
        path
        for path, text in render_files().items()
        if not (folder / path).exists() or (folder / path).read_text("utf-8") != text
    ]


def main() -> int:
    began = time.monotonic()
    faults = [f"{path} is stale: run `python -m services.deploy`" for path in find_stale()]
    count = 0
    for overlay in OVERLAYS:
        manifests = render(FOLDER / "overlays" / overlay)
        count += len(manifests)
        faults += [f"{overlay}: {fault}" for fault in find_faults(manifests)]
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults and "--quiet" not in sys.argv:
        seconds = time.monotonic() - began
        print(
            f"{count} manifests of {', '.join(OVERLAYS)} fit Kubernetes {OLDEST} and {NEWEST}"
            f" ({seconds:.1f} s)"
        )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

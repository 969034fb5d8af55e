"""What `kubectl kustomize` makes of a folder, without kubectl: as much of it as our folders use.

Whatever else a kustomization may hold is refused, not ignored. Where there is a kubectl, a test
holds both results equal.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

Manifest = dict[str, Any]

KNOWN: Final = {
    "apiVersion", "kind", "resources", "components", "namespace", "images", "replicas", "patches",
}  # fmt: skip
MERGE_KEYS: Final = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
}
"""Lists whose elements a patch changes by name.  Others it replaces."""
SCALED: Final = {"StatefulSet", "Deployment"}
_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unknown(Exception):
    """Something that this renderer does not do."""


def load(path: Path) -> list[Manifest]:
    return [one for one in yaml.load_all(path.read_text("utf-8"), _Loader) if one]


def render(folder: Path) -> list[Manifest]:
    """Raises Unknown."""
    return _build(folder, [])


def _build(folder: Path, given: list[Manifest]) -> list[Manifest]:
    [kustomization] = load(folder / "kustomization.yaml")
    if strange := set(kustomization) - KNOWN:
        raise Unknown(f"{folder}: {', '.join(sorted(strange))}")
    manifests = [*given, *_resources(folder, kustomization)]
    for component in kustomization.get("components", []):
        manifests = _build(folder / component, manifests)
    for patch in kustomization.get("patches", []):
        _patch(folder, patch, manifests)
    if namespace := kustomization.get("namespace"):
        for manifest in manifests:
            manifest["metadata"]["namespace"] = namespace
    for image in kustomization.get("images", []):
        for container in _containers(manifests):
            _rename(container, image)
    for scale in kustomization.get("replicas", []):
        for manifest in _named(manifests, scale["name"], SCALED):
            manifest["spec"]["replicas"] = scale["count"]
    return manifests


def _resources(folder: Path, kustomization: Manifest) -> Iterator[Manifest]:
    for name in kustomization.get("resources", []):
        path = folder / name
        yield from _build(path, []) if path.is_dir() else load(path)


def _named(manifests: list[Manifest], name: str | None, kinds: set[str]) -> list[Manifest]:
    found = [
        one
        for one in manifests
        if one["kind"] in kinds and (name is None or one["metadata"]["name"] == name)
    ]
    if not found:
        raise Unknown(f"there is nothing of the name {name}")
    return found


def _patch(folder: Path, patch: Manifest, manifests: list[Manifest]) -> None:
    if strange := set(patch) - {"path", "patch", "target"}:
        raise Unknown(f"a patch with {', '.join(sorted(strange))}")
    written = (folder / patch["path"]).read_text("utf-8") if "path" in patch else patch["patch"]
    for change in yaml.load_all(written, _Loader):
        if isinstance(change, list):
            target = patch["target"]
            if set(target) != {"kind"}:
                raise Unknown(f"a target {target}")
            for manifest in _named(manifests, None, {target["kind"]}):
                _apply_operations(manifest, change)
        else:
            for manifest in _named(manifests, change["metadata"]["name"], {change["kind"]}):
                merged = _merge(manifest, change)
                manifest.clear()
                manifest.update(merged)


def _apply_operations(manifest: Manifest, operations: list[Manifest]) -> None:
    for operation in operations:
        if operation["op"] != "replace":
            raise Unknown(f"the operation {operation['op']}")
        *way, last = operation["path"].strip("/").split("/")
        at = manifest
        for step in way:
            at = at[step]
        if last not in at:
            raise Unknown(f"nothing to replace at {operation['path']}")
        at[last] = operation["value"]


def _merge(old: Any, new: Any, field: str = "") -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        if "$patch" in new:
            raise Unknown("a $patch")
        merged = dict(old)
        for name, value in new.items():
            merged[name] = _merge(old[name], value, name) if name in old else copy.deepcopy(value)
        return merged
    if isinstance(old, list) and isinstance(new, list) and (key := MERGE_KEYS.get(field)):
        by_name = {one[key]: one for one in old}
        changed = {one[key]: _merge(by_name.get(one[key], {}), one) for one in new}
        return list({**by_name, **changed}.values())
    return copy.deepcopy(new)


def _containers(manifests: list[Manifest]) -> Iterator[Manifest]:
    for manifest in manifests:
        if manifest["kind"] in SCALED:
            yield from manifest["spec"]["template"]["spec"]["containers"]


def _rename(container: Manifest, image: Manifest) -> None:
    name, _, tag = container["image"].partition(":")
    if name == image["name"]:
        container["image"] = f"{image.get('newName', name)}:{image.get('newTag', tag)}"

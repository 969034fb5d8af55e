"""`python -m services.deploy`: write what is generated of the Kubernetes manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from services.deploy import network, scaling, strimzi, workloads
from services.deploy.pods import Manifest

FOLDER: Final = Path(__file__).parent
HEAD: Final = "# Generated from our declarations by `python -m services.deploy`: do not edit.\n"


def render_files() -> dict[str, str]:
    """By path under this folder, what is generated."""
    manifests = {
        "base/workers.yaml": workloads.build_workers(),
        "base/edges.yaml": workloads.build_edges(),
        "base/disruption-budgets.yaml": workloads.build_disruption_budgets(),
        "base/network.yaml": network.build_policies(),
        "base/topics.yaml": strimzi.build_topics(),
        "base/users.yaml": strimzi.build_users(),
        "components/scaling/scaling.yaml": scaling.build_scaling(),
        "components/event-webhooks/container.yaml": [workloads.build_event_webhooks_patch()],
        "components/event-webhooks/network.yaml": [network.build_event_webhooks_policy()],
    }
    return {path: HEAD + _dump(parts) for path, parts in manifests.items()}


_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Plain(_Dumper):  # type: ignore[misc]  # which of the two it is only shows when it runs
    """Writes a list that is used twice out twice: manifests have no anchors."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _dump(manifests: list[Manifest]) -> str:
    return "---\n".join(
        yaml.dump(one, Dumper=_Plain, sort_keys=False, width=100) for one in manifests
    )


def main() -> None:
    for path, text in render_files().items():
        (FOLDER / path).write_text(text, "utf-8")


if __name__ == "__main__":
    main()

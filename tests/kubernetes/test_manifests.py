"""What Kubernetes and Strimzi are told is what we declare, and safe by default."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.topics import EVERY_TOPIC, PROCESSOR_NAMES
from services.deploy import strimzi
from services.deploy.__main__ import FOLDER
from services.deploy.pods import LIVENESS_FAILURES, LIVENESS_PERIOD
from services.deploy.scaling import drain_seconds
from services.deploy.workloads import DISPATCH_GRACE
from services.kafka.acls import Acl, Kind, Operation, Pattern, compute_acls
from services.observability.metrics import METRICS
from services.settings import SECRETS, VARIABLES, ServiceSettings
from tests.kubernetes import kustomize
from tests.kubernetes.validation import OVERLAYS, find_faults, find_stale

WATCHDOG = 60.0 + 5.0
"""Seconds after which a worker's watchdog ends it: its patience, and how often it looks."""
VERSION = re.search(
    r'^version = "(.+)"', (FOLDER.parents[1] / "pyproject.toml").read_text(), re.MULTILINE
)


@cache
def rendered(overlay: str) -> list[dict[str, Any]]:
    return kustomize.render(FOLDER / "overlays" / overlay)


def of_kind(overlay: str, *kinds: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in rendered(overlay) if one["kind"] in kinds}


def pods(overlay: str) -> dict[str, dict[str, Any]]:
    return {
        name: one["spec"]["template"]["spec"]
        for name, one in of_kind(overlay, "StatefulSet", "Deployment").items()
    }


def containers(overlay: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for pod in pods(overlay).values():
        yield from ((one["name"], one) for one in pod["containers"])


def test_the_generated_files_are_what_our_declarations_say() -> None:
    assert find_stale() == []


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl on this machine")
@pytest.mark.parametrize("overlay", ["sandbox", "live-scaling"])
def test_kubectl_renders_the_same(overlay: str) -> None:
    done = subprocess.run(
        ["kubectl", "kustomize", FOLDER / "overlays" / overlay],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    theirs = list(yaml.load_all(done.stdout, loader))
    assert sorted(map(canonical, theirs)) == sorted(map(canonical, rendered(overlay)))


def canonical(manifest: dict[str, Any]) -> str:
    """Without the order of what is merged by name, which means nothing."""
    one = copy.deepcopy(manifest)
    if one["kind"] in {"StatefulSet", "Deployment"}:
        pod = one["spec"]["template"]["spec"]
        for parts in (pod["containers"], pod["volumes"]):
            parts.sort(key=lambda part: str(part["name"]))
    return json.dumps(one, sort_keys=True)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        pytest.param(
            "StatefulSet", lambda one: one["spec"].update(replica=1), id="a misspelt field"
        ),
        pytest.param("StatefulSet", lambda one: one["spec"].pop("selector"), id="a missing field"),
        pytest.param("KafkaTopic", lambda one: one["spec"].update(partition=1), id="of Strimzi"),
        pytest.param("KafkaUser", lambda one: one["spec"].pop("authorization"), id="no rights"),
        pytest.param("NetworkPolicy", lambda one: one["spec"].update(egres=[]), id="of a policy"),
        pytest.param(
            "ScaledObject",
            lambda one: one["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"].update(
                scaleUp={"policies": [{"type": "Pods"}]}
            ),
            id="inside of what an operator passes on",
        ),
    ],
)
def test_the_validation_finds_what_is_wrong(kind: str, change: Any) -> None:
    one = copy.deepcopy(next(iter(of_kind("live-scaling", kind).values())))
    assert list(find_faults([one])) == []
    change(one)
    assert list(find_faults([one])) != []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_topics_and_rights_are_the_declared_ones(overlay: str) -> None:
    replication = 1 if overlay == "sandbox" else 3
    topics = {
        name: (one["spec"]["partitions"], one["spec"]["replicas"], one["spec"]["config"])
        for name, one in of_kind(overlay, "KafkaTopic").items()
    }
    assert topics == {
        topic.name: (topic.partitions(12), replication, topic.config(replication=replication))
        for topic in EVERY_TOPIC
    }
    assert Counter(read_acls(of_kind(overlay, "KafkaUser").values())) == Counter(compute_acls())


def read_acls(users: Any) -> Iterator[Acl]:
    """As Strimzi's user operator does: a rule is one right for each of its operations."""
    kinds = {"topic": Kind.TOPIC, "group": Kind.GROUP, "transactionalId": Kind.TRANSACTIONAL_ID}
    patterns = {"literal": Pattern.LITERAL, "prefix": Pattern.PREFIXED}
    for user in users:
        for rule in user["spec"]["authorization"]["acls"]:
            of = rule["resource"]
            for operation in rule["operations"]:
                yield Acl(
                    user["metadata"]["name"],
                    kinds[of["type"]],
                    of["name"],
                    Operation[re.sub(r"(?<!^)(?=[A-Z])", "_", operation).upper()],
                    patterns[of["patternType"]],
                )


@settings(max_examples=30)
@given(
    st.lists(
        st.builds(
            Acl,
            st.sampled_from(["sayso-a", "sayso-b"]),
            st.sampled_from(Kind),
            st.sampled_from(["x", "y", "z"]),
            st.sampled_from(Operation),
            st.sampled_from(Pattern),
        ),
        unique=True,
    )
)
def test_any_rights_are_rendered_whole(acls: list[Acl]) -> None:
    assert sorted(read_acls(strimzi.build_users(acls))) == sorted(acls)


@settings(max_examples=30)
@given(st.integers(1, 1000), st.integers(1, 5), st.sets(st.sampled_from(range(len(EVERY_TOPIC)))))
def test_any_topics_are_rendered_whole(partitions: int, replication: int, chosen: set[int]) -> None:
    topics = [EVERY_TOPIC[index] for index in sorted(chosen)]
    made = strimzi.build_topics(topics, partitions=partitions, replication=replication)
    assert [one["metadata"]["name"] for one in made] == [topic.name for topic in topics]
    for one, topic in zip(made, topics, strict=True):
        assert one["spec"]["partitions"] == topic.partitions(partitions)
        assert one["spec"]["config"] == topic.config(replication=replication)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_container_has_a_privilege(overlay: str) -> None:
    for pod in pods(overlay).values():
        may = pod["securityContext"]
        assert (may["runAsNonRoot"], may["runAsUser"]) == (True, 10001)
        assert may["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False, "it would set SAYSO_..._PORT to an address"
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert all(set(one) <= {"name", "emptyDir", "secret"} for one in pod["volumes"])
    for name, one in containers(overlay):
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        for bound in ("requests", "limits"):
            assert set(one["resources"][bound]) == {"cpu", "memory"}, name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_image_is_of_this_version(overlay: str) -> None:
    assert VERSION is not None
    assert {one["image"].rpartition(":")[2] for _, one in containers(overlay)} == {VERSION[1]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_secrets_are_files_and_settings_are_known(overlay: str) -> None:
    [shared] = of_kind(overlay, "ConfigMap").values()
    for name, one in containers(overlay):
        given = {each["name"]: each.get("value", "") for each in one["env"]} | shared["data"]
        assert not set(given) & set(SECRETS), f"{name} has a secret in its environment"
        known = {*VARIABLES.values(), *SECRETS.values(), "POD_NAME"}
        assert set(given) <= known, name
        mounted = [mount["mountPath"] for mount in one["volumeMounts"]]
        for variable in set(given) & set(SECRETS.values()):
            folder = given[variable].rpartition("/")[0]
            assert folder in mounted, f"{name}: {variable}"
    plain = {
        field: shared["data"][name] for field, name in VARIABLES.items() if name in shared["data"]
    }
    ServiceSettings.model_validate(plain)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_container_logs_in_as_itself(overlay: str) -> None:
    users = of_kind(overlay, "KafkaUser")
    for name, one in containers(overlay):
        given = {each["name"]: each.get("value") for each in one["env"]}
        if "SAYSO_KAFKA_USER" in given:
            assert given["SAYSO_KAFKA_USER"] == f"sayso-{name}"
            assert f"sayso-{name}" in users


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_providers_token_is_where_it_is_used(overlay: str) -> None:
    have = {
        name
        for name, one in containers(overlay)
        if any(mount["name"] == "sayso-provider" for mount in one["volumeMounts"])
    }
    assert have - {"simulator"} == {"dispatch", "webhook"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_dispatch_reaches_the_provider(overlay: str) -> None:
    """Who may go to the port of HTTPS outside. Event webhooks go to tenants' own endpoints: whoever
    takes that component opens the console's pod, which has no token of the provider."""
    policies = of_kind(overlay, "NetworkPolicy")
    outside: dict[str, set[int]] = {}
    for policy in policies.values():
        for rule in policy["spec"].get("egress", []):
            if any("ipBlock" in peer for peer in rule["to"]):
                [who] = policy["spec"]["podSelector"]["matchLabels"].values()
                outside.setdefault(who, set()).update(port["port"] for port in rule["ports"])
    expected: dict[str, dict[str, set[int]]] = {
        "sandbox": {},
        "live": {"dispatch": {443}, "notify": {465, 587}},
        "live-scaling": {"dispatch": {443}, "notify": {465, 587}, "console": {443}},
    }
    assert outside == expected[overlay]
    closed = policies["nothing-else"]["spec"]
    assert closed["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(closed)
    assert all(
        one["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/part-of"] == "sayso"
        for one in of_kind(overlay, "StatefulSet", "Deployment").values()
    ), "a pod without that label would be under no policy"


def test_the_provider_is_never_inside_of_our_networks() -> None:
    for rule in of_kind("live", "NetworkPolicy")["dispatch-to-provider"]["spec"]["egress"]:
        for peer in rule["to"]:
            assert {"10.0.0.0/8", "169.254.0.0/16"} <= set(peer["ipBlock"]["except"]) or peer[
                "ipBlock"
            ]["cidr"] == "::/0"


def test_no_probe_ends_a_worker_before_its_watchdog() -> None:
    """The watchdog knows whether Kafka answers, and says what stands still. A start may take as
    long as Kafka is away."""
    for name, pod in pods("live").items():
        for one in pod["containers"]:
            if one["name"] == "ledger":
                assert not any(key.endswith("Probe") for key in one), (
                    "it has no port to be asked at"
                )
                continue
            live = one["livenessProbe"]
            assert live["httpGet"]["path"] == "/live", name
            assert live["periodSeconds"] * live["failureThreshold"] > WATCHDOG
            start = one["startupProbe"]
            assert start["periodSeconds"] * start["failureThreshold"] >= 86400
            assert one["readinessProbe"]["httpGet"]["path"] in {"/ready", "/live"}
    assert LIVENESS_PERIOD * LIVENESS_FAILURES == 120


def test_workers_keep_their_partitions_over_a_restart() -> None:
    sets = of_kind("live", "StatefulSet")
    for name in PROCESSOR_NAMES:
        spec = sets[name]["spec"]
        [one] = spec["template"]["spec"]["containers"]
        assert one["args"] == [name, "--instance", "$(POD_NAME)"]
        assert one["env"][0]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
        assert spec["podManagementPolicy"] == "Parallel"
        assert spec["replicas"] <= strimzi.PARTITIONS


def test_dispatch_may_finish_its_calls() -> None:
    grace = pods("live")["dispatch"]["terminationGracePeriodSeconds"]
    assert grace == DISPATCH_GRACE >= 20 + ServiceSettings().provider_timeout


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nodes_are_emptied_one_pod_at_a_time(overlay: str) -> None:
    budgets = of_kind(overlay, "PodDisruptionBudget")
    assert set(budgets) == set(pods(overlay)) - {"simulator", "mail-catcher"}
    for name, budget in budgets.items():
        assert budget["spec"]["maxUnavailable"] == 1
        workload = of_kind(overlay, "StatefulSet", "Deployment")[name]
        assert budget["spec"]["selector"] == workload["spec"]["selector"]


def test_scaling_asks_for_our_own_metrics() -> None:
    scaled = of_kind("live-scaling", "ScaledObject")
    assert set(scaled) == set(PROCESSOR_NAMES)
    known = {metric.name for metric in METRICS}
    for name, one in scaled.items():
        [trigger] = one["spec"]["triggers"]
        assert trigger["type"] == "prometheus", (
            "KEDA's Kafka scaler knows offsets that we do not use"
        )
        assert set(re.findall(r"\b(?:sayso|kafka)_\w+", trigger["metadata"]["query"])) <= known
        assert trigger["metadata"]["query"] == drain_seconds(name)
        assert one["spec"]["maxReplicaCount"] <= strimzi.PARTITIONS


def test_a_kustomization_that_says_more_is_refused(tmp_path: Any) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: []\nnamePrefix: x-\n")
    with pytest.raises(kustomize.Unknown, match="namePrefix"):
        kustomize.render(tmp_path)

import pytest

from rollouts.sandbox import podspec
from rollouts.sandbox.podspec import Identity, Task


def pod(*containers: dict, metadata: dict | None = None, **spec: object) -> dict:
    filled = [{"name": f"c{place}", "image": "web:v1", **one} for place, one in enumerate(containers or ({},))]
    return {"metadata": {"name": "p", "namespace": "n", **(metadata or {})}, "spec": {"containers": filled, **spec}}


def test_identity_prefers_the_rollouts_own_hash():
    labels = {"pod-template-hash": "theirs", "rollouts-pod-template-hash": "ours"}
    assert podspec.identity_of(pod(metadata={"labels": labels})) == Identity("v1", "p", "ours", "n")


def test_ports_are_those_of_all_containers_once_each():
    ports = [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}]
    assert podspec.ports_of(pod({"ports": ports}, {"ports": [{"containerPort": 80}, {"containerPort": 81}]})) == [
        80,
        81,
    ]


def test_a_container_without_ports_listens_on_8080():
    assert podspec.ports_of(pod()) == [8080]


def test_a_probe_may_name_its_port():
    container = {"ports": [{"name": "http", "containerPort": 8000}]}
    assert [podspec.port_number(container, port) for port in ("http", 9000, "9001")] == [8000, 9000, 9001]


@pytest.mark.parametrize(
    ("container", "task"),
    [
        ({"command": ["sh", "-c"], "args": ["sleep 1 && exit 0"]}, Task(1.0, 0)),
        ({"command": ["sh", "-c", "sleep 0.5 && exit 3"]}, Task(0.5, 3)),
        ({"args": ["exit 1"]}, Task(0.0, 1)),
        ({}, Task(0.0, 0)),
    ],
)
def test_a_task_is_read_from_command_and_args(container, task):
    assert podspec.task_of(pod(container)) == task


@pytest.mark.parametrize(
    ("hook", "annotations", "grace", "seconds"),
    [
        (None, {}, 30, 1.0),
        ({"sleep": {"seconds": 5}}, {}, 30, 6.0),
        ({"exec": {"command": ["sh", "-c", "sleep 4"]}}, {}, 30, 5.0),
        ({"sleep": {"seconds": 5}}, {}, 2, 2.0),
        (None, {"sandbox.rollouts/drain": "10s"}, 30, 10.0),
    ],
)
def test_a_deleted_pod_serves_on_within_its_grace(hook, annotations, grace, seconds):
    lifecycle = {"lifecycle": {"preStop": hook}} if hook else {}
    metadata = {"deletionGracePeriodSeconds": grace, "annotations": annotations}
    assert podspec.stop_seconds(pod(lifecycle, metadata=metadata)) == seconds


@pytest.mark.parametrize(("status", "is_open"), [("True", True), ("False", False)])
def test_gates_are_open_when_all_their_conditions_are_true(status, is_open):
    gated = pod(readinessGates=[{"conditionType": "a"}, {"conditionType": "b"}])
    gated["status"] = {"conditions": [{"type": "a", "status": "True"}, {"type": "b", "status": status}]}
    assert podspec.gates_open(gated) is is_open


def test_gates_are_closed_before_anybody_spoke():
    assert not podspec.gates_open(pod(readinessGates=[{"conditionType": "a"}]))


def test_discovery_labels_are_in_prometheus_spelling():
    labels = {"rollouts-pod-template-hash": "h", "statefulset.kubernetes.io/pod-name": "p"}
    expected = {
        "rollouts_pod_template_hash": "h",
        "statefulset_kubernetes_io_pod_name": "p",
        "namespace": "n",
        "pod": "p",
    }
    assert podspec.discovery_labels(pod(metadata={"labels": labels})) == expected

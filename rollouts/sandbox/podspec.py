"""What the player reads from a pod. Pure."""

import re
from typing import Any, Final, NamedTuple

from rollouts.sandbox.behaviour import DRAIN, READY_AFTER, Pod, annotation, seconds_in, version_of

_HASH_LABELS: Final = ("rollouts-pod-template-hash", "pod-template-hash", "controller-revision-hash")
_SLEEP: Final = re.compile(r"\bsleep\s+(\d+(?:\.\d+)?(?:ms|s|m|h)?)")
_EXIT: Final = re.compile(r"\bexit\s+(\d+)")
_DEFAULT_PORT: Final = 8080
_DEFAULT_DRAIN: Final = 1.0


class Task(NamedTuple):
    """What a container that ends by itself does: run *seconds*, then exit with *code*."""

    seconds: float
    code: int


class Identity(NamedTuple):
    """What the application says about itself."""

    version: str
    pod: str
    hash: str
    namespace: str


def key_of(pod: Pod) -> str:
    """The pod's name for logs and tasks."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def path_of_pod(pod: Pod, subresource: str = "") -> str:
    """Where the API server keeps it."""
    metadata = pod["metadata"]
    tail = f"/{subresource}" if subresource else ""
    return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}{tail}"


def identity_of(pod: Pod) -> Identity:
    """Version from the first container's image, hash from the first label that carries one."""
    metadata = pod["metadata"]
    labels = metadata.get("labels") or {}
    found = next((labels[name] for name in _HASH_LABELS if name in labels), "")
    return Identity(version_of(pod["spec"]["containers"][0]["image"]), metadata["name"], found, metadata["namespace"])


def ports_of(pod: Pod) -> list[int]:
    """Every TCP port of its containers, in order and once each; 8080 when they name none."""
    ports = [
        port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or ()
        if port.get("protocol", "TCP") == "TCP"
    ]
    return list(dict.fromkeys(ports)) or [_DEFAULT_PORT]


def port_number(container: dict[str, Any], port: int | str) -> int:
    """A probe's port, which may be the name of one of the container's."""
    named = {one.get("name"): one["containerPort"] for one in container.get("ports") or ()}
    return int(named.get(port, port))


def ends_by_itself(pod: Pod) -> bool:
    """Whether the pod is a task rather than a server."""
    return str(pod["spec"].get("restartPolicy", "Always")) != "Always"


def task_of(pod: Pod) -> Task:
    """From `sleep D` and `exit N` in the first container's command and args; nothing said means at once and 0."""
    container = pod["spec"]["containers"][0]
    text = " ".join([*(container.get("command") or ()), *(container.get("args") or ())])
    asleep, code = _SLEEP.search(text), _EXIT.search(text)
    return Task(seconds_in(asleep[1], 0.0) if asleep else 0.0, int(code[1]) if code else 0)


def ready_after(pod: Pod, otherwise: float) -> float:
    """Seconds from creation to Ready: the annotation's, else *otherwise*."""
    return seconds_in(annotation(pod, READY_AFTER), otherwise)


def stop_seconds(pod: Pod) -> float:
    """How long a deleted pod still serves: its preStop sleep and its drain time, at most its grace period."""
    drain = seconds_in(annotation(pod, DRAIN), _DEFAULT_DRAIN)
    grace = float(pod["metadata"].get("deletionGracePeriodSeconds", 30))
    return min(grace, hook_seconds(pod, "preStop") + drain)


def hook_seconds(pod: Pod, hook: str) -> float:
    """The longest sleep that a lifecycle hook (preStop, postStart) of any container asks for."""
    return max(_hook_sleep((container.get("lifecycle") or {}).get(hook)) for container in pod["spec"]["containers"])


def _hook_sleep(hook: dict[str, Any] | None) -> float:
    if not hook:
        return 0.0
    if "sleep" in hook:
        return float(hook["sleep"]["seconds"])
    found = _SLEEP.search(" ".join((hook.get("exec") or {}).get("command") or ()))
    return seconds_in(found[1], 0.0) if found else 0.0


def gates_open(pod: Pod) -> bool:
    """Whether every readiness gate's condition has been set to True by whoever sets it."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    true = {condition["type"] for condition in conditions if condition["status"] == "True"}
    return all(gate["conditionType"] in true for gate in pod["spec"].get("readinessGates") or ())


def discovery_labels(pod: Pod) -> dict[str, str]:
    """The pod's labels in Prometheus's spelling, with its namespace and name."""
    labels = {re.sub(r"\W", "_", name): value for name, value in (pod["metadata"].get("labels") or {}).items()}
    return {**labels, "namespace": pod["metadata"]["namespace"], "pod": pod["metadata"]["name"]}

"""The status that the player writes for a pod. Pure: facts in, patch out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rollouts.sandbox.behaviour import Pod

NODE_ADDRESS = "10.244.255.254"
PULLED = "docker.io/"


@dataclass(frozen=True)
class Waiting:
    """Containers that do not run and will not by themselves."""

    reason: str
    message: str = ""


@dataclass(frozen=True)
class Started:
    """Containers that run since *at*."""

    at: datetime


@dataclass(frozen=True)
class Ended:
    """Containers that ran from *began* to *at*."""

    code: int
    began: datetime
    at: datetime


Condition = Waiting | Started | Ended


@dataclass(frozen=True)
class Facts:
    """Everything a pod's status says, the same for all its containers."""

    containers: Condition
    started: datetime
    address: str = ""
    restarts: int = 0
    ready: bool = False
    gates: bool = True
    last: Ended | None = None
    phase: str = ""


def status_of(pod: Pod, facts: Facts, changed: dict[str, datetime]) -> dict[str, Any]:
    """The patch of `status`; *changed* tells since when each condition is as it is."""
    status: dict[str, Any] = {
        "phase": facts.phase or phase_of(facts),
        "startTime": stamp(facts.started),
        "hostIP": NODE_ADDRESS,
        "hostIPs": [{"ip": NODE_ADDRESS}],
        "conditions": [
            {**condition, "lastTransitionTime": stamp(changed[condition["type"]])} for condition in conditions_of(facts)
        ],
        "containerStatuses": [_container(container, facts) for container in pod["spec"]["containers"]],
    }
    if pod["spec"].get("initContainers"):
        status["initContainerStatuses"] = [_finished(container, facts) for container in pod["spec"]["initContainers"]]
    if facts.address:
        status |= {"podIP": facts.address, "podIPs": [{"ip": facts.address}]}
    return status


def phase_of(facts: Facts) -> str:
    """Pending until a container has run once, then Running."""
    never_ran = isinstance(facts.containers, Waiting) and facts.last is None
    return "Pending" if never_ran else "Running"


def conditions_of(facts: Facts) -> list[dict[str, str]]:
    """The kubelet's four conditions, without times; PodScheduled is the binding's."""
    unready: dict[str, str] = {}
    if not facts.ready:
        unready = {"reason": "PodCompleted" if facts.phase == "Succeeded" else "ContainersNotReady"}
    gated = {"reason": "ReadinessGatesNotReady"} if facts.ready and not facts.gates else unready
    return [
        {"type": "PodReadyToStartContainers", "status": "True"},
        {"type": "Initialized", "status": "True"},
        {"type": "ContainersReady", "status": _word(facts.ready), **unready},
        {"type": "Ready", "status": _word(facts.ready and facts.gates), **gated},
    ]


def stamp(time: datetime) -> str:
    """The API server's spelling of a time."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _word(true: bool) -> str:
    return "True" if true else "False"


def _container(container: dict[str, Any], facts: Facts) -> dict[str, Any]:
    runs = isinstance(facts.containers, Started)
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "" if isinstance(facts.containers, Waiting) and not facts.last else PULLED + container["image"],
        "ready": facts.ready,
        "started": runs,
        "restartCount": facts.restarts,
        "state": _state(facts.containers),
        "lastState": _state(facts.last) if facts.last else {},
    }


def _state(containers: Condition) -> dict[str, Any]:
    match containers:
        case Waiting(reason, message):
            return {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        case Started(at):
            return {"running": {"startedAt": stamp(at)}}
        case Ended(code, began, at):
            reason = "Completed" if code == 0 else "Error"
            return {
                "terminated": {
                    "exitCode": code,
                    "reason": reason,
                    "startedAt": stamp(began),
                    "finishedAt": stamp(at),
                }
            }


def _finished(container: dict[str, Any], facts: Facts) -> dict[str, Any]:
    ended = Ended(0, facts.started, facts.started)
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": PULLED + container["image"],
        "ready": True,
        "started": False,
        "restartCount": 0,
        "state": _state(ended),
    }

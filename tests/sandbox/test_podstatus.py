from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rollouts.sandbox.podstatus import Ended, Facts, Started, Waiting, conditions_of, phase_of, status_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STAMP = "2026-01-01T00:00:00Z"
RUNNING = Facts(Started(NOW), NOW, "10.244.1.0")
SINCE = dict.fromkeys(("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready"), NOW)
POD = {"spec": {"containers": [{"name": "c", "image": "web:v1"}]}}


def words(facts: Facts) -> dict[str, str]:
    return {one["type"]: one["status"] for one in conditions_of(facts)}


@pytest.mark.parametrize(
    ("facts", "containers", "ready"),
    [
        (RUNNING, "False", "False"),
        (replace(RUNNING, ready=True), "True", "True"),
        (replace(RUNNING, ready=True, gates=False), "True", "False"),
    ],
)
def test_readiness_needs_containers_and_gates(facts, containers, ready):
    assert (words(facts)["ContainersReady"], words(facts)["Ready"]) == (containers, ready)


@pytest.mark.parametrize(
    ("facts", "phase"),
    [
        (Facts(Waiting("ImagePullBackOff"), NOW), "Pending"),
        (Facts(Waiting("CrashLoopBackOff"), NOW, last=Ended(1, NOW, NOW)), "Running"),
        (RUNNING, "Running"),
    ],
)
def test_a_pod_is_pending_until_a_container_ran(facts, phase):
    assert phase_of(facts) == phase


def test_a_running_pods_status():
    status = status_of(POD, replace(RUNNING, ready=True), SINCE)
    assert status["podIPs"] == [{"ip": "10.244.1.0"}]
    assert {one["lastTransitionTime"] for one in status["conditions"]} == {STAMP}
    assert status["containerStatuses"] == [
        {
            "name": "c",
            "image": "web:v1",
            "imageID": "docker.io/web:v1",
            "ready": True,
            "started": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": STAMP}},
            "lastState": {},
        }
    ]


def test_an_ended_pods_status_has_its_exit_code():
    status = status_of(POD, replace(RUNNING, containers=Ended(3, NOW, NOW), phase="Failed"), SINCE)
    ended = {"exitCode": 3, "reason": "Error", "startedAt": STAMP, "finishedAt": STAMP}
    assert status["phase"] == "Failed"
    assert status["containerStatuses"][0]["state"] == {"terminated": ended}


def test_init_containers_have_always_ended_well():
    status = status_of({"spec": {**POD["spec"], "initContainers": [{"name": "i", "image": "i:1"}]}}, RUNNING, SINCE)
    assert status["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0

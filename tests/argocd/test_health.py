"""What Argo CD shows of our objects: every stored state has a health, and it is the one that the release deserves."""

import itertools
import json

import pytest
import yaml

from rollouts.simulator.script import Script, played
from rollouts.wire import mergepatch
from tests.argocd.health import OBSERVING, Health, rollout_health, run_health
from tests.recordings.comparer import ARGO
from tests.scenarios.test_scenarios import SCENARIOS, TWINS

RECORDINGS = sorted(ARGO.glob("*.jsonl"))


def rollout(generation=2, observed="2", phase="Healthy", **more):
    status = {"observedGeneration": observed, "phase": phase, "message": "why"}
    return {"metadata": {"generation": generation}, "spec": {}, "status": status, **more}


@pytest.mark.parametrize(
    ("phase", "health"),
    [("Paused", "Suspended"), ("Progressing", "Progressing"), ("Degraded", "Degraded"), ("Healthy", "Healthy")],
)
def test_each_phase(phase, health):
    assert rollout_health(rollout(phase=phase)) == Health(health, "why")


@pytest.mark.parametrize(
    ("observed", "health"), [("2", "Healthy"), ("1", "Progressing"), ("3", "Healthy"), ("6c8b7f", "Healthy")]
)
def test_generations(observed, health):
    assert rollout_health(rollout(observed=observed)).status == health


@pytest.mark.parametrize(
    ("kind", "reason", "health"),
    [
        ("Progressing", "NewReplicaSetCreated", "Progressing"),
        ("Progressing", "RolloutAborted", "Degraded"),
        ("InvalidSpec", "InvalidSpec", "Degraded"),
    ],
)
def test_before_there_is_a_phase(kind, reason, health):
    first = rollout()
    first["status"] = {"conditions": [{"type": kind, "reason": reason, "message": "why"}]}
    assert rollout_health(first).status == health


@pytest.mark.parametrize("phase", ["Healthy", "Paused", None])
def test_a_warning_changes_no_health(phase):
    plain, warned = rollout(phase=phase), rollout(phase=phase)
    warned["status"]["conditions"] = [{"type": "SelectorOverlap", "reason": "SelectorOverlap", "message": "other"}]
    for found in (plain, warned) if phase is None else ():
        del found["status"]["phase"]
    assert rollout_health(warned) == rollout_health(plain)


def test_a_workload_that_moved_on():
    moved = rollout(spec={"workloadRef": {}})
    moved["metadata"]["annotations"] = {"rollout.argoproj.io/workload-generation": "4"}
    assert rollout_health(moved).message == f"{OBSERVING} for the reference workload"
    moved["status"]["workloadObservedGeneration"] = "4"
    assert rollout_health(moved).status == "Healthy"


@pytest.mark.parametrize(
    ("phase", "health"),
    [
        (None, "Progressing"),
        ("Pending", "Progressing"),
        ("Running", "Progressing"),
        ("Successful", "Healthy"),
        ("Failed", "Degraded"),
        ("Error", "Degraded"),
        ("Inconclusive", "Unknown"),
    ],
)
def test_each_phase_of_a_run(phase, health):
    assert run_health({"status": {"phase": phase}} if phase else {}).status == health


def recorded(path):
    """Every state of the Rollout `web` that Argo Rollouts wrote."""
    state = {}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        if (row.get("kind"), row.get("name")) != ("Rollout", "web") or row.get("deleted"):
            continue
        state = row["object"] if "object" in row else mergepatch.apply(state, row["patch"])
        yield state


def simulated(path):
    """Every state of the Rollout that ours wrote."""
    simulation = played(Script.model_validate(yaml.safe_load(path.read_text())))
    for _, ref, raw in simulation.world.objects.history:
        if ref.kind.name == "Rollout" and raw is not None:
            yield raw


def shown(states):
    """The healths one after the other but for Progressing, which lasts as many passes as a controller takes."""
    found = (health.status for health in map(rollout_health, states))
    return [status for status, _ in itertools.groupby(status for status in found if status != "Progressing")]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_the_rules_understand_what_argo_rollouts_wrote(path):
    for state in recorded(path):
        if (state.get("status") or {}).get("phase"):
            assert rollout_health(state).status in {"Suspended", "Progressing", "Degraded", "Healthy"}


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_state_of_ours_has_the_health_it_deserves(path):
    for state in simulated(path):
        health, status = rollout_health(state), state.get("status") or {}
        if health.status == "Healthy":
            assert status["stableRS"] == status["currentPodHash"]
            assert status.get("updatedReplicas", 0) >= state["spec"].get("replicas", 0)
            assert not status.get("abort")
        if health.status == "Suspended":
            # The last of the three is what a person who resumes leaves behind, until that is seen.
            assert state["spec"].get("paused") or status.get("pauseConditions") or status["controllerPause"]
        if health.status == "Degraded":
            assert health.message


@pytest.mark.parametrize("path", TWINS, ids=lambda path: path.stem)
def test_the_same_healths_as_with_argo_rollouts(path):
    scenario = yaml.safe_load(path.read_text())
    theirs = [
        state for state in recorded(ARGO / f"{scenario['recording']}.jsonl") if (state.get("status") or {}).get("phase")
    ]
    ours = [state for state in simulated(path) if (state.get("status") or {}).get("phase")]
    assert shown(ours) == shown(theirs)

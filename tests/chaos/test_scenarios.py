"""The scenarios themselves: enough of them, each of what it says."""

import pytest

from tests.chaos.run import arguments, tasks
from tests.chaos.scenarios import MODULES, SCENARIOS
from tests.chaos.scenarios_words import KINDS, Apply, Gone, Has, Is, Pods, Runs, Weighs, current


def test_there_are_enough_and_no_two_of_one_name():
    assert len(SCENARIOS) >= 25
    assert len(SCENARIOS) == sum(len(module.SCENARIOS) for module in MODULES)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_can_be_played(name: str):
    scenario = SCENARIOS[name]
    applied = [act.manifests for beat in scenario.beats for act in beat.acts if isinstance(act, Apply)]
    manifests = [*scenario.given, *(one for some in applied for one in some)]
    assert {one["kind"] for one in manifests} <= KINDS.keys()
    assert any(one["kind"] == "Rollout" for one in manifests)
    assert scenario.ends
    assert scenario.writes > 0
    assert all(beat.acts for beat in scenario.beats)


class Seen:
    """A World of given objects."""

    def __init__(self, *objects: dict) -> None:
        self._objects = objects

    def found(self, kind: str, name: str) -> dict:
        return next((one for one in self.all(kind) if one["metadata"]["name"] == name), {})

    def all(self, kind: str) -> list[dict]:
        return [one for one in self._objects if one["kind"] == kind]


def rollout(observed: str = "3", workload: str = "", **status) -> dict:
    seen = {"observedGeneration": observed, "workloadObservedGeneration": workload, **status}
    spec = {"workloadRef": {"kind": "Deployment", "name": "web"}} if workload else {}
    return {"kind": "Rollout", "metadata": {"name": "web", "generation": 3}, "spec": spec, "status": seen}


def test_a_status_counts_when_it_is_of_the_present_spec():
    assert current(Seen()) == {}
    assert current(Seen(rollout("2", phase="Healthy"))) == {}
    assert current(Seen(rollout("3", phase="Healthy")))["phase"] == "Healthy"
    deployment = {"kind": "Deployment", "metadata": {"name": "web", "generation": 5}}
    assert current(Seen(deployment, rollout(workload="4"))) == {}
    assert current(Seen(deployment, rollout(workload="5"))) != {}


def test_a_status_of_a_stateful_set_counts_when_it_is_of_its_newest_revision():
    mine = rollout(currentPodHash="db-2")
    mine["spec"]["workloadRef"] = {"kind": "StatefulSet", "name": "db"}

    def stateful_set(observed: int, revision: str) -> dict:
        seen = {"observedGeneration": observed, "updateRevision": revision}
        return {"kind": "StatefulSet", "metadata": {"name": "db", "generation": 5}, "status": seen}

    assert current(Seen(mine, stateful_set(5, "db-2"))) != {}
    assert current(Seen(mine, stateful_set(5, "db-3"))) == {}
    assert current(Seen(mine, stateful_set(4, "db-2"))) == {}


def test_conditions_hold_of_what_is_seen():
    world = Seen(rollout(phase="Paused", currentStepIndex=1, canary={"weights": {"canary": {"weight": 25}}}))
    assert Is("Paused").holds(world)
    assert Is("Paused", 1).holds(world)
    assert not Is("Paused", 3).holds(world)
    assert not Is("Healthy", 1).holds(world)
    assert Weighs(25).holds(world)
    assert not Weighs(50).holds(world)
    assert Gone("ReplicaSet").holds(world)
    assert not Gone("Rollout").holds(world)
    assert Gone("Rollout", "other").holds(world)
    assert Has("Rollout", "web", ("status", "phase"), "Paused").holds(world)
    assert Has("Rollout", "web", ("spec", "abort"), None).holds(world)
    assert not Has("Rollout", "web", ("status", "phase"), None).holds(world)


def test_an_unverified_weight_is_not_awaited():
    weights = {"canary": {"weight": 25}, "verified": False}
    assert not Weighs(25).holds(Seen(rollout(canary={"weights": weights})))


def replica_set(image: str, wanted: int, available: int) -> dict:
    template = {"spec": {"containers": [{"image": image}]}}
    status = {"replicas": wanted, "availableReplicas": available}
    return {"kind": "ReplicaSet", "spec": {"replicas": wanted, "template": template}, "status": status}


def test_pods_are_there_when_wanted_and_available():
    world = Seen(replica_set("web:v1", 3, 3), replica_set("web:v2", 1, 1), replica_set("web:v3", 0, 0))
    assert Pods({"v1": 3, "v2": 1}).holds(world)
    assert not Pods({"v1": 3}).holds(world)
    assert not Pods({"v1": 4}).holds(Seen(replica_set("web:v1", 4, 3)))


def test_runs_are_compared_as_a_whole():
    run = {"kind": "AnalysisRun", "status": {"phase": "Failed"}}
    assert Runs(("Failed",)).holds(Seen(run))
    assert not Runs(("Failed",)).holds(Seen(run, {"kind": "AnalysisRun"}))


def test_what_is_asked_for_is_played():
    asked = tasks(arguments(["--seed", "1", "--only", "nginx:crash-7,nginx:none", "--only", "gateway"]))
    assert [(one.scenario.name, one.wanted and [p.name for p in one.wanted]) for one in asked] == [
        ("nginx", ["crash-7", "none"]),
        ("gateway", None),
    ]
    assert len(tasks(arguments([]))) == len(SCENARIOS)
    assert tasks(arguments(["--short"])) == tasks(arguments(["--short"]))


@pytest.mark.parametrize("only", ["nonsense", "nginx:nonsense"])
def test_what_names_nothing_is_refused(only: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        arguments(["--only", only])
    assert "no scenario" in (said := capsys.readouterr().err) or "no perturbation" in said

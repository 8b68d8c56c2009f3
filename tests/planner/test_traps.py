"""The traps of serving this API: each has its number, and a test in some `test_traps.py` that is named after it.

Those about measuring are in tests/analysis, about routes in tests/trafficrouters, about writing and seeing in
tests/controllers, about values in tests/wire; the rest is here.
"""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace as changed

from rollouts.api import keys
from rollouts.api.analysis import AnalysisRun, AnalysisRunStatus
from rollouts.api.kinds import REPLICA_SET, ROLLOUT
from rollouts.api.meta import Metadata
from rollouts.planner.actions import CreateReplicaSet
from rollouts.planner.rollout import plan
from rollouts.planner.stages.point_services import point_services
from rollouts.planner.stages.route_traffic import route_traffic
from rollouts.planner.stages.scale import scale
from rollouts.planner.stages.switch_active import switch_active
from rollouts.planner.stages.take_step import take_step
from rollouts.simulator.script import Script, played
from rollouts.wire.podhash import step_hash
from tests import given
from tests.given import CANARY, NOW, OLDER, STABLE, draft, pause, set_weight

TESTS = Path(__file__).parents[1]
TRAPS = {
    1: "ReplicaSets are adopted by their template",
    2: "the hash of the steps decides on starting over",
    3: "one state after the other, each after the write before it was seen",
    4: "generations are strings, HPAReplicas is spelt so",
    5: "resumed means: conditions gone, controllerPause still true",
    6: "an abort leaves the template new",
    7: "weights follow pods",
    8: "setCanaryScale sticks",
    9: "maxSurge and maxUnavailable are numbers or percentages",
    10: "a vector is a list",
    11: "no data is an empty list, or nil",
    12: "a Job is found again by looking",
    13: "the canary Ingress has a name of its own and stays",
    14: "all rules of a route, and names for those that are added",
    15: "a Service is taken over with all pods, and switched with one",
    16: "deadlines are annotations without fractions of a second",
    17: "blue-green switches when desired-replicas is what is wanted",
    18: "objects without a status, kinds without a status subresource",
    19: "background analysis aborts without traffic, startingStep is an index",
    20: "a deadline passed is no abort",
    21: "rules of dry runs are patterns",
    22: "spec.paused stops scaling, a pause step does not",
    23: "texts are read by programs",
    24: "durations are Go's, bare numbers are for pauses",
    25: "times have whole seconds, and later means later",
}
ENVELOPE = {"selector": {"matchLabels": {"app": "web"}}, "template": given.template(1)}
NGINX = {
    "stableService": "web-stable",
    "canaryService": "web-canary",
    "trafficRouting": {"nginx": {"stableIngress": "web"}},
}
DEPLOYED = [{"until": "Healthy"}, {"image": "web:2"}]


def test_every_trap_has_its_test():
    found = [
        int(number)
        for path in TESTS.glob("*/test_traps.py")
        for number in re.findall(r"^(?:async )?def test_trap_(\d\d)_", path.read_text(), re.MULTILINE)
    ]
    assert sorted(set(found)) == sorted(TRAPS) == list(range(1, 26))


def acted(*story, steps=(), cluster=None, spec=None, **canary):
    """The story of a Rollout of four pods after its first deploy and another image."""
    wanted = {"replicas": 4, **ENVELOPE, **(spec or {}), "strategy": {"canary": {"steps": list(steps), **canary}}}
    hero = {"kind": "Rollout", "metadata": {"name": "web"}, "spec": wanted}
    script = {"objects": [hero], "cluster": {"settle": 0, **(cluster or {})}, "story": [*DEPLOYED, *story]}
    return played(Script.model_validate(script))


def sizes(simulation):
    """Wanted pods now, of web:1 and web:2."""
    found = {one["metadata"]["name"]: one["spec"]["replicas"] for one in simulation.world.objects.of(REPLICA_SET)}
    return found[f"web-{STABLE}"], found.get(f"web-{CANARY}")


def steps_taken(simulation):
    return [moment.plan.status.current_step_index for moment in simulation.moments if moment.plan and moment.wrote]


def raw_status(simulation):
    return simulation.world.objects.of(ROLLOUT)[0]["status"]


def test_trap_01_a_replica_set_of_another_name_with_the_same_template_is_taken():
    """Taking only ReplicaSets of our own hash would deploy everything anew when controllers change."""
    snapshot = given.release().pods(canary="1/1").snapshot
    there = snapshot.canary
    labels = {**there.metadata.labels, keys.HASH_LABEL: "older7style"}
    old = changed(there, metadata=changed(there.metadata, labels=labels, name="web-older7style"))
    seen = replace(snapshot, replica_sets=(snapshot.stable, old))
    assert seen.canary_hash == "older7style"
    assert not [action for action in plan(seen, NOW).actions if isinstance(action, CreateReplicaSet)]


def test_trap_02_the_hash_of_steps_is_that_of_the_bytes_others_wrote():
    """A hash of other bytes than those of the controller before us would begin releases again at step 0."""
    steps = [set_weight(20), pause(), *(step for weight in (40, 60, 80) for step in (set_weight(weight), pause(10)))]
    assert (step_hash(None), step_hash(steps)) == ("5ffbfbbd64", "f64cdc9d")
    there = given.release(*steps).step(3).having(currentStepHash="f64cdc9d").pods(stable="3/3", canary="1/1")
    assert plan(there.snapshot, NOW).status.current_step_index == 3


def test_trap_03_one_step_at_a_time():
    """What is written in one pass is seen before the next decides, so no step is passed over unseen."""
    indexes = steps_taken(acted({"until": "Healthy"}, steps=[set_weight(0), set_weight(0), set_weight(0)]))
    release = indexes[indexes.index(0, indexes.index(3)) :]
    assert [after - before for before, after in pairwise(release) if after != before] == [1, 1, 1]


def test_trap_04_generations_are_strings_and_hpa_replicas_has_capitals():
    """Clients read these fields of the status by their odd types and names."""
    story = yaml.safe_load((TESTS / "scenarios" / "workloadref.yaml").read_text())
    status = raw_status(played(Script.model_validate({**story, "story": [{"until": "Healthy"}]})))
    assert {type(status[name]) for name in ("observedGeneration", "workloadObservedGeneration")} == {str}
    assert status["HPAReplicas"] == status["replicas"] > 0


@pytest.mark.parametrize(("pauses", "index"), [((), 2), (("CanaryPauseStep",), 1)])
def test_trap_05_a_pause_is_over_when_its_condition_is_gone_while_controller_pause_stays(pauses, index):
    """People resume by taking the conditions away; controllerPause is how we know that they were there."""
    conditions = [{"reason": reason, "startTime": given.at(NOW)} for reason in pauses]
    release = given.release(set_weight(25), pause(), set_weight(50)).step(1).pods(stable="3/3", canary="1/1")
    snapshot = release.having(controllerPause=True, pauseConditions=conditions).snapshot
    assert take_step(snapshot, draft(snapshot), NOW).status.current_step_index == index


def test_trap_06_an_abort_leaves_the_template_and_the_old_one_clears_it():
    """Aborted is Degraded at step 0 and weight 0 with the new template; only the old template is no release."""
    aborted = [{"until": "Paused"}, "abort", {"until": "Degraded"}, {"wait": "1s"}]
    steps = [set_weight(25), pause(), set_weight(50)]
    simulation = acted(*aborted, steps=steps, **NGINX)
    status = simulation.status
    assert (status.current_pod_hash, status.current_step_index, status.abort) == (CANARY, 0, True)
    assert status.canary.weights.canary.weight == 0
    again = acted(*aborted, "retry", {"until": "Paused"}, steps=steps, **NGINX).status
    assert (again.phase, again.current_step_index, again.abort) == ("Paused", 1, False)
    back = acted(*aborted, {"image": "web:1"}, {"until": "Healthy"}, steps=steps, **NGINX).status
    assert (back.phase, back.current_step_index, back.abort) == ("Healthy", 3, False)


@pytest.mark.parametrize(("pods", "step", "weight"), [("0/1", 0, 0), ("1/1", 0, 20), ("1/3", 2, 20), ("3/3", 2, 60)])
def test_trap_07_a_weight_waits_for_its_pods(pods, step, weight):
    """Until a step's pods are there the weight before it holds, and none without a pod."""
    release = given.nginx(set_weight(20), pause(), set_weight(60), replicas=5)
    snapshot = release.weighing(20 if step else 0).step(step).pods(canary=pods).snapshot
    assert route_traffic(snapshot, draft(snapshot), NOW).routing.split.canary == weight


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        ([{"setCanaryScale": {"replicas": 3}}, set_weight(25), pause()], 3),
        ([{"setCanaryScale": {"replicas": 3}}, {"setCanaryScale": {"weight": 50}}, set_weight(25), pause()], 2),
        ([{"setCanaryScale": {"replicas": 3}}, {"setCanaryScale": {"matchTrafficWeight": True}}, set_weight(25), pause()], 1),
    ],
)  # fmt: skip
def test_trap_08_a_canary_scale_holds_until_another_word_on_it(steps, wanted):
    """A size that was set apart from traffic outlives later weights, until matched again, set again or the end."""
    assert sizes(acted({"until": "Paused"}, steps=steps, **NGINX)) == (4, wanted)
    assert sizes(acted({"until": "Paused"}, "promote", {"until": "Healthy"}, steps=steps, **NGINX)) == (4, 4)


@pytest.mark.parametrize(("surge", "most"), [(1, 5), (2, 6), ("25%", 5), ("30%", 6), ("50%", 6)])
def test_trap_09_surge_is_a_number_or_a_percentage(surge, most):
    """ "50%" is half of the replicas, rounded up; "2" is two, as a string too."""
    simulation = acted({"until": "Healthy"}, steps=[set_weight(50)], maxSurge=surge, maxUnavailable=0)
    assert max(sum(wanted for wanted, _ in moment.sizes.values()) for moment in simulation.moments) == most


@pytest.mark.parametrize(("mine", "pods", "goes"), [(False, "3/4", False), (False, "4/4", True), (True, "1/4", True)])
def test_trap_15_a_service_is_taken_over_with_all_pods_and_switched_with_one(mine, pods, goes):
    """A Service that users wrote still reaches every pod: narrowing it to a part of them would lose capacity."""
    release = given.nginx(set_weight(20)).pointing(canary="stable" if mine else "", stable="stable")
    snapshot = release.pods(canary=pods).snapshot
    decided = point_services(snapshot, route_traffic(snapshot, draft(snapshot), NOW), NOW)
    assert [action.hash for action in decided.actions if hasattr(action, "managed_by")] == ([CANARY] if goes else [])


def left(deadline):
    """Sizes that an old ReplicaSet of four pods with this deadline is given now."""
    there = given.nginx(set_weight(20)).weighing(20).pods(older="4/4", canary="1/1")
    snapshot = there.noted("older", scale_down_deadline=given.at(deadline)).snapshot
    decided = scale(snapshot, route_traffic(snapshot, draft(snapshot), NOW), NOW)
    return [size for name, size in decided.sizes.items() if name == f"web-{OLDER}"]


def test_trap_16_a_deadline_is_read_from_the_replica_set():
    """A controller that has just started knows of delays only what ReplicaSets bear."""
    assert (left(NOW - timedelta(minutes=1)), left(NOW + timedelta(minutes=1))) == ([0], [])


def test_trap_16_a_deadline_has_no_fraction():
    """Others read it as RFC 3339 with whole seconds."""
    simulation = acted({"until": "Paused"}, {"wait": "300ms"}, "abort", {"wait": "1s"}, steps=[set_weight(25), pause()], **NGINX)  # fmt: skip
    notes = [one["metadata"]["annotations"] for one in simulation.world.objects.of(REPLICA_SET)]
    (deadline,) = [note[keys.SCALE_DOWN_DEADLINE] for note in notes if keys.SCALE_DOWN_DEADLINE in note]
    assert re.fullmatch(r"2026-01-01T00:00:\d\dZ", deadline)


@pytest.mark.parametrize(("desired", "goes"), [("4", True), ("3", False)])
def test_trap_17_blue_green_switches_when_the_replica_set_knows_what_is_wanted(desired, goes):
    """A ReplicaSet whose annotation is of another size has not yet been scaled to this one."""
    note = {keys.DESIRED_REPLICAS: desired}
    snapshot = given.blue_green().pods(canary="4/4").noted("canary", **note).snapshot
    assert bool(switch_active(snapshot, draft(snapshot), NOW).actions) is goes


def test_trap_18_a_replica_set_without_status_counts_no_pods():
    """Objects are seen before anybody wrote their status."""
    snapshot = given.release(set_weight(25)).snapshot
    bare = changed(snapshot.canary, status=type(snapshot.canary.status)())
    made = plan(replace(snapshot, replica_sets=(snapshot.stable, bare)), NOW)
    assert (made.status.updated_replicas, made.status.phase) == (0, "Progressing")
    assert plan(given.first().snapshot, NOW).status.current_pod_hash == CANARY


BACKGROUND = {"templates": [{"templateName": "checks"}]}


@pytest.mark.parametrize(("starting", "index", "begins"), [(None, 0, True), (1, 0, False), (1, 1, True), (2, 1, False)])
def test_trap_19_a_background_analysis_starts_at_the_index_of_a_step(starting, index, begins):
    """startingStep counts from 0, as currentStepIndex does."""
    analysis = BACKGROUND if starting is None else {**BACKGROUND, "startingStep": starting}
    there = given.nginx(pause(), pause(), pause(), analysis=analysis).pods(canary="1/1").step(index)
    assert bool(plan(there.snapshot, NOW).status.canary.current_background_analysis_run_status) is begins


def test_trap_19_a_background_analysis_that_fails_at_weight_0_aborts():
    """Without any traffic to the canary a failed background analysis is a failed release all the same."""
    there = given.nginx(pause(), set_weight(20), analysis=BACKGROUND).pods(canary="0/0")
    name = f"web-{CANARY}-3"
    labels = {keys.HASH_LABEL: CANARY, keys.RUN_TYPE_LABEL: keys.RUN_TYPE_BACKGROUND}
    run = AnalysisRun(Metadata(name=name, labels=labels), {"metrics": []}, AnalysisRunStatus("Failed", "why"))
    named = {"currentBackgroundAnalysisRunStatus": {"name": name, "status": "Running"}}
    there = there.having(canary={**there.status["canary"], **named})
    made = plan(replace(there.snapshot, runs=(run,)), NOW)
    assert (made.status.abort, made.status.phase) == (True, "Degraded")


def test_trap_20_a_release_goes_on_after_its_deadline():
    """ProgressDeadlineExceeded is Degraded, not aborted: the pod that comes late is welcome."""
    slow = {"lags": {"ready": [6, 6]}}
    spec = {"progressDeadlineSeconds": 4}
    late = acted({"until": "Degraded"}, steps=[set_weight(25), pause()], cluster=slow, spec=spec)
    assert (late.status.abort, late.status.current_step_index, sizes(late)[1]) == (False, 0, 1)
    there = acted({"until": "Degraded"}, {"until": "Paused"}, steps=[set_weight(25), pause()], cluster=slow, spec=spec)
    assert (there.status.phase, there.status.current_step_index) == ("Paused", 1)


@pytest.mark.parametrize(("held", "wanted"), [([], (6, 2)), (["pause"], (3, 1))])
def test_trap_22_a_pause_step_scales_and_a_paused_rollout_does_not(held, wanted):
    """spec.paused holds steps and pods; a pause among the steps holds only steps."""
    simulation = acted({"until": "Paused"}, *held, {"scale": 8}, {"wait": "5s"}, steps=[set_weight(25), pause()])
    assert sizes(simulation) == wanted


def test_trap_23_events_have_the_words_that_are_looked_for():
    """Dashboards and tests of others look for these reasons and messages."""
    simulation = acted({"until": "Paused"}, "promote", {"until": "Healthy"}, steps=[set_weight(25), pause()])
    told = [f"{event.reason}: {event.message}" for moment in simulation.moments for event in moment.events]
    about = [line for line in told[told.index("RolloutUpdated: Rollout updated to revision 2") :] if "Scal" not in line]
    assert about == [
        "RolloutUpdated: Rollout updated to revision 2",
        f"NewReplicaSetCreated: Created ReplicaSet web-{CANARY} (revision 2)",
        f"RolloutNotCompleted: Rollout not completed, started update to revision 2 ({CANARY})",
        "RolloutStepCompleted: Rollout step 1/2 completed (setWeight: 25)",
        "RolloutPaused: Rollout is paused (CanaryPauseStep)",
        "RolloutStepCompleted: Rollout step 2/2 completed (pause)",
        f"RolloutCompleted: Rollout completed update to revision 2 ({CANARY}): Completed all 2 canary steps",
    ]


def test_trap_25_later_means_later():
    """Times are kept in whole seconds, so in the second of a deadline it may still be to come."""
    assert (left(NOW), left(NOW - timedelta(seconds=1))) == ([], [0])


def test_trap_25_times_in_a_status_have_whole_seconds():
    """Others could not read a fraction."""
    story = [{"until": "Paused"}, {"wait": "300ms"}, "abort", {"until": "Degraded"}]
    simulation = acted(*story, steps=[set_weight(25), pause()])
    status = raw_status(simulation)
    times = [status["abortedAt"], *(one["lastUpdateTime"] for one in status["conditions"])]
    assert simulation.world.now.microsecond
    assert [time for time in times if not re.fullmatch(r"2026-01-01T00:00:\d\dZ", time)] == []

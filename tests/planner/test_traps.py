"""The traps of serving this API: each has its number, and a test in some `test_traps.py` that is named after it.

Those about measuring are in tests/analysis, about routes in tests/trafficrouters, about writing and seeing in
tests/controllers, about values in tests/wire, about whole releases in tests/simulator; the rest is here.
"""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace as changed

from rollouts.api import keys
from rollouts.api.analysis import AnalysisRun, AnalysisRunStatus
from rollouts.api.kinds import REPLICA_SET
from rollouts.api.meta import Metadata
from rollouts.planner.actions import CreateReplicaSet
from rollouts.planner.rollout import plan
from rollouts.planner.stages.point_services import point_services
from rollouts.planner.stages.route_traffic import route_traffic
from rollouts.planner.stages.scale import scale
from rollouts.planner.stages.switch_active import switch_active
from rollouts.planner.stages.take_step import take_step
from rollouts.wire.podhash import step_hash
from tests import given
from tests.given import CANARY, NOW, OLDER, draft, pause, set_weight
from tests.simulator.stories import NGINX, acted, raw_status

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


def test_every_trap_has_its_test():
    found = [
        int(number)
        for path in TESTS.glob("*/test_traps.py")
        for number in re.findall(r"^(?:async )?def test_trap_(\d\d)_", path.read_text(), re.MULTILINE)
    ]
    assert sorted(set(found)) == sorted(TRAPS) == list(range(1, 26))


def test_trap_01_a_replica_set_of_another_name_with_the_same_template_is_taken():
    """Taking only ReplicaSets of our own hash would deploy everything anew when controllers change."""
    snapshot = given.release().pods(canary="1/1").snapshot
    there = snapshot.canary
    labels = {**there.metadata.labels, keys.HASH_LABEL: "older7style"}
    # as it is stored: with the hash, with what the API server sets where nothing was said, and with what was injected
    injected = {"metadata": {"labels": {"app": "web", keys.HASH_LABEL: "older7style", "role": "canary"}}}
    spec = {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler"}
    stored = {**injected, "spec": {**there.spec.template["spec"], **spec}}
    notes = {**there.metadata.annotations, keys.EPHEMERAL_METADATA: '{"labels":{"role":"canary"}}'}
    metadata = changed(there.metadata, labels=labels, annotations=notes, name="web-older7style")
    old = changed(there, metadata=metadata, spec=changed(there.spec, template=stored))
    seen = replace(snapshot, replica_sets=(snapshot.stable, old))
    status = changed(seen.rollout.status, current_pod_hash="older7style")
    made = plan(replace(seen, rollout=changed(seen.rollout, status=status)), NOW)
    assert seen.canary_hash == made.status.current_pod_hash == "older7style"
    assert not [action for action in made.actions if isinstance(action, CreateReplicaSet)]


def test_trap_01_another_template_gets_a_replica_set_of_its_own():
    """What differs in more than what others write into templates is a release."""
    other = given.release().wanting(template=given.template(7)).pods(canary="1/1").snapshot
    assert [type(action) for action in plan(other, NOW).actions if isinstance(action, CreateReplicaSet)]


def test_trap_02_the_hash_of_steps_is_that_of_the_bytes_others_wrote():
    """A hash of other bytes than those of the controller before us would begin releases again at step 0."""
    steps = [set_weight(20), pause(), *(step for weight in (40, 60, 80) for step in (set_weight(weight), pause(10)))]
    assert (step_hash(None), step_hash(steps)) == ("5ffbfbbd64", "f64cdc9d")
    there = given.release(*steps).step(3).having(currentStepHash="f64cdc9d").pods(stable="3/3", canary="1/1")
    assert plan(there.snapshot, NOW).status.current_step_index == 3
    assert plan(there.having(currentStepHash="another").snapshot, NOW).status.current_step_index == 0


@pytest.mark.parametrize(("pauses", "index"), [((), 2), (("CanaryPauseStep",), 1)])
def test_trap_05_a_pause_is_over_when_its_condition_is_gone_while_controller_pause_stays(pauses, index):
    """People resume by taking the conditions away; controllerPause is how we know that they were there."""
    conditions = [{"reason": reason, "startTime": given.at(NOW)} for reason in pauses]
    release = given.release(set_weight(25), pause(), set_weight(50)).step(1).pods(stable="3/3", canary="1/1")
    snapshot = release.having(controllerPause=True, pauseConditions=conditions).snapshot
    assert take_step(snapshot, draft(snapshot), NOW).status.current_step_index == index


@pytest.mark.parametrize(("pauses", "switched"), [((), True), (("BlueGreenPause",), False)])
def test_trap_05_a_pause_before_promotion_is_over_in_the_same_way(pauses, switched):
    """Blue-green: the Service moves, and the pause is not begun again."""
    conditions = [{"reason": reason, "startTime": given.at(NOW)} for reason in pauses]
    whole = given.blue_green(autoPromotionEnabled=False).pods(canary="4/4")
    made = plan(whole.having(controllerPause=True, pauseConditions=conditions).snapshot, NOW)
    assert (CANARY in [getattr(action, "hash", "") for action in made.actions]) is switched
    assert bool(made.status.pause_conditions) is not switched


@pytest.mark.parametrize(("pods", "step", "weight"), [("0/1", 0, 0), ("1/1", 0, 20), ("1/3", 2, 20), ("3/3", 2, 60)])
def test_trap_07_a_weight_waits_for_its_pods(pods, step, weight):
    """Until a step's pods are there the weight before it holds, and none without a pod."""
    release = given.nginx(set_weight(20), pause(), set_weight(60), replicas=5)
    snapshot = release.weighing(20 if step else 0).step(step).pods(canary=pods).snapshot
    assert route_traffic(snapshot, draft(snapshot), NOW).routing.split.canary == weight


@pytest.mark.parametrize(
    ("mine", "pods", "goes"),
    [(False, "3/4", False), (False, "4/4", True), (True, "1/4", True), (True, "0/4", False)],
)
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


def test_trap_17_what_another_writer_forgot_is_written():
    """Else the switch would wait for ever."""
    forgotten = given.blue_green().pods(canary="4/4").noted("canary", **{keys.DESIRED_REPLICAS: "3"})
    notes = [getattr(action, "annotations", {}) for action in plan(forgotten.snapshot, NOW).actions]
    assert {keys.DESIRED_REPLICAS: "4"} in notes


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


def test_trap_25_later_means_later():
    """Times are kept in whole seconds, so in the second of a deadline it may still be to come."""
    assert (left(NOW), left(NOW - timedelta(seconds=1))) == ([], [0])
    counts = {"replicas": 4, "updatedReplicas": 1, "readyReplicas": 3, "availableReplicas": 3}
    stuck = given.release(set_weight(25)).pods(stable="3/3", canary="0/1").wanting(progressDeadlineSeconds=60)
    for ago, phase in ((60, "Progressing"), (61, "Degraded")):
        since = given.at(NOW - timedelta(seconds=ago))
        known = [{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "lastUpdateTime": since}]
        assert plan(stuck.having(conditions=known, **counts).snapshot, NOW).status.phase == phase


def test_trap_25_times_in_a_status_have_whole_seconds():
    """Others could not read a fraction."""
    story = [{"until": "Paused"}, {"wait": "300ms"}, "abort", {"until": "Degraded"}]
    simulation = acted(*story, steps=[set_weight(25), pause()])
    status = raw_status(simulation)
    times = [status["abortedAt"], *(one["lastUpdateTime"] for one in status["conditions"])]
    assert simulation.world.now.microsecond
    assert [time for time in times if not re.fullmatch(r"2026-01-01T00:00:\d\dZ", time)] == []

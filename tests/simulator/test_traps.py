"""Traps of serving this API that show over a whole release; the list of all is in tests/planner."""

from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from rollouts.api.kinds import ROLLOUT
from rollouts.simulator.script import Script, played
from tests.given import CANARY, STABLE, pause, set_weight
from tests.simulator.stories import NGINX, acted, raw_status, sizes, steps_taken, told_in, weights_seen

SCENARIOS = Path(__file__).parents[1] / "scenarios"


def test_trap_03_one_step_at_a_time():
    """What is written in one pass is seen before the next decides, so no step is passed over unseen."""
    indexes = steps_taken(acted({"until": "Healthy"}, steps=[set_weight(0), set_weight(0), set_weight(0)]))
    release = indexes[indexes.index(0, indexes.index(3)) :]
    assert [after - before for before, after in pairwise(release) if after != before] == [1, 1, 1]


def test_trap_04_generations_are_strings_and_hpa_replicas_has_capitals():
    """Clients read these fields of the status by their odd types and names."""
    story = yaml.safe_load((SCENARIOS / "workloadref.yaml").read_text())
    status = raw_status(played(Script.model_validate({**story, "story": [{"until": "Healthy"}]})))
    assert {type(status[name]) for name in ("observedGeneration", "workloadObservedGeneration")} == {str}
    assert status["HPAReplicas"] == status["replicas"] > 0


def test_trap_06_an_abort_leaves_the_template_and_the_old_one_clears_it():
    """Aborted is Degraded at step 0 and weight 0 with the new template; only the old template is no release."""
    aborted = [{"until": "Paused"}, "abort", {"until": "Degraded"}, {"wait": "1s"}]
    steps = [set_weight(25), pause(), set_weight(50)]
    simulation = acted(*aborted, steps=steps, **NGINX)
    status = simulation.status
    assert (status.current_pod_hash, status.current_step_index, status.abort) == (CANARY, 0, True)
    assert (status.phase, status.canary.weights.canary.weight) == ("Degraded", 0)
    (hero,) = simulation.world.objects.of(ROLLOUT)
    assert hero["spec"]["template"]["spec"]["containers"][0]["image"] == "web:2"
    retried = acted(*aborted, "retry", {"until": "Paused"}, steps=steps, **NGINX)
    again = retried.status
    assert (again.phase, again.current_step_index, again.abort) == ("Paused", 1, False)
    # from step 0: its weight is given again
    assert weights_seen(retried)[-1] == 25
    assert 0 in weights_seen(retried)
    returned = acted(*aborted, {"image": "web:1"}, {"until": "Healthy"}, steps=steps, **NGINX)
    back = returned.status
    assert (back.phase, back.current_step_index, back.abort) == ("Healthy", 3, False)
    assert set(weights_seen(returned)[1:]) == {0}
    assert "SkipSteps" in [event.reason for moment in returned.moments for event in moment.events]


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
    aborted = ({"until": "Paused"}, "abort", {"until": "Degraded"}, {"wait": "2m"})
    assert sizes(acted(*aborted, steps=steps, **NGINX)) == (4, 0)


@pytest.mark.parametrize(("surge", "most"), [(1, 5), (2, 6), ("25%", 5), ("30%", 6), ("50%", 6), ("50", 6), ("2", 5)])
def test_trap_09_surge_is_a_number_or_a_percentage(surge, most):
    """ "50%" is half of the replicas, rounded up; so is "50": every string is a percentage, and "2" is 2 % of four."""
    simulation = acted({"until": "Healthy"}, steps=[set_weight(50)], maxSurge=surge, maxUnavailable=0)
    assert max(sum(wanted for wanted, _ in moment.sizes.values()) for moment in simulation.moments) == most


@pytest.mark.parametrize(
    ("unavailable", "least"), [(1, 3), (2, 2), ("25%", 3), ("30%", 3), ("50%", 2), ("50", 2), ("2", 3)]
)
def test_trap_09_unavailable_is_a_number_or_a_percentage(unavailable, least):
    """The same, rounded down; what is nothing then counts as one, or nothing could move."""
    simulation = acted({"until": "Healthy"}, steps=[set_weight(50)], maxSurge=0, maxUnavailable=unavailable)
    begun = next(at for at, moment in enumerate(simulation.moments) if len(moment.sizes) == 2)
    have = [sum(available for _, available in moment.sizes.values()) for moment in simulation.moments[begun:]]
    assert min(have) == least


def test_trap_20_a_release_goes_on_after_its_deadline():
    """ProgressDeadlineExceeded is Degraded, not aborted: the pod that comes late is welcome."""
    slow = {"lags": {"ready": [6, 6]}}
    spec = {"progressDeadlineSeconds": 4}
    late = acted({"until": "Degraded"}, steps=[set_weight(25), pause()], cluster=slow, spec=spec)
    assert (late.status.abort, late.status.current_step_index, sizes(late)[1]) == (False, 0, 1)
    there = acted({"until": "Degraded"}, {"until": "Paused"}, steps=[set_weight(25), pause()], cluster=slow, spec=spec)
    assert (there.status.phase, there.status.current_step_index) == ("Paused", 1)


def test_trap_20_a_deadline_aborts_where_that_is_asked_for():
    """progressDeadlineAbort is what makes the one the other."""
    slow = {"lags": {"ready": [6, 6]}}
    spec = {"progressDeadlineSeconds": 4, "progressDeadlineAbort": True}
    late = acted({"until": "Degraded"}, {"wait": "1m"}, steps=[set_weight(25), pause()], cluster=slow, spec=spec)
    assert (late.status.abort, late.status.phase, sizes(late)) == (True, "Degraded", (4, 0))


@pytest.mark.parametrize(("held", "wanted"), [([], (6, 2)), (["pause"], (3, 1))])
def test_trap_22_a_pause_step_scales_and_a_paused_rollout_does_not(held, wanted):
    """spec.paused holds steps and pods; a pause among the steps holds only steps."""
    simulation = acted({"until": "Paused"}, *held, {"scale": 8}, {"wait": "5s"}, steps=[set_weight(25), pause()])
    assert sizes(simulation) == wanted


def test_trap_22_a_paused_rollout_takes_no_step():
    """Neither one whose pods are wanting nor a pause whose time is over; afterwards both go on."""
    steps = [set_weight(25), pause("5s"), set_weight(50), pause()]
    held = acted("pause", {"wait": "1m"}, steps=steps)
    assert (sizes(held), held.status.current_step_index, held.status.phase) == ((4, 0), 0, "Paused")
    within = ({"until": "Paused"}, "pause", {"wait": "1m"})
    still = acted(*within, steps=steps)
    assert (sizes(still), still.status.current_step_index, still.status.phase) == ((3, 1), 1, "Paused")
    after = acted(*within, "resume", {"wait": "1m"}, steps=steps)
    assert (sizes(after), after.status.current_step_index, after.status.phase) == ((2, 2), 3, "Paused")


def test_trap_23_events_have_the_words_that_are_looked_for():
    """Dashboards and tests of others look for these reasons and messages."""
    simulation = acted({"until": "Paused"}, "promote", {"until": "Healthy"}, steps=[set_weight(25), pause()])
    assert [line for line in told_in(simulation) if "Scal" not in line] == [
        "RolloutUpdated: Rollout updated to revision 2",
        f"NewReplicaSetCreated: Created ReplicaSet web-{CANARY} (revision 2)",
        f"RolloutNotCompleted: Rollout not completed, started update to revision 2 ({CANARY})",
        "RolloutStepCompleted: Rollout step 1/2 completed (setWeight: 25)",
        "RolloutPaused: Rollout is paused (CanaryPauseStep)",
        "RolloutStepCompleted: Rollout step 2/2 completed (pause)",
        f"RolloutCompleted: Rollout completed update to revision 2 ({CANARY}): Completed all 2 canary steps",
    ]


def test_trap_23_sizes_are_told_of_replica_sets_by_name_and_revision():
    """The name is the Rollout's and the hash, as those who look for a ReplicaSet put it together."""
    simulation = acted(
        {"until": "Paused"}, "abort", {"until": "Degraded"}, {"wait": "10s"}, steps=[set_weight(25), pause()]
    )
    assert [line for line in told_in(simulation) if "Scal" in line] == [
        f"ScalingReplicaSet: Scaled down ReplicaSet web-{STABLE} (revision 1) from 4 to 3",
        f"ScalingReplicaSet: Scaled up ReplicaSet web-{CANARY} (revision 2) from 0 to 1",
        f"ScalingReplicaSet: Scaled up ReplicaSet web-{STABLE} (revision 1) from 3 to 4",
        f"ScalingReplicaSet: Scaled down ReplicaSet web-{CANARY} (revision 2) from 1 to 0",
    ]

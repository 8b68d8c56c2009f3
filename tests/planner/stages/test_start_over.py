from rollouts.planner.draft import Extent
from rollouts.planner.stages.start_over import start_over_if_changed
from tests import given
from tests.given import CANARY, NOW, STABLE, draft, events, pause, set_weight
from tests.planner.pods import born

PAUSED = {"controllerPause": True, "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": given.at(NOW)}]}
RELEASE = given.release(set_weight(20), pause()).step(1).having(**PAUSED, abort=True, promoteFull=True)


def started(situation):
    snapshot = situation.snapshot
    return start_over_if_changed(snapshot, draft(snapshot), NOW)


def test_another_template_begins_at_step_0_without_anything_of_the_former_release():
    decided = started(RELEASE.having(currentPodHash="gone"))
    status = decided.status
    assert (status.current_pod_hash, status.current_step_index, decided.extent) == (CANARY, 0, Extent.RESET)
    assert (status.abort, status.promote_full, status.pause_conditions, status.controller_pause) == (
        False,
        False,
        (),
        False,
    )


def test_what_only_another_controller_carries_out_is_forgotten_with_its_release():
    left = {"currentExperiment": "web-1-0", "stepPluginStatuses": [{"index": 0, "name": "acme/sleep"}]}
    canary = started(RELEASE.having(currentStepHash="gone", canary=left)).status.canary
    assert (canary.current_experiment, canary.step_plugin_statuses) == ("", ())


def test_other_steps_begin_at_step_0():
    assert started(RELEASE.having(currentStepHash="gone")).stopped == "steps changed"


def test_a_return_to_stable_skips_the_steps():
    decided = started(RELEASE.wanting(template=given.template(1)))
    assert (decided.status.current_pod_hash, decided.status.current_step_index) == (STABLE, 2)
    assert events(decided) == ["SkipSteps"]


def test_a_return_to_pods_that_are_still_there_skips_the_steps_and_is_told():
    there = RELEASE.wanting(rollbackWindow={"revisions": 1}).having(currentPodHash="gone")
    ages = {"canary": 2, "stable": 1}
    texts = []
    for pods in ("1/1", "0/0"):
        snapshot = born(there.pods(canary=pods).snapshot, ages)
        decided = start_over_if_changed(snapshot, draft(snapshot), NOW)
        texts.append((decided.status.current_step_index, [event.message for event in decided.events]))
    assert texts == [(2, ["Rollback to active ReplicaSets within RollbackWindow"]), (0, [])]


def test_without_steps_there_is_no_index():
    assert started(given.release().having(currentPodHash="gone")).status.current_step_index is None


def test_the_same_release_goes_on():
    assert started(RELEASE).stopped == ""

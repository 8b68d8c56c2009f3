from datetime import timedelta

from rollouts.cli.views.assemble import later
from rollouts.cli.views.changes import changes
from tests.cli.given import NOW, canary_under_way, metric, paused, pod, replica_set, rollout, run, status, view

BEFORE = view(rollout(status()), [replica_set("bbb", 2, 2, 1)], [pod("web-bbb-1", "bbb", ready=False)])


def test_time_alone_changes_nothing():
    found = canary_under_way()
    assert changes(found, later(found, NOW + timedelta(hours=1))) == []


def test_every_change_is_one_sentence():
    rate = metric("rate", "Running", successful=2)
    after = view(
        rollout(paused(currentStepIndex=2)),
        [replica_set("bbb", 2, 2, 2, image="web:v2")],
        [pod("web-bbb-1", "bbb"), pod("web-bbb-2", "bbb")],
        [run("web-bbb-2", 2, "Running", rate)],
    )
    assert changes(BEFORE, after) == [
        "status Paused: CanaryPauseStep",
        "step 2/4: setWeight: 40",
        "weight 40, wanted 40",
        "image web:v2 is canary",
        "ReplicaSet web-bbb canary 2/2 available",
        "pod web-bbb-1 Running 1/1",
        "pod web-bbb-2 Running 1/1",
        "AnalysisRun web-bbb-2 Running; rate 2 good, 0 bad",
    ]


def test_what_is_gone_is_said():
    gone = changes(BEFORE, view(rollout(status())))
    assert gone[-2:] == ["ReplicaSet web-bbb is gone", "pod web-bbb-1 is gone"]


def test_a_verified_weight_says_so():
    texts = []
    for verified in (False, True):
        weights = {"canary": {"weight": 20}, "stable": {"weight": 80}, "verified": verified}
        texts += changes(
            BEFORE,
            view(rollout(status(canary={"weights": weights}), strategy={"canary": {"trafficRouting": {"nginx": {}}}})),
        )
    assert [text for text in texts if text.startswith("weight")] == [
        "weight 20, wanted 100, not verified yet",
        "weight 20, wanted 100, verified",
    ]

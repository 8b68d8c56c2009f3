"""Each fault that no blue-green run may have, on made-up rows, is told; what only looks like one is not."""

import pytest

from tests.chaos.checker import Expected, Row, differences, record
from tests.chaos.checker_bluegreen import shortcuts

OLD, NEW = "aaa", "bbb"
BEGUN = 4
T0, T0_SECONDS = "2026-11-21T05:00:00Z", 1795237200.0


def rollout(*, paused="", stable=OLD, **settings):
    strategy = {"blueGreen": {"activeService": "active", "scaleDownDelaySeconds": 5, **settings}}
    conditions = [{"reason": "BlueGreenPause", "startTime": paused}] if paused else []
    status = {"currentPodHash": NEW, "stableRS": stable, "pauseConditions": conditions}
    return "Rollout", "web", {"metadata": {}, "spec": {"strategy": strategy}, "status": status}


def service(revision, name="active"):
    return "Service", name, {"metadata": {}, "spec": {"selector": {"rollouts-pod-template-hash": revision}}}


def replica_set(revision, wanted, available=None):
    metadata = {"labels": {"rollouts-pod-template-hash": revision}}
    status = {"availableReplicas": wanted if available is None else available}
    return "ReplicaSet", f"web-{revision}", {"metadata": metadata, "spec": {"replicas": wanted}, "status": status}


# a release, and the second of each row
STORY = (
    (rollout(), 0),
    (service(OLD), 0),
    (service(OLD, "preview"), 0),
    (replica_set(OLD, 4), 0),
    (service(NEW, "preview"), 1),
    (replica_set(NEW, 4, 0), 1),
    (replica_set(NEW, 4), 2),
    (service(NEW), 3),
    (rollout(stable=NEW), 3),
    (replica_set(OLD, 0, 4), 8),
)


def rows(story):
    return [
        Row(version, T0_SECONDS + at, kind, name, "MODIFIED", body)
        for version, ((kind, name, body), at) in enumerate(story, 1)
    ]


def told(*story):
    return list(shortcuts(rows(story), BEGUN))


def test_a_release_is_none():
    assert told(*STORY) == []


def test_canaries_have_no_such_faults():
    kind, name, body = rollout()
    canary = (kind, name, {**body, "spec": {"strategy": {"canary": {}}}})
    assert told((canary, 0), *STORY[1:6], *STORY[7:8]) == []


PLANTED = {
    "half a revision": (
        (*STORY[:6], (replica_set(NEW, 4, 3), 2), *STORY[7:]),
        "active was led to bbb when 3 of its 4 pods were available",
    ),
    "no revision": ((*STORY[:5], *STORY[7:]), "active was led to bbb when 0 of its 0 pods were available"),
    "pods gone at once": (
        (*STORY[:9], (replica_set(OLD, 0, 4), 6)),
        "web-aaa lost pods 3.0 s after users were led away, not 5",
    ),
    "some pods gone at once": (
        (*STORY[:9], (replica_set(OLD, 3, 4), 3), *STORY[9:]),
        "web-aaa lost pods 0.0 s after users were led away, not 5",
    ),
    "before its time": (
        ((rollout(autoPromotionSeconds=3, paused=T0), 0), *STORY[1:7], (service(NEW), 2)),
        "active was led to bbb after 2.0 s, not 3",
    ),
    "never waited": (
        ((rollout(autoPromotionSeconds=3), 0), *STORY[1:8]),
        "active was led to bbb after 0.0 s, not 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_told(fault):
    story, sentence = PLANTED[fault]
    assert told(*story) == [sentence]


def test_by_the_clock_and_back_are_none():
    clock = rollout(autoPromotionSeconds=3, paused=T0)
    assert told((clock, 0), *STORY[1:8], (service(OLD), 4)) == []


def test_a_delay_ends_when_users_come_back():
    assert told(*STORY[:9], (service(OLD), 4), (service(NEW), 5), (replica_set(OLD, 0), 10.5)) == []


def test_the_sequence_of_the_active_service_is_compared():
    back = (*STORY[:8], (service(OLD), 3), (service(NEW), 3), *STORY[8:])
    found, reference = (record(rows(story), BEGUN, Expected()) for story in (back, STORY))
    assert reference.weights == {"Service active": [OLD, NEW], "Service preview": [OLD, NEW]}
    sentence = "weights of Service active: [aaa, bbb, aaa, bbb] where it was [aaa, bbb] and no more"
    assert differences(found, reference) == [sentence]

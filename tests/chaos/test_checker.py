"""A checker that says nothing of a planted fault is none: each fault, on a made-up run, is told."""

import copy

import pytest

from tests.chaos.checker import Expected, Record, Row, differences, record

OLD, NEW = "aaa", "bbb"
BEGUN = 10
T0 = "2026-11-21T05:00:00Z"
T0_SECONDS = 1795237200.0


def rollout(step, *, revision=NEW, weight=0, pause="", spec=None, **status):
    paused = [{"reason": "CanaryPauseStep", "startTime": pause}] if pause else []
    weights = {"canary": {"weight": weight}, "stable": {"weight": 100 - weight}}
    steps = [{"setWeight": 25}, {"pause": {"duration": 5}}, {"setWeight": 50}]
    found = {"currentPodHash": revision, "currentStepIndex": step, "stableRS": OLD, "pauseConditions": paused,
             "canary": {"weights": weights}, **status}  # fmt: skip
    return "Rollout", "web", {
        "metadata": {"uid": "differs", "resourceVersion": "7", "generation": 2, "annotations": {}},
        "spec": {"strategy": {"canary": {"steps": steps}}, **(spec or {})},
        "status": found,
    }  # fmt: skip


def replica_set(revision, wanted, available=None):
    labels = {"rollouts-pod-template-hash": revision}
    status = {"availableReplicas": wanted if available is None else available}
    body = {"metadata": {"labels": labels, "resourceVersion": "1"}, "spec": {"replicas": wanted}, "status": status}
    return "ReplicaSet", f"web-{revision}", body


def ingress(weight):
    annotations = {"nginx.ingress.kubernetes.io/canary-weight": str(weight)}
    return "Ingress", "web-canary", {"metadata": {"annotations": annotations}, "spec": {}}


BEFORE = (replica_set(OLD, 4), rollout(3, revision=OLD), ingress(0))
# a release, row by row
STORY = (
    (replica_set(NEW, 1, 0), 1),
    (rollout(0), 1),
    (replica_set(NEW, 1), 2),
    (ingress(25), 3),
    (rollout(1, weight=25), 4),
    (rollout(1, weight=25, pause=T0), 5),
    (rollout(2, weight=25), 12),
    (replica_set(NEW, 2, 1), 12),
    (replica_set(NEW, 2), 13),
    (ingress(50), 14),
    (rollout(3, weight=50), 15),
    (rollout(3, weight=50, stableRS=NEW), 16),
)


ROUTED = Expected((4, 8))


def told(*story, expected=ROUTED, stuck=""):
    """The record of rows that follow one another; a row is what was written and, if told, when."""
    rows, known = [], set()
    for version, ((kind, name, body), at) in enumerate([*((one, 0) for one in BEFORE), *story], BEGUN - 2):
        is_deleted = body is None
        change = "DELETED" if is_deleted else "MODIFIED" if (kind, name) in known else "ADDED"
        known.discard((kind, name)) if is_deleted else known.add((kind, name))
        rows.append(Row(version, T0_SECONDS + at, kind, name, change, body or {"metadata": {}}))
    return record(rows, BEGUN, expected, stuck=stuck)


def against(*story, **options):
    return differences(told(*story, **options), told(*STORY))


def without(place):
    return (*STORY[:place], *STORY[place + 1 :])


def with_(place, *rows):
    at = STORY[place][1]
    return (*STORY[:place], *((row, at) for row in rows), *STORY[place:])


def test_the_same_run_again_is_no_difference():
    assert against(*STORY) == []


def test_times_versions_and_writes_that_change_nothing_are_tolerated():
    again = with_(4, ingress(25), ingress(25), rollout(0))
    later = [(copy.deepcopy(row), at + 100) for row, at in again]
    for (_, _, body), _ in later:
        body["metadata"] |= {"uid": "another", "resourceVersion": "99", "creationTimestamp": "2026-11-21T06:00:00Z"}
        for pause in body.get("status", {}).get("pauseConditions", ()):
            pause["startTime"] = "2026-11-21T05:01:45Z"
    assert against(*later) == []


PLANTED = {
    "a weight is skipped": (without(9), "weights of Ingress web-canary: [0, 25] and no more where it was [0, 25, 50]"),
    "a weight moves back": (with_(10, ingress(25), ingress(50)), "weights of Ingress web-canary: ["),
    "a step is skipped": ((*STORY[:6], *STORY[7:]), "steps: ["),
    "a step is taken twice": (with_(10, rollout(1, weight=25), rollout(2, weight=25)), "steps: ["),
    "a pause begins anew": (with_(6, rollout(1, weight=25, pause="2026-11-21T05:00:03Z")), "pauses: ["),
    "another is created": (with_(5, replica_set("ccc", 0)), "ReplicaSet web-ccc was created 1 times where it was 0"),
    "one is created again": (
        with_(5, ("ReplicaSet", f"web-{NEW}", None), replica_set(NEW, 1)),
        f"ReplicaSet web-{NEW} was created 2 times where it was 1",
    ),
    "one is deleted": (
        (*STORY, (("ReplicaSet", f"web-{OLD}", None), 20)),
        f"ReplicaSet web-{OLD} was deleted 1 times where it was 0",
    ),
    "a command is carried out twice": (
        with_(5, rollout(1, weight=25, lastCommand="promote@3"), rollout(1, weight=25, lastCommand="promote@5")),
        "commands: [promote, promote] where it was []",
    ),
    "it is aborted": (with_(6, rollout(1, weight=25, abort=True, abortedAt=T0)), "aborts: ["),
    "the stable revision changes twice": (with_(5, rollout(1, weight=25, stableRS=NEW)), "stable: ["),
    "a status ends differently": (
        (*STORY, (rollout(3, weight=50, stableRS=NEW, phase="Paused"), 17)),
        "end.Rollout web.status.phase is 'Paused' where it was None",
    ),
    "a spec ends differently": (
        (*STORY, (rollout(3, weight=50, stableRS=NEW, spec={"abort": True}), 17)),
        "end.Rollout web.spec.abort is True where it was None",
    ),
    "a size ends differently": (
        (*STORY, (replica_set(NEW, 3), 17)),
        f"end.ReplicaSet web-{NEW}.spec.replicas is 3 where it was 2",
    ),
    "too few pods are available": (
        with_(5, replica_set(OLD, 4, 2)),
        "3 pods available where at least 4 must be: web-aaa 2/4, web-bbb 1/1",
    ),
    "too many pods are wanted": (
        with_(5, replica_set(NEW, 5, 1), replica_set(NEW, 1)),
        "9 pods wanted where at most 8 may be: web-aaa 4/4, web-bbb 1/5",
    ),
    "a pause is cut short": (
        (*STORY[:6], (rollout(2, weight=25), 4.5), *STORY[7:]),
        "web: the pause of step 1 lasted 4.5 s, not 5",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_told(fault):
    story, sentence = PLANTED[fault]
    said = against(*story)
    assert [one for one in said if one.startswith(sentence)], said


def test_pods_wanted_when_a_step_is_done_are_compared():
    early = (*STORY[:6], STORY[7], STORY[6], *STORY[8:])
    said = against(*early)
    assert len(said) == 1
    assert said[0].startswith("sizes: [")


def test_a_pause_that_a_person_ends_may_be_short():
    short = (*STORY[:6], (rollout(2, weight=25), 4.5), *STORY[7:])
    assert against(*short, expected=Expected((4, 8), hurried=(1,))) == []


def test_bounds_are_of_the_story_not_of_what_was_before():
    assert told(*STORY, expected=Expected((4, 6))).wrong == []
    assert told(*STORY, expected=Expected((5, 6))).wrong == [
        "4 pods available where at least 5 must be: web-aaa 4/4, web-bbb 0/1"
    ]


def test_a_run_that_never_ends_is_told_with_how_far_it_came():
    said = against(*STORY[:4], stuck="in 60 s never Is(phase='Healthy')")
    assert said[0] == "it never ended: in 60 s never Is(phase='Healthy')"
    assert any(one.startswith("steps: ") for one in said)


def test_a_command_that_is_left_over_is_told():
    noted = rollout(3, weight=50, stableRS=NEW)
    noted[2]["metadata"]["annotations"] = {"rollouts.argoproj.io/command": "abort@4"}
    assert "web: the command abort@4 is still noted" in against(*STORY, (noted, 17))


def run(metric, count, phase="Successful", **spec):
    result = {"name": "m", "phase": phase, "count": count, "measurements": [{"value": str(count)}]}
    body = {
        "metadata": {},
        "spec": {"metrics": [{"name": "m", **metric}], **spec},
        "status": {"metricResults": [result]},
    }
    return ("AnalysisRun", "web-bbb-2", body), 17


def test_measurements_are_counted_where_their_number_is_given():
    free, three = {"interval": "1s"}, {"count": 3}
    assert differences(told(*STORY, run(free, 5)), told(*STORY, run(free, 9))) == []
    ended = [told(*STORY, run(three, count, terminate=True)) for count in (1, 2)]
    assert differences(*ended) == []
    assert differences(told(*STORY, run(three, 4)), told(*STORY, run(three, 3))) == [
        "end.AnalysisRun web-bbb-2.status.metricResults[0].count is 4 where it was 3"
    ]
    assert differences(told(*STORY, run(free, 5, "Failed")), told(*STORY, run(free, 5))) == [
        "end.AnalysisRun web-bbb-2.status.metricResults[0].phase is 'Failed' where it was 'Successful'"
    ]


def route(*weights):
    refs = [{"name": name, "weight": weight} for name, weight in zip(("stable", "canary"), weights, strict=True)]
    return ("HTTPRoute", "web", {"metadata": {}, "spec": {"rules": [{"backendRefs": refs}]}}), 17


def test_weights_of_an_http_route_are_compared():
    mine, theirs = "[stable=1 canary=3, stable=75 canary=25]", "[stable=1 canary=3, stable=50 canary=50]"
    assert differences(told(*STORY, route(1, 3), route(75, 25)), told(*STORY, route(1, 3), route(50, 50))) == [
        f"weights of HTTPRoute web: {mine} where it was {theirs}",
        "end.HTTPRoute web.spec.rules[0].backendRefs[0].weight is 75 where it was 50",
        "end.HTTPRoute web.spec.rules[0].backendRefs[1].weight is 25 where it was 50",
    ]


def pod(ordinal, revision):
    owner = {"kind": "StatefulSet", "name": "db", "controller": True}
    metadata = {"labels": {"controller-revision-hash": revision}, "ownerReferences": [owner]}
    return ("Pod", f"db-{ordinal}", {"metadata": metadata}), 17


def test_pods_of_a_stateful_set_are_compared_in_their_order():
    said = differences(told(*STORY, pod(4, "x"), pod(3, "x")), told(*STORY, pod(3, "x"), pod(4, "x")))
    assert said == ["pods: [db-4 x, db-3 x] where it was [db-3 x, db-4 x]"]


def test_weights_in_a_status_on_the_way_are_not_compared_and_at_the_end_are():
    passing = [(rollout(3, weight=weight, stableRS=NEW), 17) for weight in (60, 80)]
    assert differences(told(*STORY, *passing), told(*STORY, passing[1])) == []
    assert [one.partition(" is ")[0] for one in differences(told(*STORY, passing[0]), told(*STORY, passing[1]))] == [
        f"end.Rollout web.status.canary.weights.{side}.weight" for side in ("canary", "stable")
    ]


def test_partitions_are_compared():
    def at(partition):
        update = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
        return ("StatefulSet", "db", {"metadata": {}, "spec": {"replicas": 5, "updateStrategy": update}}), 17

    said = differences(told(*STORY, at(3), at(0)), told(*STORY, at(3), at(1), at(0)))
    steps = ["partition 3 of 5", "partition 1 of 5", "partition 0 of 5"]
    assert said == [f"weights of StatefulSet db: [{steps[0]}, {steps[2]}] where it was [{', '.join(steps)}]"]


def test_a_record_tells_every_field_that_is_compared():
    reference = told(*STORY)
    compared = set(Record.__struct_fields__) - {"wrong", "stuck"}
    for name in compared:
        changed = copy.deepcopy(reference)
        value = getattr(changed, name)
        if isinstance(value, list):
            value.append("planted")
        else:
            value["planted"] = ["planted"] if name == "weights" else 1
        assert differences(changed, reference), name


def test_where_weights_follow_pods_those_of_each_step_are_told():
    gradual = Expected(is_gradual=True)
    early = (*STORY[:3], STORY[4], STORY[3], *STORY[5:])
    between = with_(10, ingress(70), ingress(50))
    said = differences(told(*early, expected=gradual), told(*STORY, expected=gradual))
    assert [one.split(" where it was ")[0] for one in said] == [
        "sizes: [web bbb step 1: bbb=1; 0, web bbb step 2: bbb=1; 25, web bbb step 3: bbb=2; 50]"
    ]
    assert "weights of Ingress web-canary" in str(
        differences(told(*between, expected=gradual), told(*STORY, expected=gradual))
    )


def test_where_pods_follow_weights_those_of_other_revisions_may_come_after_the_step():
    late = (*STORY[:10], (replica_set(OLD, 1, 4), 15), *STORY[10:])
    later = (*STORY[:11], (replica_set(OLD, 1, 4), 15), *STORY[11:])
    strict, gradual = Expected(), Expected(is_gradual=True)
    assert differences(told(*late, expected=gradual), told(*later, expected=gradual)) == []
    assert differences(told(*late, expected=strict), told(*later, expected=strict)) != []

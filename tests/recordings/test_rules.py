import json

import pytest

from tests.recordings.rules import SENT_AT_MOST, by_rests, cut_short, forgiven, scalings, turns, uncounted_while_running

MORE, TERMINATING, AVAILABLE = (
    f"Progressing: {text}" for text in ("more replicas", "old replicas are pending", "still becoming available")
)
PAUSED, HEALTHY = "Paused: CanaryPauseStep", "Healthy: "


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([], []),
        ([3], [3]),
        ([0, 4, 3, 2, 1, 0], [0, 4, 0]),
        ([0, 4, 3, 6, 4, 3, 2, 0], [0, 4, 3, 6, 0]),
        ([0, 2, 4], [0, 4]),
    ],
)
def test_a_count_keeps_its_turns(values, kept):
    assert turns(values) == kept


def test_a_count_that_turns_elsewhere_differs():
    argo, ours = forgiven("replicas web-1", [0, 4, 3, 4, 0], [0, 4, 2, 4, 0])
    assert argo != ours


def scaled(word, name, before, after):
    return f"Normal ScalingReplicaSet: Scaled {word} ReplicaSet {name} from {before} to {after}"


def test_scalings_in_one_direction_are_one():
    finer = [scaled("up", "b", 0, 2), scaled("down", "a", 4, 3), scaled("down", "a", 3, 2)]
    assert scalings(finer) == scalings([scaled("down", "a", 4, 2), scaled("up", "b", 0, 2)])
    assert scalings(finer) != scalings([scaled("down", "a", 4, 1), scaled("up", "b", 0, 2)])


def test_messages_of_progress_may_be_left_out_between_rests():
    argo, ours = by_rests([MORE, PAUSED, MORE, TERMINATING, AVAILABLE, HEALTHY], [MORE, PAUSED, AVAILABLE, HEALTHY])
    assert argo == ours


@pytest.mark.parametrize(
    "ours",
    [
        [MORE, HEALTHY],
        [PAUSED, AVAILABLE, MORE, HEALTHY],
        [MORE, PAUSED, "Progressing: other words", HEALTHY],
        [MORE, PAUSED, AVAILABLE, HEALTHY, PAUSED],
    ],
)
def test_rests_words_and_order_must_agree(ours):
    argo, ours = by_rests([MORE, PAUSED, MORE, AVAILABLE, HEALTHY], ours)
    assert argo != ours


def metric(phase, kept):
    said = {"name": "m", "phase": phase, "message": None, "dryRun": None, "metadata": None}
    return json.dumps({**said, "oldest": {"value": "1"}, "kept": kept})


def test_only_unfinished_metrics_are_not_counted():
    assert uncounted_while_running([metric("Running", 1)]) == uncounted_while_running([metric("Running", 2)])
    assert uncounted_while_running([metric("Failed", 1)]) != uncounted_while_running([metric("Failed", 2)])


def test_only_successful_background_metrics_are_not_counted():
    name = "last metrics of web-7bfb67cdff-2"
    argo, ours = forgiven(name, [metric("Successful", 8)], [metric("Successful", 9)])
    assert argo == ours
    argo, ours = forgiven(name, [metric("Failed", 1)], [metric("Failed", 2)])
    assert argo != ours


def test_late_events_count_only_where_the_client_sent_fewer_than_it_may():
    said = [f"Normal RolloutUpdated: {number}" for number in range(SENT_AT_MOST)]
    full = {"every event": said, "events of release": said}
    more = {"every event": [*said, "late"], "events of release": [*said, "late"]}
    argo, ours = cut_short(full, more)
    assert argo == ours
    fewer = {"every event": said[1:], "events of release": said[1:]}
    argo, ours = cut_short(fewer, {"every event": [*said[1:], "late"], "events of release": [*said[1:], "late"]})
    assert argo != ours


def test_a_warning_of_common_labels_is_ours_alone_where_all_have_one_selector():
    warning = "Warning SelectorOverlap: spec.selector: app=web also selects the pods of Rollout i01"
    argo, ours = forgiven("events of release i43", ["Normal A: a"], ["Normal A: a", warning])
    assert argo == ours
    argo, ours = forgiven("events of release", ["Normal A: a"], ["Normal A: a", warning])
    assert argo != ours


def test_the_number_of_a_revision_may_come_after_its_start():
    number = "Normal RolloutUpdated: Rollout updated to revision 2"
    start = "Normal RolloutNotCompleted: Rollout not completed, started update to revision 2 (db-1)"
    argo, ours = forgiven("events of release", [number, start, "b"], [start, number, "b"])
    assert argo == ours
    argo, ours = forgiven("events of release", [number, start, "b"], [number, "b", start])
    assert argo != ours


def test_weights_that_follow_places_keep_their_ends():
    argo, ours = forgiven("weights by places", [[0, 100], [50, 50], [0, 100]], [[0, 100], [25, 75], [0, 100]])
    assert argo == ours
    argo, ours = forgiven("weights by places", [[0, 100], [50, 50], [0, 100]], [[0, 100], [50, 50]])
    assert argo != ours


def test_a_deletion_may_be_told_of_before_what_preceded_it():
    deleted = "Normal RolloutDeleted: Rollout web/x is deleted."
    argo, ours = forgiven("events of release", ["Normal A: a", deleted], [deleted, "Normal A: a"])
    assert argo == ours
    argo, ours = forgiven("events of release", ["Normal A: a", deleted], ["Normal A: a"])
    assert argo != ours


def test_a_route_may_be_given_back_without_an_interim_of_the_same_share():
    by_way = [[[1, 0]], [[50, 50], [1]], [[0, 100]], [[100, 0]], [[1, 0]]]
    at_once = [[[1, 0]], [[50, 50], [1]], [[0, 100]], [[1, 0]]]
    assert len(set(map(str, forgiven("route web", by_way, at_once)))) == 1
    for wrong in (at_once[:-1], [*at_once[:-1], [[100, 0]]], [at_once[0], *at_once[2:]], [*at_once, [[None, 0]]]):
        a, b = forgiven("route web", by_way, wrong)
        assert a != b, wrong

import json
from copy import deepcopy

import pytest

from tests.recordings import comparer
from tests.recordings.comparer import ARGO, OURS, Listed, complaints, departures, differences, listed, read
from tests.recordings.recorder import OURS as INVENTED
from tests.recordings.recorder import SITUATIONS
from tests.recordings.rules import SENT_AT_MOST

ENOUGH = "canary-abort-retry"
OWN = "partition-abort-retry"
SMALL, ALL = 120_000, 2_000_000


@pytest.fixture
def rows():
    return deepcopy(comparer.argo(ENOUGH))


@pytest.fixture
def nothing_listed(monkeypatch):
    monkeypatch.setattr(comparer, "listed", list)


def names(found):
    return [difference.sequence for difference in found]


def test_every_recording_has_a_situation_and_every_situation_a_recording():
    assert {path.stem for path in ARGO.glob("*.jsonl")} == set(SITUATIONS)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_recording_is_the_same_as_itself(situation):
    assert differences(comparer.argo(situation), comparer.argo(situation)) == []


def test_times_make_no_difference(rows):
    for row in rows:
        row["t"] *= 3
    assert differences(comparer.argo(ENOUGH), rows) == []


def changed(rows, **changes):
    """The first row of the kind Rollout whose status has *changes*' names, with their values."""
    for row in rows:
        status = row.get("patch", {}).get("status", {}) if row.get("kind") == "Rollout" else {}
        if changes.keys() <= status.keys():
            status |= changes
            return
    raise AssertionError(f"no row has {changes}")


def said(message, count=1, of="Rollout/web"):
    event = {"type": "Normal", "reason": "RolloutPaused", "message": message, "count": count}
    return {"t": 0, "event": {"regarding": of, **event}}


def test_what_is_said_again_may_be_a_count():
    theirs = [said("a"), said("b"), said("a", 2)]
    assert differences(theirs, [said("a", 2), said("b")]) == []
    for wrong in ([said("a"), said("b")], [said("a", 2)], [said("b"), said("a", 2)], [said("a", 3), said("c")]):
        assert names(differences(theirs, wrong)) == ["events of release"], wrong


def test_what_is_said_of_another_counts_for_that_one():
    another = said("a", of="AnalysisRun/other")
    theirs = [said("a"), said("b"), said("a", 2), another]
    assert names(differences(theirs, [said("a"), said("b"), another])) == ["events of release"]


def test_another_phase_is_found(rows):
    changed(rows, phase="Degraded", message="planted")
    assert "phase" in names(differences(comparer.argo(ENOUGH), rows))


def test_another_step_is_found(rows):
    changed(rows, currentStepIndex=7)
    assert "step" in names(differences(comparer.argo(ENOUGH), rows))


def test_another_word_in_an_event_is_found(rows):
    event = next(row["event"] for row in rows if row.get("event", {}).get("reason") == "RolloutAborted")
    event["message"] += "!"
    assert names(differences(comparer.argo(ENOUGH), rows)) == ["events of release"]


def test_a_missing_event_is_found(rows):
    rows.remove(next(row for row in rows if row.get("event", {}).get("reason") == "RolloutStepCompleted"))
    assert names(differences(comparer.argo(ENOUGH), rows)) == ["events of release"]


def test_another_size_at_a_pause_is_found():
    rows = json.loads(json.dumps(comparer.argo("canary-promote")).replace('{"replicas": 3}', '{"replicas": 2}'))
    assert "sizes when paused" in names(differences(comparer.argo("canary-promote"), rows))


def test_another_weight_is_found():
    rows = json.loads(json.dumps(comparer.argo("nginx")).replace('canary-weight": "50"', 'canary-weight": "60"'))
    assert names(differences(comparer.argo("nginx"), rows)) == ["ingress web-web-canary"]


def test_a_phase_never_reached_is_found(rows):
    rows.append({"t": 99, "did": "never became ('Healthy',)"})
    assert names(differences(comparer.argo(ENOUGH), rows)) == ["failures"]


def test_what_differs_and_is_not_listed_is_complained_of(rows, nothing_listed):
    changed(rows, currentStepIndex=7)
    assert complaints(ENOUGH, rows)[0].startswith("differs: step")


def test_what_differs_as_listed_is_as_wanted(rows, monkeypatch):
    changed(rows, currentStepIndex=7)
    found = differences(comparer.argo(ENOUGH), rows)
    monkeypatch.setattr(comparer, "listed", lambda: [Listed(ENOUGH, d.sequence, d.ours, "planted") for d in found])
    assert complaints(ENOUGH, rows) == []


def test_what_differs_otherwise_than_listed_is_complained_of(rows, monkeypatch):
    changed(rows, phase="Degraded", message="planted")
    monkeypatch.setattr(comparer, "listed", lambda: [Listed(ENOUGH, "phase", ["Healthy: "], "planted")])
    assert complaints(ENOUGH, rows)[0].startswith("differs, but not as listed: phase")


def test_what_is_listed_and_differs_no_longer_is_complained_of(rows, monkeypatch):
    monkeypatch.setattr(comparer, "listed", lambda: [Listed(ENOUGH, "phase", ["Healthy: "], "planted")])
    assert complaints(ENOUGH, rows) == ["listed, but differs no longer: phase"]


def test_a_difference_is_listed_once_for_a_situation_that_is_recorded_and_has_a_reason():
    entries = [(entry.situation, entry.sequence) for entry in listed()]
    assert sorted(set(entries)) == sorted(entries)
    assert {situation for situation, _ in entries} <= set(SITUATIONS)
    assert [entry for entry in listed() if not entry.reason.strip()] == []


def test_every_golden_file_has_a_situation_of_ours_and_every_one_of_these_a_golden_file():
    assert {path.stem for path in OURS.glob("*.jsonl")} == set(INVENTED)
    assert set(INVENTED) & set(SITUATIONS) == set()


def test_golden_files_stay_small():
    sizes = {path.stem: path.stat().st_size for path in OURS.glob("*.jsonl")}
    assert [name for name, size in sizes.items() if size > SMALL] == []
    assert sum(sizes.values()) <= ALL


@pytest.mark.parametrize("situation", INVENTED)
def test_a_golden_file_is_the_same_as_itself_and_tells_of_no_failure(situation):
    golden = read(OURS / f"{situation}.jsonl")
    assert complaints(situation, golden) == []
    assert [row["did"] for row in golden if str(row.get("did")).startswith(FAILED)] == []


FAILED = ("never", "refused", "recording ended")


@pytest.fixture
def own():
    return read(OURS / f"{OWN}.jsonl")


def test_nothing_may_differ_from_a_golden_file(own):
    changed(own, phase="Degraded", message="planted")
    assert complaints(OWN, own)[0].startswith("differs: ")


def test_a_partition_and_an_image_that_differ_are_found(own):
    text = json.dumps(own).replace('"partition": 2', '"partition": 3').replace('"image": "web:2"', '"image": "web:9"')
    found = names(departures(read(OURS / f"{OWN}.jsonl"), json.loads(text)))
    assert found == ["images db", "partition db"]


def test_a_missing_event_differs_from_a_golden_file_however_many_there_are(own):
    late = [row for row in own if row.get("event", {}).get("reason") == "PartitionMoved"][-1]
    own.remove(late)
    assert len([row for row in own if "event" in row]) > SENT_AT_MOST
    assert names(departures(read(OURS / f"{OWN}.jsonl"), own)) == ["events of release"]


def test_words_of_progress_differ_from_no_golden_file(own):
    text = json.dumps(own).replace("more replicas need to be updated", "more pods are on their way")
    assert "phase" not in names(departures(read(OURS / f"{OWN}.jsonl"), json.loads(text)))

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from analysis.answers import Answer, Failure, Pending, Reading
from rollouts.api.analysis import AnalysisRun, AnalysisRunStatus, Measurement, MetricResult, Phase, RunSummary
from rollouts.api.meta import Metadata
from rollouts.planner.actions import Announcement
from rollouts.planner.analysisrun import RunPlan, RunSnapshot, agenda, conclude

NOW = datetime(2026, 11, 21, 0, 51, 5, 400_000, tzinfo=UTC)
SECOND = NOW.replace(microsecond=0)
RECORDED = json.loads((Path(__file__).parent / "run-limits.json").read_text())


def run(spec, status=None, **metadata):
    return AnalysisRun(Metadata(name="run", namespace="ns", **metadata), spec, status or AnalysisRunStatus())


def metric(name="m", **rules):
    return {"name": name, "provider": {"web": {"url": "http://x"}}, "successCondition": "result == 1", **rules}


def one(name, value, at=NOW):
    return Answer(name, Reading(value, str(value)), at, at)


class Played:
    """A run played in virtual time: each metric answers what the values in its URL say, the last one for ever."""

    def __init__(self, spec):
        self.run, self.now, self.calls, self.events, self.passes = run(spec), NOW, {}, [], 0

    def answer(self, query):
        values = parse_qs(urlsplit(query.metric.provider.web.url).query)["v"][0].split(",")
        at = self.calls[query.metric.name] = self.calls.get(query.metric.name, -1) + 1
        value = values[min(at, len(values) - 1)]
        failed = Failure(f"received non 2xx response code: {value[1:]}")
        outcome = failed if value.startswith("e") else Reading(float(value), value)
        return Answer(query.metric.name, outcome, self.now, self.now)

    def play(self):
        while not self.run.status.completed:
            snapshot = RunSnapshot(self.run)
            due = agenda(snapshot, self.now)
            plan = conclude(snapshot, [self.answer(query) for query in due.queries], self.now)
            self.events.extend(plan.events)
            self.run = msgspec.structs.replace(self.run, status=plan.status)
            self.now = max(self.now, plan.wake_at or self.now)
            self.passes += 1
            assert self.passes < 100, "the run does not end"
        return self


def timeless(status):
    """The status as JSON without times; results by name, for side by side they finish in any order."""
    shown = json.loads(msgspec.json.encode(status))
    for key in ("startedAt", "completedAt"):
        shown.pop(key, None)
    for result in shown.get("metricResults", ()):
        for measurement in result["measurements"]:
            measurement.pop("startedAt"), measurement.pop("finishedAt")
    shown.get("metricResults", []).sort(key=lambda result: result["name"])
    return shown


# Where we say more than Argo Rollouts, or count as it says.
BETTER = {
    "success-limit-count": {
        "message": 'Metric "m" assessed Failed due to consecutiveSuccess (2) < consecutiveSuccessLimit (3) after count (5)',
        "runSummary": {"count": 1, "failed": 1},
    }
}


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: row["run"])
def test_a_run_ends_as_recorded(row):
    recorded = {**row["status"], **BETTER.get(row["run"], {})}
    recorded.get("metricResults", []).sort(key=lambda result: result["name"])
    assert timeless(Played(row["spec"]).play().run.status) == recorded


def test_events_tell_of_each_metric_and_then_of_the_run():
    assert Played({"metrics": [metric(provider={"web": {"url": "http://x?v=0"}})]}).play().events == [
        Announcement("MetricFailed", "Metric 'm' Completed. Result: Failed", is_warning=True),
        Announcement("AnalysisRunFailed", "Analysis Completed. Result: Failed", is_warning=True),
    ]


def test_an_invalid_run_ends_with_its_event_and_asks_nothing():
    snapshot = RunSnapshot(run({"metrics": []}))
    assert agenda(snapshot, NOW).queries == ()
    assert conclude(snapshot, [], NOW) == RunPlan(
        AnalysisRunStatus(phase="Error", message="Analysis spec invalid: no metrics specified"),
        (Announcement("AnalysisRunError", "Analysis Completed. Result: Error", is_warning=True),),
    )


def test_a_spec_that_cannot_be_read_is_an_error_with_the_field():
    plan = conclude(RunSnapshot(run({"metrics": [{"name": "m"}]})), [], NOW)
    assert plan.status.message == "Analysis spec invalid: spec.metrics[0].provider: Required value: must be set"


def test_metrics_stand_in_the_order_of_their_first_answers():
    snapshot = RunSnapshot(run({"metrics": [metric("a", count=2, interval="1s"), metric("b", count=2, interval="1s")]}))
    plan = conclude(snapshot, [one("b", 1.0), one("a", 1.0)], NOW)
    assert [result.name for result in plan.status.metric_results] == ["b", "a"]


def test_the_first_write_has_its_time_and_both_summaries():
    plan = conclude(RunSnapshot(run({"metrics": [metric(initialDelay="2s")]})), [], NOW)
    assert plan == RunPlan(
        AnalysisRunStatus(
            phase="Running", started_at=SECOND, run_summary=RunSummary(count=1), dry_run_summary=RunSummary()
        ),
        wake_at=SECOND + timedelta(seconds=2),
    )


def running(spec, *measurements, **result):
    metrics = (MetricResult(name="m", phase="Running", measurements=measurements, **result),)
    return RunSnapshot(run(spec, AnalysisRunStatus(phase="Running", started_at=SECOND, metric_results=metrics)))


GOOD = Measurement(phase="Successful", started_at=SECOND, finished_at=SECOND)
BAD = Measurement(phase="Error", started_at=SECOND, finished_at=SECOND)


@pytest.mark.parametrize(
    ("interval", "last", "seconds"),
    [("20s", GOOD, 20), ("20s", BAD, 10), ("300ms", GOOD, 1), ("1h", BAD, 10)],
    ids=["the interval", "ten seconds after an error", "a short interval is a second", "an error shortens an hour"],
)
def test_the_next_measurement_is_due_after(interval, last, seconds):
    due = agenda(running({"metrics": [metric(interval=interval)]}, last), NOW)
    assert (due.queries, due.wake_at) == ((), SECOND + timedelta(seconds=seconds))


def test_a_pending_measurement_is_asked_again_when_it_said_and_replaced():
    later = SECOND + timedelta(seconds=30)
    spec = {"metrics": [metric()]}
    first = conclude(RunSnapshot(run(spec)), [Answer("m", Pending(later, {"job": "j"}), NOW, NOW)], NOW)
    waiting = RunSnapshot(run(spec, first.status))
    assert (agenda(waiting, NOW).wake_at, agenda(waiting, NOW).queries) == (later, ())
    query = agenda(waiting, later).queries[0]
    assert (query.previous.metadata, query.cancel) == ({"job": "j"}, False)
    done = conclude(waiting, [one("m", 1.0, later)], later).status.metric_results[0]
    assert (len(done.measurements), done.measurements[0].started_at, done.count) == (1, SECOND, 1)


def test_termination_cancels_what_is_under_way_and_nothing_new_begins():
    spec = {"metrics": [metric(), metric("n")], "terminate": True}
    snapshot = running(spec, Measurement(phase="Running", started_at=SECOND))
    queries = agenda(snapshot, NOW).queries
    assert [(query.metric.name, query.cancel) for query in queries] == [("m", True)]
    plan = conclude(snapshot, [Answer("m", Reading(None, "", phase=Phase.SUCCESSFUL), NOW, NOW)], NOW)
    assert plan.status.metric_results[0].measurements[0].message == "Metric Terminated"
    assert (plan.status.phase, plan.status.message) == ("Successful", "Run Terminated")


def test_a_run_that_waits_for_a_cancelled_measurement_goes_on():
    snapshot = running({"metrics": [metric()], "terminate": True}, Measurement(phase="Running", started_at=SECOND))
    assert conclude(snapshot, [], NOW).status.phase == "Running"


def test_one_failed_metric_ends_the_run_for_all():
    spec = {"metrics": [metric("a", count=5, interval="1s"), metric("b", count=5, interval="1s")]}
    plan = conclude(RunSnapshot(run(spec)), [one("a", 1.0), one("b", 0.0)], NOW)
    phases = {result.name: result.phase for result in plan.status.metric_results}
    assert (phases, plan.status.phase) == ({"a": "Successful", "b": "Failed"}, "Failed")


def test_an_answer_to_a_finished_or_unknown_metric_changes_nothing():
    spec = {"metrics": [metric(), metric("n", initialDelay="1h")]}
    before = conclude(RunSnapshot(run(spec)), [one("m", 1.0)], NOW).status
    assert conclude(RunSnapshot(run(spec, before)), [one("m", 0.0), one("gone", 0.0)], NOW).status == before


@pytest.mark.parametrize(
    ("phase", "ttl", "seconds"),
    [
        ("Successful", {"secondsAfterSuccess": 5, "secondsAfterCompletion": 9}, 5),
        ("Failed", {"secondsAfterFailure": 6, "secondsAfterCompletion": 9}, 6),
        ("Failed", {"secondsAfterSuccess": 5, "secondsAfterCompletion": 9}, 9),
        ("Error", {"secondsAfterFailure": 6, "secondsAfterCompletion": 9}, 9),
        ("Error", {"secondsAfterFailure": 6}, None),
    ],
)
def test_a_finished_run_is_deleted_after_its_time(phase, ttl, seconds):
    status = AnalysisRunStatus(phase=phase, completed_at=SECOND)
    snapshot = RunSnapshot(run({"metrics": [metric()], "ttlStrategy": ttl}, status))
    if seconds is None:
        assert conclude(snapshot, [], NOW) == RunPlan(status)
        return
    at = SECOND + timedelta(seconds=seconds)
    assert conclude(snapshot, [], at) == RunPlan(status, wake_at=at)
    assert conclude(snapshot, [], at + timedelta(milliseconds=1)) == RunPlan(status, delete=True)


def test_a_run_that_never_began_is_deleted_counting_from_its_creation():
    spec = {"metrics": [], "ttlStrategy": {"secondsAfterCompletion": 3}}
    status = AnalysisRunStatus(phase="Error", message="Analysis spec invalid: no metrics specified")
    snapshot = RunSnapshot(run(spec, status, creation_timestamp=SECOND))
    assert conclude(snapshot, [], SECOND + timedelta(seconds=4)).delete


def test_a_secret_in_a_condition_is_used_and_never_shown():
    spec = {
        "metrics": [metric(successCondition="result == '{{args.token}}' and nope")],
        "args": [{"name": "token", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
    }
    query = agenda(RunSnapshot(run(spec)), NOW).queries[0]
    assert [arg.name for arg in query.secrets] == ["token"]
    answer = Answer("m", Reading("s3cret", "s3cret"), NOW, NOW, {"token": "s3cret"})
    status = conclude(RunSnapshot(run(spec)), [answer], NOW).status
    assert "s3cret" not in msgspec.json.encode(status).decode()
    assert "result == '*****' and nope" in status.metric_results[0].measurements[0].message


def test_a_wake_up_for_nothing_writes_nothing():
    spec = {"metrics": [metric(interval="20s")]}
    before = conclude(RunSnapshot(run(spec)), [one("m", 1.0)], NOW).status
    assert conclude(RunSnapshot(run(spec, before)), [], NOW + timedelta(seconds=3)).status == before

import json
from itertools import pairwise
from pathlib import Path

import pytest

from analysis.assess import Case, assess, is_worse
from analysis.limits import limits_of
from rollouts.api.analysis import Measurement, Metric, MetricResult

TABLES = json.loads((Path(__file__).parent / "phases.json").read_text())
COLUMNS = TABLES["metricPhase"]["columns"]
ROWS = [dict(zip(COLUMNS, row, strict=True)) for row in TABLES["metricPhase"]["rows"]]
LIMITS = ("interval", "count", "failureLimit", "inconclusiveLimit", "consecutiveSuccessLimit", "consecutiveErrorLimit")


def case_of(row):
    rules = {name: row[name] for name in LIMITS if row[name] is not None}
    limits = limits_of(Metric.model_validate({"name": "m", "provider": {}, **rules}))
    last = row["lastMeasurement"]
    result = MetricResult(
        name="m",
        measurements=(Measurement(phase=last),) if last else (),
        count=row["resultCount"],
        failed=row["failed"],
        inconclusive=row["inconclusive"],
        successful=row["successful"],
        consecutive_success=row["consecutiveSuccess"],
        consecutive_error=row["consecutiveError"],
    )
    return Case(limits, result, row["terminating"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: json.dumps(list(row.values())))
def test_a_metric_has_the_phase_of_the_table(row):
    assert assess(case_of(row)).phase == row["phase"]


def test_the_table_of_phases_is_whole():
    assert len(ROWS) == 57


@pytest.mark.parametrize(("better", "worse"), list(pairwise(TABLES["worseOrder"])))
def test_a_later_phase_in_the_order_is_worse(better, worse):
    assert (is_worse(worse, better), is_worse(better, worse), is_worse(worse, worse)) == (True, False, False)

import pytest

from analysis.limits import InvalidMetricError, dry_run_names, limits_of, retention, validate
from rollouts.api.analysis import DryRun, MeasurementRetention, Metric

WEB = {"web": {"url": "x"}}


def metric(name="m", provider=WEB, **rules):
    return Metric.model_validate({"name": name, "provider": provider, **rules})


@pytest.mark.parametrize(
    ("rules", "count"),
    [({}, 1), ({"interval": "1s"}, 0), ({"count": 0}, 1), ({"count": 0, "interval": "1s"}, 0), ({"count": "7"}, 7)],
)
def test_without_a_count_the_interval_decides(rules, count):
    assert limits_of(metric(**rules)).count == count


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"count": 2}, "interval must be specified when count > 1"),
        ({"interval": "nope"}, "invalid interval string: "),
        ({"initialDelay": "nope"}, "invalid startDelay string: "),
        ({"failureLimit": -1}, "failureLimit and consecutiveSuccessLimit cannot both be disabled"),
        ({"failureLimit": -2}, "failureLimit must be >= -1"),
        ({"consecutiveSuccessLimit": -1}, "consecutiveSuccessLimit must be >= 0"),
        ({"inconclusiveLimit": -1}, "inconclusiveLimit must be >= 0"),
        ({"consecutiveErrorLimit": -1}, "consecutiveErrorLimit must be >= 0"),
        ({"count": 1, "failureLimit": 2}, "count must be >= failureLimit"),
        ({"count": 1, "inconclusiveLimit": 2}, "count must be >= inconclusiveLimit"),
        (
            {"count": 3, "interval": "1s", "failureLimit": 2, "consecutiveSuccessLimit": 2},
            "count must be >= failureLimit + consecutiveSuccessLimit",
        ),
        ({"count": "many"}, 'count "many" is not a whole number'),
        ({"failureLimit": "x"}, 'failureLimit "x" is not a whole number'),
        ({"provider": {}}, "no provider specified"),
        ({"provider": {**WEB, "prometheus": {}}}, "multiple providers specified"),
        ({"provider": {"plugin": {"a/b": {}, "c/d": {}}}}, "multiple providers specified"),
    ],
)
def test_a_metric_that_cannot_be_run_is_refused(rules, message):
    with pytest.raises(InvalidMetricError) as error:
        validate([metric("ok"), metric(**rules)])
    assert str(error.value).startswith(f"metrics[1]: {message}")


@pytest.mark.parametrize("rules", [{"count": 0}, {"count": "0"}, {}])
def test_limits_are_held_against_a_count_that_was_given(rules):
    validate([metric(failureLimit=3, inconclusiveLimit=3, **rules)])


@pytest.mark.parametrize(
    ("metrics", "message"),
    [([], "no metrics specified"), ([metric(), metric()], "metrics[1]: duplicate name 'm'")],
)
def test_metrics_that_cannot_stand_together_are_refused(metrics, message):
    with pytest.raises(InvalidMetricError, match=message.replace("[", r"\[")):
        validate(metrics)


@pytest.mark.parametrize(
    "rules",
    [
        {"count": 5, "interval": "1s", "failureLimit": -1, "consecutiveSuccessLimit": 5},
        {"interval": "1s", "failureLimit": 100},
        {"count": 2, "interval": "1s", "failureLimit": 2, "inconclusiveLimit": 2},
    ],
)
def test_rules_that_fit_are_accepted(rules):
    validate([metric(**rules)])


METRICS = [metric("test"), metric("mytest1"), metric("other")]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("test.*", {"test", "mytest1"}),
        (".*", {"test", "mytest1", "other"}),
        ("^test$", {"test"}),
        ("", {"test", "mytest1", "other"}),
    ],
)
def test_a_dry_run_rule_is_searched_anywhere(pattern, names):
    assert dry_run_names([DryRun(metric_name=pattern)], METRICS) == names


@pytest.mark.parametrize("pattern", ["nope", "*", "(?=x)"])
def test_a_rule_that_names_no_metric_is_refused(pattern):
    with pytest.raises(InvalidMetricError, match=r"dryRun\[0\]: Rule didn't match any metric name\(s\)"):
        dry_run_names([DryRun(metric_name=pattern)], METRICS)
    with pytest.raises(InvalidMetricError, match=r"measurementRetention\[0\]: Rule didn't match any metric name\(s\)"):
        retention([MeasurementRetention(metric_name=pattern, limit=1)], METRICS)


def test_only_a_positive_limit_of_retention_counts():
    rules = [MeasurementRetention(metric_name="^test", limit=3), MeasurementRetention(metric_name="other", limit=0)]
    assert retention(rules, METRICS) == {"test": 3}

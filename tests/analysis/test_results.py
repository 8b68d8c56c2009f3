from datetime import UTC, datetime

import msgspec
import pytest

from analysis.answers import Answer, Failure, Reading
from analysis.content import content_of
from analysis.results import MAX_MESSAGE, MAX_VALUE, with_answers
from rollouts.api.analysis import parse_run_spec

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def measured(outcome, **rules):
    metric = {"name": "m", "provider": {"web": {"url": "x"}}, **rules}
    content = content_of(parse_run_spec({"metrics": [metric]}))
    return with_answers(content, (), [Answer("m", outcome, NOW, NOW)], terminating=False)[0].measurements[0]


@pytest.mark.parametrize(
    "outcome",
    [Reading("x", "x" * 6_000_000), Failure("x" * 6_000_000), Failure("m", metadata={"warnings": "x" * 6_000_000})],
)
def test_what_is_stored_is_bounded(outcome):
    assert len(msgspec.json.encode(measured(outcome))) < MAX_VALUE + MAX_MESSAGE + 500


@pytest.mark.parametrize("condition", ["asFloat(result) > 1", "result matches 'x'", "result == '\\\\ud800'"])
def test_half_a_surrogate_pair_can_be_stored(condition):
    found = measured(Reading("a\ud800", '"a\ufffd"'), successCondition=condition)
    assert msgspec.json.decode(msgspec.json.encode(found))["phase"] in ("Error", "Failed")


def test_a_condition_whose_secret_was_not_read_is_an_error():
    limit = {"name": "limit", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    metric = {"name": "m", "provider": {"web": {"url": "x"}}, "successCondition": "result < {{args.limit}}"}
    content = content_of(parse_run_spec({"metrics": [metric], "args": [limit]}))
    (result,) = with_answers(content, (), [Answer("m", Reading(1.0, "1"), NOW, NOW)], terminating=False)
    (found,) = result.measurements
    assert (found.phase, found.message, found.value) == ("Error", "failed to resolve {{args.limit}}", "")

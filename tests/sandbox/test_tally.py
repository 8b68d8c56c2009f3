from collections import Counter

import pytest

from rollouts.sandbox.tally import Answer, Failure, Phase, Report, answer_in

OLD = Answer(200, "old-1", "v1", "a")
NEW = Answer(200, "new-1", "v2", "b")
ERROR = Answer(500, "new-1", "v2", "b")
PROXY = Answer(503)
NOBODY = Answer(0)


def phase(name: str, **_: object) -> Phase:
    failure = Failure(1.0, name, "HTTP 500", ERROR)
    return Phase(name, 1.0, Counter({OLD: 70, NEW: 25, ERROR: 3, PROXY: 1, NOBODY: 1}), (failure,))


def test_failed_are_all_without_a_good_answer_and_lost_those_that_reached_no_pod():
    assert (phase("p").requests, phase("p").failed, phase("p").lost) == (100, 5, 2)


def test_shares_are_of_all_requests():
    assert phase("p").share_of("v2") == 0.28
    assert phase("p").by(lambda answer: answer.pod) == {"old-1": 70, "new-1": 28, "": 2}


def test_a_phase_without_requests_has_no_shares():
    assert Phase("p", 0.0, Counter(), ()).share_of("v1") == 0.0


def test_the_total_is_the_sum_of_the_phases():
    report = Report((phase("one"), phase("two")))
    assert (report.requests, report.total.requests, len(report.failures)) == (200, 200, 2)


def test_the_last_phase_of_a_name_is_found():
    last = Phase("one", 2.0, Counter(), ())
    report = Report((phase("one"), last))
    assert report.phase("one") is last
    with pytest.raises(KeyError):
        report.phase("two")


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, {"pod": "p", "version": "v", "hash": "h", "namespace": "n"}, Answer(200, "p", "v", "h")),
        (404, None, Answer(404)),
        (502, {"error": "x"}, Answer(502)),
        (200, [1], Answer(200)),
    ],
)
def test_only_the_application_names_a_pod(status, body, answer):
    assert answer_in(status, body) == answer


def test_a_report_as_json_counts_reasons():
    (described,) = Report((phase("one"),)).as_json()
    assert described["versions"] == {"v1": 70, "v2": 28, "": 2}
    assert described["failures"] == {"HTTP 500": 1}

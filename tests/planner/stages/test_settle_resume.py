from dataclasses import replace

import pytest

from rollouts.api.analysis import AnalysisRun, AnalysisRunStatus
from rollouts.api.meta import Metadata
from rollouts.planner.stages.settle_resume import settle_resume
from tests import given
from tests.given import NOW, draft, pause, set_weight

RUN = "web-run"
PAUSED = {"reason": "CanaryPauseStep", "startTime": given.at(NOW)}
STEPS = (set_weight(25), pause(), set_weight(50), {"analysis": given.CHECKS}, {"analysis": given.CHECKS})
RELEASE = given.release(*STEPS).pods(stable="3/3", canary="1/1").having(controllerPause=True)
SIDES = {"autoPromotionEnabled": False, "prePromotionAnalysis": given.CHECKS, "postPromotionAnalysis": given.CHECKS}
PREVIEW = given.blue_green(**SIDES).pods(canary="4/4").having(controllerPause=True)
AT_ONCE = given.blue_green(**{**SIDES, "autoPromotionEnabled": True}).pods(canary="4/4").having(controllerPause=True)


def naming(situation, where, field):
    return situation.having(**{where: {f"{field}RunStatus": {"name": RUN, "status": "Inconclusive"}}})


def heard(situation, *phases, label=""):
    """Whether controllerPause is kept, with runs of the status's name and of these phases."""
    runs = tuple(
        AnalysisRun(Metadata(name=RUN, labels={"step-index": label}), {}, AnalysisRunStatus(phase)) for phase in phases
    )
    snapshot = replace(situation.snapshot, runs=runs)
    return settle_resume(snapshot, draft(snapshot), NOW).status.controller_pause


STEP = ("canary", "currentStepAnalysis")
BACKGROUND = ("canary", "currentBackgroundAnalysis")
BEFORE = ("blueGreen", "prePromotionAnalysis")
AFTER = ("blueGreen", "postPromotionAnalysis")


@pytest.mark.parametrize(
    ("name", "situation", "phases", "kept"),
    [
        ("a pause is resumed", RELEASE.step(1), (), True),
        ("a step that is no pause", RELEASE.step(2), (), False),
        ("no step left", RELEASE.step(5), (), False),
        ("its analysis could not tell", naming(RELEASE.step(3), *STEP), ("Inconclusive",), True),
        ("its analysis is still measured", naming(RELEASE.step(3), *STEP), ("Running",), False),
        ("its analysis is gone", naming(RELEASE.step(3), *STEP), (), False),
        ("the analysis before it could not tell", naming(RELEASE.step(4), *STEP), ("Inconclusive",), False),
        ("the background could not tell", naming(RELEASE.step(2), *BACKGROUND), ("Inconclusive",), True),
        ("still to be switched", PREVIEW, (), True),
        ("switched", PREVIEW.pointing(active="canary"), (), False),
        ("no pause is wanted", AT_ONCE, (), False),
        ("the analysis before could not tell", naming(AT_ONCE, *BEFORE), ("Inconclusive",), True),
        (
            "the analysis after could not tell",
            naming(PREVIEW.pointing(active="canary"), *AFTER),
            ("Inconclusive",),
            True,
        ),
        ("the pause still stands", RELEASE.step(2).having(pauseConditions=[PAUSED]), (), True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_resume_is_kept_while_something_waits_for_it(name, situation, phases, kept):
    assert heard(situation, *phases, label="3") is kept, name


def test_nobody_resumed():
    assert heard(RELEASE.step(1).having(controllerPause=False)) is False

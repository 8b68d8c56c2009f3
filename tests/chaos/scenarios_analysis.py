"""Releases that are judged by metrics: in a step, in the background; well, badly, not at all."""

from typing import Any

from rollouts.api.kinds import ANALYSIS_RUN
from tests.chaos.scenarios_routers import BY_NGINX, NGINX
from tests.chaos.scenarios_words import (
    Delete,
    Is,
    Pods,
    Runs,
    Say,
    Scenario,
    Weighs,
    at_once,
    canary,
    image,
    resume,
    spec,
    when,
)
from tests.e2e.scene import pause, weight

GOOD, BAD = {"ok": True}, {"ok": False}
HEALTHY, DEGRADED = Is("Healthy"), Is("Degraded")
NEW, OLD = Pods({"v2": 4}), Pods({"v1": 4})
FOUR, ROUTED = (3, 5), (4, 8)


def template(condition: str = "result.ok", **fields: Any) -> dict[str, Any]:
    """The AnalysisTemplate `check`: it asks the metric server."""
    metric = {"name": "m", "successCondition": condition, "provider": {"web": {"url": "$METRICS"}}, **fields}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": "check"},
        "spec": {"metrics": [metric]},
    }


ASKED = {"templates": [{"templateName": "check"}]}
INLINE = canary(weight(50), {"analysis": ASKED}, pause(1))
THRICE = template(interval="1s", count=3)
FOREVER = template(interval="1s", failureLimit=1)


def beside(*steps: dict[str, Any], **analysis: Any) -> tuple[dict[str, Any], ...]:
    """A release by NGINX with an analysis in the background."""
    return (*NGINX, canary(*steps, **BY_NGINX, abortScaleDownDelaySeconds=1, analysis={**ASKED, **analysis}))


SCENARIOS = (
    Scenario(
        "analysis-good",
        given=(THRICE, INLINE),
        answers=GOOD,
        beats=(at_once(image("v2")),),
        ends=(HEALTHY, NEW, Runs(("Successful",))),
        writes=14,
        pods=FOUR,
    ),
    Scenario(
        "analysis-failing",
        given=(THRICE, INLINE),
        answers=BAD,
        beats=(at_once(image("v2")),),
        ends=(DEGRADED, OLD, Runs(("Failed",))),
        writes=9,
        pods=FOUR,
    ),
    Scenario(
        "analysis-in-error",
        given=(template(interval="1s", count=3, consecutiveErrorLimit=1), INLINE),
        answers="no JSON path leads into this",
        beats=(at_once(Say(GOOD, 503), image("v2")),),
        ends=(DEGRADED, OLD, Runs(("Error",))),
        writes=9,
        pods=FOUR,
    ),
    Scenario(
        "analysis-inconclusive",
        given=(template("result.ok > 0", failureCondition="result.ok < 0"), INLINE),
        answers={"ok": 0},
        beats=(
            at_once(image("v2")),
            when(Is("Paused", 1), Runs(("Inconclusive",))).then(Say({"ok": 1}), resume()),
        ),
        ends=(HEALTHY, NEW),
        writes=12,
        pods=FOUR,
    ),
    Scenario(
        "analysis-aborted",
        given=(template(interval="1s", count=1000), INLINE),
        answers=GOOD,
        beats=(at_once(image("v2")), when(Runs(("Running",))).then(spec(abort=True))),
        ends=(DEGRADED, OLD, Runs(("Successful",))),
        writes=12,
        pods=FOUR,
    ),
    Scenario(
        "analysis-deleted",
        given=(template(interval="1s", count=4), INLINE),
        answers=GOOD,
        beats=(at_once(image("v2")), when(Runs(("Running",))).then(Delete(ANALYSIS_RUN))),
        ends=(HEALTHY, NEW, Runs(("Successful",))),
        writes=14,
        pods=FOUR,
    ),
    Scenario(
        "background-good",
        given=(FOREVER, *beside(weight(25), pause(2), weight(50), pause(1))),
        answers=GOOD,
        beats=(at_once(image("v2")),),
        ends=(HEALTHY, NEW, Weighs(0), Runs(("Successful",))),
        writes=22,
        pods=ROUTED,
    ),
    Scenario(
        "background-failing",
        given=(FOREVER, *beside(weight(25), pause(), weight(50), pause(), startingStep=2)),
        answers=GOOD,
        beats=(
            at_once(image("v2")),
            when(Is("Paused", 1)).then(resume()),
            when(Is("Paused", 3), Runs(("Running",))).then(Say(BAD)),
        ),
        ends=(DEGRADED, OLD, Weighs(0), Runs(("Failed",))),
        writes=18,
        pods=ROUTED,
    ),
)

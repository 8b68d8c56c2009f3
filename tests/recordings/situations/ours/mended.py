"""What is wrong in the middle of a release, and how it goes on when it is put right."""

from rollouts.api.kinds import INGRESS, SERVICE
from tests.recordings.objects import (
    Manifest,
    analysis,
    analysis_template,
    canary,
    ingress,
    nginx,
    pause,
    rollout,
    service,
    services,
    weight,
)
from tests.recordings.recording import Recording
from tests.recordings.situations.ours.measured import judged
from tests.recordings.situations.ours.words import (
    aborted,
    is_current,
    paused_at,
    released,
    said_last,
    sized,
    status,
    tells,
)

QUICK = {"scaleDownDelaySeconds": 2, "abortScaleDownDelaySeconds": 2}


async def _invalid(x: Recording) -> None:
    """Wait until the specification is called invalid."""

    def is_so() -> bool:
        return is_current(x) and "InvalidSpec" in status(x).get("message", "")

    await x.sees("InvalidSpec", is_so)


async def _steps(x: Recording, *steps: Manifest) -> None:
    await x.patch({"spec": {"strategy": {"canary": {"steps": list(steps)}}}})


async def _routed_at_50(x: Recording) -> None:
    await x.provide(*services(), ingress())
    await x.create(rollout(canary(weight(50), pause(), **nginx(), **QUICK), 2))
    await released(x, 1)
    await x.image("2")
    await paused_at(x, 1)
    await said_last(x, "RolloutPaused")


async def steps_wrong_at_a_pause(x: Recording) -> None:
    """A weight above all at a pause; put right, the release begins anew."""
    await _routed_at_50(x)
    await _steps(x, weight(150), pause())
    await _invalid(x)
    await _steps(x, weight(20), pause())
    await paused_at(x, 1)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def abort_while_wrong(x: Recording) -> None:
    """An abort while the specification is invalid is carried out when it is put right."""
    await _routed_at_50(x)
    await _steps(x, weight(150), pause())
    await _invalid(x)
    await x.abort()
    await x.look_on(2)
    await _steps(x, weight(50), pause())
    await aborted(x)
    await sized(x, 2, 0)


async def service_gone_at_a_pause(x: Recording) -> None:
    """The canary's Service deleted at a pause and created again."""
    await _routed_at_50(x)
    await x.delete(SERVICE, "web-canary")
    await _invalid(x)
    await x.create(service("web-canary"))
    await tells(x, "ingress web-web-canary", "0", "50", "0", "50")
    await paused_at(x, 1)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def ingress_gone_at_a_pause(x: Recording) -> None:
    """The users' Ingress deleted at a pause and created again."""
    await _routed_at_50(x)
    await x.delete(INGRESS, "web")
    await _invalid(x)
    await x.create(ingress())
    await paused_at(x, 1)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def canary_ingress_gone_at_a_pause(x: Recording) -> None:
    """Our Ingress deleted by somebody at a pause: it is there again, with its weight."""
    await _routed_at_50(x)
    await x.delete(INGRESS, "web-web-canary")
    await x.sees("it gone", lambda: any(row.get("deleted") for row in x.rows))
    await x.sees("it there again", lambda: ("Ingress", "web-web-canary") in x.states)
    await paused_at(x, 1)
    await x.abort()
    await aborted(x)
    await sized(x, 2, 0)


async def template_comes_late(x: Recording) -> None:
    """An AnalysisTemplate that a later step needs is created after the Rollout was refused."""
    await x.create(rollout(canary(weight(50), analysis("t")), 2))
    await _invalid(x)
    await x.create(analysis_template("t", judged(x, "1")))
    await released(x, 1)
    await x.image("2")
    await released(x, 2)
    await sized(x, 1, 0)


async def deadline_aborts_routed(x: Recording) -> None:
    """Pods that never get Ready, beside a router, past the deadline; then a third image."""
    await x.provide(*services(), ingress())
    limits = {"progressDeadlineSeconds": 15, "progressDeadlineAbort": True}
    await x.create(rollout(canary(weight(50), pause(), **nginx(), **QUICK), 2, **limits))
    await released(x, 1)
    await x.image("2-missing")
    await aborted(x)
    await sized(x, 2, 0)
    await x.image("3")
    await paused_at(x, 1, revision=3)
    await x.promote()
    await released(x, 3)
    await sized(x, 1, 0)


async def router_removed_at_a_pause(x: Recording) -> None:
    """No router any more in the middle of a release: pods are the weight from now on."""
    await _routed_at_50(x)
    without = dict.fromkeys(("trafficRouting", "canaryService", "stableService", *QUICK))
    await x.patch({"spec": {"strategy": {"canary": without}}})
    await x.sees("fewer stable pods", lambda: is_current(x) and status(x).get("replicas") == 2)
    await paused_at(x, 1)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)

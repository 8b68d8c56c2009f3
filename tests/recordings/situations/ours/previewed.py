"""Blue-green releases: judged, given up, taken back, and made canaries."""

from tests.recordings.objects import (
    Manifest,
    analysis_template,
    canary,
    pause,
    rollout,
    service,
    weight,
)
from tests.recordings.recording import Recording
from tests.recordings.situations.bluegreen import blue_green
from tests.recordings.situations.ours.measured import EITHER, by_job, endless, judged, watching
from tests.recordings.situations.ours.words import (
    aborted,
    is_current,
    is_of,
    judging,
    released,
    run_is,
    sized,
    status,
)


async def _begun(x: Recording, strategy: Manifest, *templates: Manifest, **spec: object) -> None:
    """Revision 2 begins."""
    await x.provide(service("active"), service("preview"), *templates)
    await x.create(rollout(strategy, 2, **spec))
    await released(x, 1)
    await x.image("2")


async def _paused(x: Recording, revision: int = 2) -> None:
    """Wait until this revision waits for somebody."""

    def is_there() -> bool:
        is_waiting = status(x).get("phase") == "Paused" and bool(status(x).get("pauseConditions"))
        return is_waiting and is_current(x) and is_of(x, revision)

    await x.sees(f"revision {revision} paused", is_there, 90)


async def bluegreen_inconclusive_promoted(x: Recording) -> None:
    """The preview is neither good nor bad; a person decides."""
    strategy = blue_green(scaleDownDelaySeconds=2, prePromotionAnalysis=watching("t"))
    await _begun(x, strategy, analysis_template("t", {**judged(x, "0.5,1"), **EITHER}))
    await _paused(x)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def bluegreen_retried(x: Recording) -> None:
    """The preview is bad once, and good when retried."""
    strategy = blue_green(scaleDownDelaySeconds=2, abortScaleDownDelaySeconds=2, prePromotionAnalysis=watching("t"))
    await _begun(x, strategy, analysis_template("t", judged(x, "0,1")))
    await aborted(x)
    await sized(x, 2, 0)
    await x.retry()
    await released(x, 2)
    await sized(x, 1, 0)


async def bluegreen_post_run_aborted(x: Recording) -> None:
    """Aborted by hand while the active side is judged: users are led back, the run ends."""
    strategy = blue_green(scaleDownDelaySeconds=60, abortScaleDownDelaySeconds=2, postPromotionAnalysis=watching("t"))
    await _begun(x, strategy, analysis_template("t", endless(x)))
    await judging(x)
    await x.abort()
    await aborted(x)
    await run_is(x, "Successful")
    await sized(x, 2, 0)


async def bluegreen_third_image_while_judged(x: Recording) -> None:
    """A third image while the preview of the second is judged."""
    strategy = blue_green(scaleDownDelaySeconds=2, abortScaleDownDelaySeconds=2, prePromotionAnalysis=watching("t"))
    await _begun(x, strategy, analysis_template("t", endless(x)))
    await judging(x)
    await x.image("3")
    await run_is(x, "Successful")
    await judging(x, 2)
    await x.promote_fully()
    await released(x, 3)
    await run_is(x, "Successful", 2)
    await sized(x, 1, 0)
    await sized(x, 2, 0)


async def bluegreen_job(x: Recording) -> None:
    """A Job finds the preview bad."""
    strategy = blue_green(abortScaleDownDelaySeconds=2, prePromotionAnalysis=watching("t"))
    await _begun(x, strategy, analysis_template("t", by_job("exit 1")))
    await aborted(x)
    await sized(x, 2, 0)


async def bluegreen_metadata(x: Recording) -> None:
    """Labels of pods by role, from the preview to the active side."""
    roles = {"previewMetadata": {"labels": {"role": "preview"}}, "activeMetadata": {"labels": {"role": "active"}}}
    await _begun(x, blue_green(autoPromotionEnabled=False, scaleDownDelaySeconds=2, **roles))
    await _paused(x)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def bluegreen_anti_affinity(x: Recording) -> None:
    """New pods would rather not be beside old ones."""
    apart = {"antiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": {"weight": 7}}}
    await _begun(x, blue_green(autoPromotionEnabled=False, scaleDownDelaySeconds=2, **apart))
    await _paused(x)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def bluegreen_within_window(x: Recording) -> None:
    """Back to a revision within the rollback window: nobody is asked, nothing is judged again."""
    strategy = blue_green(autoPromotionEnabled=False, scaleDownDelaySeconds=60)
    await _begun(x, strategy, rollbackWindow={"revisions": 1})
    await _paused(x)
    await x.promote()
    await released(x, 2)
    await x.image("1")
    await released(x, 3)


async def bluegreen_to_canary_in_the_preview(x: Recording) -> None:
    """The strategy becomes a canary while the preview waits."""
    await _begun(x, blue_green(autoPromotionEnabled=False, scaleDownDelaySeconds=2))
    await _paused(x)
    await x.patch({"spec": {"strategy": {"blueGreen": None, **canary(weight(50), pause())}}})
    await x.sees("a step", lambda: status(x).get("phase") == "Paused" and status(x).get("currentStepIndex") == 1, 90)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def canary_to_bluegreen_at_a_pause(x: Recording) -> None:
    """The strategy becomes blue-green while the canary waits."""
    await x.provide(service("active"), service("preview"))
    await x.create(rollout(canary(weight(50), pause()), 2))
    await released(x, 1)
    await x.image("2")
    await _paused(x)
    await x.patch({"spec": {"strategy": {"canary": None, **blue_green(scaleDownDelaySeconds=2)}}})
    await x.sees("the switch", lambda: bool(status(x).get("blueGreen", {}).get("activeSelector")), 90)
    await released(x, 2)
    await sized(x, 1, 0)

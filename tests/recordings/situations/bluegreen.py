"""Blue-green: a whole new side, previewed, then switched to."""

from typing import Any

from tests.recordings.objects import (
    NEVER,
    WORKED,
    Manifest,
    analysis_template,
    canary,
    pause,
    rollout,
    service,
    web_metric,
    weight,
)
from tests.recordings.recording import Recording
from tests.recordings.situations.ours.words import sized


def blue_green(**settings: Any) -> Manifest:
    """The strategy, with both Services."""
    return {"blueGreen": {"activeService": "active", "previewService": "preview", **settings}}


async def _services(x: Recording, *names: str) -> None:
    await x.create(*(service(name) for name in names or ("active", "preview")))


def _asking(template: str) -> Manifest:
    return {"templates": [{"templateName": template}]}


async def bluegreen(x: Recording) -> None:
    """Promoted by hand; the old side goes after its delay."""
    await _services(x)
    await x.create(rollout(blue_green(autoPromotionEnabled=False, scaleDownDelaySeconds=5), 2))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Paused")
    await x.look_on(2)
    await x.promote()
    await x.look_on(1)
    await x.phase("Healthy")
    await x.look_on(8)


async def bluegreen_analysis(x: Recording) -> None:
    """A small preview, analysed before and after, promoted by the clock."""
    await _services(x)
    await x.provide(analysis_template("ok", web_metric(*WORKED, count=2, interval="1s")))
    settings = {"previewReplicaCount": 1, "autoPromotionSeconds": 2, "scaleDownDelaySeconds": 3}
    runs = {"prePromotionAnalysis": _asking("ok"), "postPromotionAnalysis": _asking("ok")}
    await x.create(rollout(blue_green(**settings, **runs), 3))
    await x.phase("Healthy")
    await x.image("2")
    await x.look_on(8)
    await x.phase("Healthy")
    await x.look_on(6)


async def bluegreen_abort(x: Recording) -> None:
    """Aborted in the pause, retried when the preview is gone, promoted."""
    await _services(x)
    await x.create(rollout(blue_green(autoPromotionEnabled=False, abortScaleDownDelaySeconds=3), 2))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Paused")
    await x.look_on(1)
    await x.abort()
    await x.phase("Degraded")
    await x.look_on(6)
    await sized(x, 2, 0)
    await x.retry()
    await x.phase("Paused")
    await x.promote()
    await x.look_on(1)
    await x.phase("Healthy")


async def bluegreen_fast_rollback(x: Recording) -> None:
    """Back to the old side while it still stands."""
    await _services(x, "active")
    await x.create(rollout({"blueGreen": {"activeService": "active", "scaleDownDelaySeconds": 30}}, 2))
    await x.phase("Healthy")
    await x.image("2")
    await x.look_on(3)
    await x.phase("Healthy")
    await x.image("1")
    await x.look_on(1)
    await x.phase("Healthy")
    await x.look_on(2)


async def bluegreen_preview_count_full(x: Recording) -> None:
    """A small preview, promoted in full from its pause."""
    await _services(x)
    await x.create(rollout(blue_green(previewReplicaCount=1, autoPromotionEnabled=False, scaleDownDelaySeconds=3), 3))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Paused")
    await x.look_on(2)
    await x.promote_fully()
    await x.look_on(1)
    await x.phase("Healthy")
    await x.look_on(5)


async def bluegreen_pre_promotion_fails(x: Recording) -> None:
    """The preview is judged bad; users never see it."""
    await _services(x)
    await x.provide(analysis_template("no", web_metric(*NEVER)))
    await x.create(rollout(blue_green(abortScaleDownDelaySeconds=2, prePromotionAnalysis=_asking("no")), 2))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Degraded")
    await x.look_on(6)


async def bluegreen_post_promotion_fails(x: Recording) -> None:
    """Judged bad after the switch; users are led back."""
    await _services(x)
    await x.provide(analysis_template("no", web_metric(*NEVER)))
    await x.create(rollout(blue_green(scaleDownDelaySeconds=10, postPromotionAnalysis=_asking("no")), 2))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Degraded")
    await x.look_on(6)


async def bluegreen_to_canary(x: Recording) -> None:
    """Another strategy in mid-life."""
    await _services(x, "active")
    await x.create(rollout({"blueGreen": {"activeService": "active"}}, 2))
    await x.phase("Healthy")
    await x.patch({"spec": {"strategy": {"blueGreen": None, **canary(weight(50), pause())}}})
    await x.look_on(2)
    await x.image("2")
    await x.phase("Paused")
    await x.look_on(2)
    await x.promote()
    await x.look_on(1)
    await x.phase("Healthy")

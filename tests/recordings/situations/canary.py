"""Canaries without a router: pods are the only weight there is."""

import time

from rollouts.api.kinds import ROLLOUT
from tests.recordings.objects import canary, pause, rollout, weight
from tests.recordings.recording import Recording
from tests.recordings.situations.ours.words import paused_at, sized


async def canary_basic(x: Recording) -> None:
    """Two weights with timed pauses."""
    await x.create(rollout(canary(weight(25), pause(2), weight(50), pause(2))))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Progressing", "Paused")
    await x.phase("Healthy")


async def canary_surge(x: Recording) -> None:
    """Half as many pods more, none less."""
    await x.create(rollout(canary(weight(30), pause(2), weight(60), maxSurge="50%", maxUnavailable=0), 5))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Progressing", "Paused")
    await x.phase("Healthy")


async def canary_promote(x: Recording) -> None:
    """Two endless pauses, each ended by hand."""
    await x.create(rollout(canary(weight(25), pause(), weight(75), pause())))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Paused")
    await x.look_on(1)
    await x.promote()
    await paused_at(x, 3)
    await x.look_on(3)
    await x.promote()
    await x.phase("Healthy")


async def _paused_at_25(x: Recording) -> None:
    await x.create(rollout(canary(weight(25), pause())))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Paused")


async def canary_abort_retry(x: Recording) -> None:
    """Aborted, retried, promoted."""
    await _paused_at_25(x)
    await x.look_on(1)
    await x.abort()
    await x.phase("Degraded")
    await x.look_on(4)
    await sized(x, 2, 0)
    await x.retry()
    await x.phase("Paused")
    await x.look_on(3)
    await x.promote()
    await x.phase("Healthy")


async def canary_abort_fix_forward(x: Recording) -> None:
    """Aborted, then a third image."""
    await _paused_at_25(x)
    await x.abort()
    await x.phase("Degraded")
    await x.look_on(4)
    await sized(x, 2, 0)
    await x.image("3")
    await x.phase("Paused")
    await x.look_on(3)
    await x.promote()
    await x.phase("Healthy")


async def _paused_at_50(x: Recording, replicas: int = 4) -> None:
    await x.create(rollout(canary(weight(50), pause()), replicas))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Paused")


async def canary_back_to_stable(x: Recording) -> None:
    """The old image again in the middle."""
    await _paused_at_50(x)
    await x.look_on(3)
    await x.image("1")
    await x.look_on(1)
    await x.phase("Healthy")


async def canary_third_revision(x: Recording) -> None:
    """A third image in the middle."""
    await _paused_at_50(x)
    await x.look_on(3)
    await x.image("3")
    await x.look_on(2)
    await x.phase("Paused")
    await x.look_on(3)
    await x.promote()
    await x.phase("Healthy")


async def canary_promote_full(x: Recording) -> None:
    """All further steps skipped."""
    await x.create(rollout(canary(weight(25), pause(), weight(50), pause())))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Paused")
    await x.look_on(2)
    await x.promote_fully()
    await x.look_on(1)
    await x.phase("Healthy")


async def canary_spec_paused(x: Recording) -> None:
    """An image while `spec.paused`, then no longer."""
    await x.create(rollout(canary(weight(25), pause(1))))
    await x.phase("Healthy")
    await x.patch({"spec": {"paused": True}})
    await x.image("2")
    await x.phase("Paused")
    await x.look_on(3)
    await x.patch({"spec": {"paused": False}})
    await x.look_on(1)
    await x.phase("Healthy")


async def canary_scaled_while_paused(x: Recording) -> None:
    """Doubled and halved at a pause."""
    await _paused_at_25(x)
    await x.look_on(3)
    await x.patch({"spec": {"replicas": 8}})
    await x.look_on(6)
    await sized(x, 1, 6)
    await x.patch({"spec": {"replicas": 4}})
    await x.look_on(5)
    await sized(x, 1, 3)
    await x.promote()
    await x.phase("Healthy")


async def canary_bad_image(x: Recording) -> None:
    """Pods that never become Ready, past the deadline, then a good image."""
    await x.create(rollout(canary(weight(25), pause(1)), progressDeadlineSeconds=4))
    await x.phase("Healthy")
    await x.image("2", ["/bad-command"])
    await x.phase("Degraded")
    await x.look_on(2)
    container = "/spec/template/spec/containers/0"
    good = {"op": "replace", "path": f"{container}/image", "value": "web:3"}
    await x.patch([{"op": "remove", "path": f"{container}/command"}, good])
    await x.look_on(1)
    await x.phase("Healthy")


async def canary_bad_image_abort(x: Recording) -> None:
    """The same with `progressDeadlineAbort`."""
    await x.create(rollout(canary(weight(25), pause(1)), progressDeadlineSeconds=4, progressDeadlineAbort=True))
    await x.phase("Healthy")
    await x.image("2", ["/bad-command"])
    await x.phase("Degraded")
    await x.look_on(8)


async def canary_undo_after_promotion(x: Recording) -> None:
    """The old image after the new one was promoted: an update like any other."""
    await x.create(rollout(canary(weight(50), pause(2)), 2))
    await x.phase("Healthy")
    await x.image("2")
    await x.look_on(4)
    await x.phase("Healthy")
    await x.image("1")
    await x.look_on(4)
    await x.phase("Healthy")


async def deleted_mid_canary(x: Recording) -> None:
    """The Rollout deleted at a pause."""
    await _paused_at_50(x, 2)
    await x.look_on(2)
    await x.delete(ROLLOUT, "web")
    await x.look_on(4)


async def zero_replicas(x: Recording) -> None:
    """No pods wanted, an image, then two pods wanted."""
    await x.create(rollout(canary(weight(50), pause()), 0))
    await x.phase("Healthy")
    await x.image("2")
    await x.look_on(3)
    await x.patch({"spec": {"replicas": 2}})
    await x.look_on(4)


async def steps_edited_mid_canary(x: Recording) -> None:
    """Other steps at a pause: begin at the first again."""
    await x.create(rollout(canary(weight(25), pause(), weight(50))))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Paused")
    await x.look_on(3)
    await x.patch({"spec": {"strategy": canary(weight(50), pause(2))}})
    await x.look_on(2)
    await x.phase("Healthy")


async def rollback_window(x: Recording) -> None:
    """Back to the revision before: no step is taken."""
    await x.create(rollout(canary(weight(50), pause(1)), 2, rollbackWindow={"revisions": 2}))
    await x.phase("Healthy")
    for tag in "23":
        await x.image(tag)
        await x.look_on(3)
        await x.phase("Healthy")
    await x.image("2")
    await x.look_on(1)
    await x.phase("Healthy")
    await x.look_on(2)


async def canary_restart(x: Recording) -> None:
    """Pods made before now are made anew."""
    await x.create(rollout(canary()))
    await x.phase("Healthy")
    await x.patch({"spec": {"restartAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}})
    await x.look_on(12)
    await x.phase("Healthy")


async def ephemeral_metadata(x: Recording) -> None:
    """Labels and annotations by role."""
    stable = {"labels": {"role": "stable"}, "annotations": {"a": "b"}}
    roles = {"canaryMetadata": {"labels": {"role": "canary"}}, "stableMetadata": stable}
    await x.create(rollout(canary(weight(50), pause(2), **roles), 2))
    await x.phase("Healthy")
    await x.image("2")
    await x.look_on(3)
    await x.phase("Healthy")
    await x.look_on(3)

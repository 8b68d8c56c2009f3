"""Who goes on and when: pauses nobody ends, commands in the specification, restarts, marks on pods."""

import time
from typing import Any

from tests.recordings.objects import Manifest, canary, pause, rollout, weight
from tests.recordings.recording import Recording
from tests.recordings.situations.ours.words import (
    aborted,
    hero,
    is_current,
    paused_at,
    released,
    sized,
    status,
)

STAMP = "%Y-%m-%dT%H:%M:%SZ"


async def _paused_at_50(x: Recording, *after: Manifest, replicas: int = 2, **settings: Any) -> None:
    spec = {name: settings.pop(name) for name in ("rollbackWindow",) if name in settings}
    await x.create(rollout(canary(weight(50), pause(), *after, **settings), replicas, **spec))
    await released(x, 1)
    await x.image("2")
    await paused_at(x, 1)
    await sized(x, 2, replicas // 2)


async def _commanded(x: Recording, *commands: str) -> None:
    """Type commands into the specification; they are taken when they are gone."""
    await x.patch({"spec": dict.fromkeys(commands, True)})
    await x.sees("the commands taken", lambda: not set(commands) & set(hero(x)["spec"]))
    await x.sees("it to be decided", lambda: is_current(x))


async def _forgotten(x: Recording, **timeout: Any) -> None:
    """A pause that nobody ends in time: whether it was seen in time says the story."""
    await x.create(rollout(canary(weight(50), {"pause": {"timeout": 6, **timeout}}), 2))
    await released(x, 1)
    await x.image("2")


async def pause_forgotten_aborts(x: Recording) -> None:
    """Nobody ends the pause in time: aborted."""
    await _forgotten(x)
    await aborted(x)
    await sized(x, 2, 0)


async def pause_forgotten_promotes(x: Recording) -> None:
    """Nobody ends the pause in time: promoted."""
    await _forgotten(x, onTimeout="promote")
    await released(x, 2)
    await sized(x, 1, 0)


async def pause_timeout_edited(x: Recording) -> None:
    """A pause of an hour gets three seconds while it waits."""
    await x.create(rollout(canary(weight(50), {"pause": {"timeout": "1h", "onTimeout": "promote"}}), 2))
    await released(x, 1)
    await x.image("2")
    await paused_at(x, 1)
    steps = [weight(50), {"pause": {"timeout": 3, "onTimeout": "promote"}}]
    await x.patch({"spec": {"strategy": {"canary": {"steps": steps}}}})
    await released(x, 2)
    await sized(x, 1, 0)


async def commands_in_spec(x: Recording) -> None:
    """Abort, retry, go on and skip the rest, as fields of the specification."""
    await _paused_at_50(x, weight(75), pause())
    await _commanded(x, "abort")
    await aborted(x)
    await sized(x, 2, 0)
    await _commanded(x, "retry")
    await paused_at(x, 1)
    await _commanded(x, "promote")
    await paused_at(x, 3)
    await _commanded(x, "promoteFull")
    await released(x, 2)
    await sized(x, 1, 0)


async def commands_at_once(x: Recording) -> None:
    """Asked to abort and to go on in one breath: aborted."""
    await _paused_at_50(x)
    await _commanded(x, "abort", "promote")
    await aborted(x)
    await sized(x, 2, 0)


async def restarted_at_a_pause(x: Recording) -> None:
    """Pods of both revisions made anew at a pause, which goes on waiting."""
    await _paused_at_50(x)
    # times of creation are whole seconds
    await x.look_on(2)
    await x.patch({"spec": {"restartAt": time.strftime(STAMP, time.gmtime())}})
    await x.sees("the restart", lambda: status(x).get("restartedAt") == hero(x)["spec"]["restartAt"], 90)
    await paused_at(x, 1)
    await sized(x, 1, 1)
    await sized(x, 2, 1)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def canary_metadata_edited(x: Recording) -> None:
    """Another label for the canary at a pause, on pods that stand."""
    roles = {"canaryMetadata": {"labels": {"role": "canary"}}, "stableMetadata": {"annotations": {"a": "b"}}}
    await _paused_at_50(x, **roles)
    edited = {"labels": {"role": "trial"}, "annotations": {"since": "today"}}
    await x.patch({"spec": {"strategy": {"canary": {"canaryMetadata": edited}}}})
    await x.sees("the new label", lambda: _roles(x) == {"trial", None})
    await paused_at(x, 1)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


def _roles(x: Recording) -> set[str | None]:
    """The label of each ReplicaSet's pods."""
    sets = [raw for (kind, _), raw in x.states.items() if kind == "ReplicaSet"]
    return {raw["spec"]["template"]["metadata"]["labels"].get("role") for raw in sets}


async def canary_anti_affinity(x: Recording) -> None:
    """Pods of the canary keep off the nodes of the stable ones; aborted, then a third image."""
    await _paused_at_50(x, antiAffinity={"requiredDuringSchedulingIgnoredDuringExecution": {}})
    await x.abort()
    await aborted(x)
    await sized(x, 2, 0)
    await x.image("3")
    await paused_at(x, 1, revision=3)
    await x.promote()
    await released(x, 3)
    await sized(x, 1, 0)


def _stamped(text: str | None) -> Manifest:
    """An annotation of the pods, as `kubectl rollout restart` sets it."""
    return {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": text}}}}}


async def annotation_taken_back(x: Recording) -> None:
    """A release whose template differs by an annotation; without it again, the old revision goes by the steps."""
    await x.create(rollout(canary(weight(50), pause()), 2))
    await released(x, 1)
    await x.patch(_stamped("2026-01-01T00:00:00Z"))
    await paused_at(x, 1)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)
    await x.patch(_stamped(None))
    await paused_at(x, 1, revision=3)
    await x.promote()
    await released(x, 3)
    await sized(x, 2, 0)


async def window_from_a_pause(x: Recording) -> None:
    """In the middle of a third revision back to the first, which is within the window: no step is taken."""
    await _paused_at_50(x, rollbackWindow={"revisions": 3})
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)
    await x.image("3")
    await paused_at(x, 1, revision=3)
    await x.image("1")
    await released(x, 4)
    await sized(x, 2, 0)
    await sized(x, 3, 0)


async def image_while_spec_paused(x: Recording) -> None:
    """`spec.paused` at a pause, a third image under it, then on."""
    await _paused_at_50(x)
    await x.patch({"spec": {"paused": True}})
    await x.phase("Paused")
    await x.image("3")
    await x.phase("Paused")
    await x.look_on(2)
    await x.patch({"spec": {"paused": False}})
    await paused_at(x, 1, revision=3)
    await sized(x, 2, 0)
    await x.promote()
    await released(x, 3)
    await sized(x, 1, 0)

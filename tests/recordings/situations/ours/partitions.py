"""StatefulSets: the partition is the weight, and pods of old and new stand in one set."""

from typing import Any

from rollouts.api.kinds import ROLLOUT, STATEFUL_SET
from tests.recordings.objects import (
    ARGO,
    Manifest,
    analysis,
    analysis_template,
    canary,
    ingress,
    pause,
    template,
    weight,
)
from tests.recordings.recording import Recording
from tests.recordings.situations.ours.measured import judged
from tests.recordings.situations.ours.words import aborted, paused_at, released, run_is

DB = (STATEFUL_SET, "db")
IDLE = 32767


def stateful_set(replicas: int = 4, **spec: Any) -> Manifest:
    """The StatefulSet `db`, whose pods are quick to go."""
    pods = template()
    pods["metadata"]["annotations"] = {"sandbox.rollouts/drain": "100ms"}
    body = {"serviceName": "db", "replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": pods}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": body | spec}


def moving(*steps: Manifest, routers: Manifest | None = None, **settings: Any) -> Manifest:
    """The Rollout `web` of `db`; beside the partition other routers may weigh."""
    routing = {"trafficRouting": {"statefulSet": {}, **(routers or {})}}
    ref = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"}
    spec = {"workloadRef": ref, "strategy": canary(*steps, **routing, **settings)}
    return {"apiVersion": ARGO, "kind": "Rollout", "metadata": {"name": "web"}, "spec": spec}


def db(x: Recording) -> Manifest:
    """`db` as last seen."""
    found: Manifest = x.states.get(("StatefulSet", "db"), {})
    return found


async def _stands(x: Recording, new: int, pods: int, partition: int = IDLE) -> None:
    """Wait until so many of so many Ready pods are of the newest revision, with this partition."""

    def is_so() -> bool:
        found = db(x).get("status", {})
        at = db(x)["spec"]["updateStrategy"]["rollingUpdate"]["partition"]
        is_seen = found.get("observedGeneration") == db(x)["metadata"]["generation"]
        there = tuple(found.get(name, 0) for name in ("updatedReplicas", "readyReplicas", "replicas"))
        return is_seen and at == partition and there == (new, pods, pods)

    await x.sees(f"{new} new of {pods} pods, partition {partition}", is_so, 90)


async def _idle(x: Recording, *manifests: Manifest, pods: int = 4) -> None:
    """Healthy and pinned."""
    await x.provide(*manifests[:-1])
    await x.create(manifests[-1])
    await released(x, 1)
    await _stands(x, pods, pods)


async def _half_way(x: Recording) -> None:
    """Two of four pods are new, and the release waits."""
    await _idle(x, stateful_set(), moving(weight(50), pause()))
    await x.image("2", target=DB)
    await paused_at(x, 1)
    await _stands(x, 2, 4, partition=2)


async def _promoted(x: Recording, revision: int, pods: int = 4) -> None:
    await x.promote()
    await released(x, revision)
    await _stands(x, pods, pods)


async def partition_released(x: Recording) -> None:
    """Half of the pods, a person, the rest; in the end pinned."""
    await _half_way(x)
    await _promoted(x, 2)


async def partition_abort_retry(x: Recording) -> None:
    """Aborted: pods return though the template is the new one; retried and promoted."""
    await _half_way(x)
    await x.abort()
    await aborted(x)
    await _stands(x, 0, 4)
    await x.retry()
    await paused_at(x, 1)
    await _stands(x, 2, 4, partition=2)
    await _promoted(x, 2)


async def partition_fix_forward(x: Recording) -> None:
    """Aborted, then a third image."""
    await _half_way(x)
    await x.abort()
    await aborted(x)
    await _stands(x, 0, 4)
    await x.image("3", target=DB)
    await paused_at(x, 1, revision=3)
    await _stands(x, 2, 4, partition=2)
    await _promoted(x, 3)


async def partition_third_image(x: Recording) -> None:
    """A third image while half of the pods are of the second."""
    await _half_way(x)
    await x.image("3", target=DB)
    await paused_at(x, 1, revision=3)
    await _stands(x, 2, 4, partition=2)
    await _promoted(x, 3)


async def partition_back_to_stable(x: Recording) -> None:
    """The old image again while half of the pods are of the second."""
    await _half_way(x)
    await x.image("1", target=DB)
    await released(x, 3)
    await _stands(x, 4, 4)


async def partition_scaled_in(x: Recording) -> None:
    """Half as many pods at a pause, then promoted."""
    await _half_way(x)
    await x.patch({"spec": {"replicas": 2}}, *reversed(DB))
    await _stands(x, 1, 2, partition=1)
    await _promoted(x, 2, pods=2)


async def partition_scaled_out(x: Recording) -> None:
    """Half as many pods more at a pause, then aborted."""
    await _half_way(x)
    await x.patch({"spec": {"replicas": 6}}, *reversed(DB))
    await _stands(x, 3, 6, partition=3)
    await x.abort()
    await aborted(x)
    await _stands(x, 0, 6)


async def partition_deleted(x: Recording) -> None:
    """The Rollout deleted at a pause: no pod is touched."""
    await _half_way(x)
    await x.delete(ROLLOUT, "web")
    await x.sees("the Rollout gone", lambda: ("Rollout", "web") not in x.states)


async def partition_crash_abort(x: Recording) -> None:
    """An image that crashes blocks the StatefulSet; the abort gets its pod back."""
    await _idle(x, stateful_set(3), moving(weight(33), pause()), pods=3)
    await x.image("2-crash", target=DB)
    await x.sees("a broken pod", lambda: db(x)["status"].get("readyReplicas") == 2 and _is_updated(x), 90)
    await x.abort()
    await aborted(x)
    await _stands(x, 0, 3)


def _is_updated(x: Recording) -> bool:
    return bool(db(x)["status"].get("updatedReplicas"))


async def partition_nginx(x: Recording) -> None:
    """Weights of an Ingress go with the partition, there and back."""
    split = {"stableService": "web-stable", "canaryService": "web-canary"}
    steps = (weight(50), pause())
    made = moving(*steps, routers={"nginx": {"stableIngress": "web"}}, **split)
    await _idle(x, ingress(), stateful_set(2), made, pods=2)
    await x.image("2", target=DB)
    await paused_at(x, 1)
    await x.abort()
    await aborted(x)
    await _stands(x, 0, 2)


async def partition_analysis_fails(x: Recording) -> None:
    """Judged bad after the first pod."""
    metric = judged(x, "1,0", count=3, interval="1s")
    steps = (weight(33), analysis("two"), weight(66))
    await _idle(x, analysis_template("two", metric), stateful_set(3), moving(*steps), pods=3)
    await x.image("2", target=DB)
    await run_is(x, "Failed")
    await aborted(x)
    await _stands(x, 0, 3)

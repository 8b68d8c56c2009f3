"""Words in which tests of StatefulSet canaries are written, and a diary of what befell the pods, in order."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import msgspec

from rollouts.api.kinds import CONTROLLER_REVISION, INGRESS, POD, STATEFUL_SET
from rollouts.api.meta import Key, Kind
from rollouts.kube.client import Client, Content
from tests.e2e.scene import Scene, pause, weight

# Above every number of replicas: no pod is of the newest revision unless it stands already.
PINNED = 32767
SETS = {"trafficRouting": {"statefulSet": {}}}
STEPS = [weight(40), pause()]


def stateful_set(
    image: str = "web:v1", replicas: int = 5, name: str = "db", *, drain: str = "100ms", **spec: Any
) -> dict[str, Any]:
    """A StatefulSet whose pods are quick to go; proxies need a second of *drain*."""
    quick = {"sandbox.rollouts/drain": drain}
    container = {"name": "web", "image": image, "ports": [{"name": "http", "containerPort": 8080}]}
    template = {"metadata": {"labels": {"app": "web"}, "annotations": quick}, "spec": {"containers": [container]}}
    selector = {"matchLabels": {"app": "web"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {"serviceName": name, "replicas": replicas, "selector": selector, "template": template, **spec},
    }


def partition(number: int) -> dict[str, Any]:
    """An update strategy."""
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": number}}}


def referring(*steps: dict[str, Any], of: str = "db", **canary: Any) -> dict[str, Any]:
    """The Rollout `web` of a StatefulSet."""
    ref = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": of}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "web"},
        "spec": {"workloadRef": ref, "strategy": {"canary": {**SETS, "steps": list(steps or STEPS), **canary}}},
    }


class Diary:
    """What befell pods: `db-4 v1 born`, `… ready`, `… unready`, `… ends` (somebody deleted it), `… gone`."""

    def __init__(self) -> None:
        self._written: list[tuple[int, str]] = []
        self._ready: dict[str, bool] = {}
        self._ending: set[str] = set()
        self._weight = 0

    def note(self, change: str, found: dict[str, Any]) -> None:
        """Take in one event of a watch."""
        at = int(found["metadata"]["resourceVersion"])
        if found["kind"] == POD.name:
            self._written += [(at, line) for line in self._of_pod(change, found)]
        elif (weight := weight_of(found)) is not None and weight != self._weight:
            self._weight = weight
            self._written.append((at, f"weight {weight}"))

    def _of_pod(self, change: str, pod: dict[str, Any]) -> Iterator[str]:
        uid, who = pod["metadata"]["uid"], f"{pod['metadata']['name']} {version(pod)}"
        if uid not in self._ready:
            yield f"{who} born"
        if pod["metadata"].get("deletionTimestamp") and uid not in self._ending:
            self._ending.add(uid)
            yield f"{who} ends"
        elif is_ready(pod) != self._ready.get(uid, False) and uid not in self._ending:
            yield f"{who} {'ready' if is_ready(pod) else 'unready'}"
        self._ready[uid] = is_ready(pod)
        if change == "DELETED":
            yield f"{who} gone"

    @property
    def lines(self) -> list[str]:
        """Everything, in the order in which the API server stored it, though each kind has a watch of its own."""
        return [line for _, line in sorted(self._written, key=lambda written: written[0])]

    async def says(self, scene: Scene, *wanted: str) -> None:
        """Wait until it has these lines: a watch may be slower than who asks."""

        async def has_all() -> bool:
            return set(wanted) <= set(self.lines)

        await scene.until(f"said {wanted}", has_all)

    async def tells(self, scene: Scene, wanted: list[str], *of: str) -> None:
        """Fails unless `told` is *wanted*; waits, as `says` does, for as many lines."""

        async def is_long() -> bool:
            return len(self.told(*of)) >= len(wanted)

        with suppress(AssertionError):
            await scene.until(f"told {wanted}", is_long)
        assert self.told(*of) == wanted

    def told(self, *of: str) -> list[str]:
        """The lines that end in one of *of*; who ends and who gets ready where nothing is said."""
        return [line for line in self.lines if line.rpartition(" ")[2] in (of or ("ends", "ready"))]

    def forget(self) -> None:
        """Begin anew."""
        self._written.clear()


@asynccontextmanager
async def diary(scene: Scene, *routes: Kind) -> AsyncIterator[Diary]:
    """Write down, while the body runs, what befalls the pods of the namespace; those already there go unmentioned.

    With *routes* also the canary's weight, as `weight 40`.
    """
    found = Diary()
    async with asyncio.TaskGroup() as group, AsyncExitStack() as ends:
        for kind in (POD, *routes):
            page = msgspec.json.decode(await anext(aiter(scene.client.pages(kind, scene.namespace))))
            for item in page["items"]:
                found.note("ADDED", {"kind": kind.name, **item})
            following = _follow(scene, kind, page["metadata"]["resourceVersion"], found)
            ends.callback(group.create_task(following, name=f"diary of {kind.plural}").cancel)
        found.forget()
        yield found


async def _follow(scene: Scene, kind: Kind, since: str, found: Diary) -> None:
    params = {"watch": "true", "resourceVersion": since, "timeoutSeconds": "600"}
    async with scene.client.stream(kind.path(scene.namespace), params) as lines:
        async for line in lines:
            event = msgspec.json.decode(line)
            assert event["type"] in {"ADDED", "MODIFIED", "DELETED"}, event
            found.note(event["type"], event["object"])


def weight_of(route: dict[str, Any]) -> int | None:
    """The canary's weight at an nginx Ingress or an HTTPRoute; None where it has none."""
    if route["kind"] == INGRESS.name:
        text = route["metadata"].get("annotations", {}).get("nginx.ingress.kubernetes.io/canary-weight")
        return None if text is None else int(text)
    backends = [backend for rule in route["spec"]["rules"] for backend in rule["backendRefs"]]
    return next((backend.get("weight", 1) for backend in backends if backend["name"] == "web-canary"), None)


def version(pod: dict[str, Any]) -> str:
    """The tag of its image."""
    return pod["spec"]["containers"][0]["image"].rpartition(":")[2]


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether condition Ready holds."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))


async def versions(scene: Scene, *, ready: bool = True) -> dict[str, str]:
    """Versions by pod, of those that are not going; with *ready* only of those that are."""
    return {
        pod["metadata"]["name"]: version(pod)
        for pod in sorted(await scene.all(POD), key=lambda pod: pod["metadata"]["name"])
        if not pod["metadata"].get("deletionTimestamp") and (is_ready(pod) or not ready)
    }


def places(*tags: str, name: str = "db", start: int = 0) -> dict[str, str]:
    """What `versions` gives: `places("v1", "v1", "v2")`."""
    return {f"{name}-{start + index}": tag for index, tag in enumerate(tags)}


async def stand(scene: Scene, *tags: str, name: str = "db", start: int = 0) -> None:
    """Wait until ready pods of these versions stand at their places, and no other."""
    wanted = places(*tags, name=name, start=start)

    async def there() -> bool:
        return await versions(scene) == wanted == await versions(scene, ready=False)

    await scene.until(f"pods {wanted}", there)


async def found_set(scene: Scene, name: str = "db") -> dict[str, Any]:
    """The StatefulSet."""
    return await scene.get(STATEFUL_SET, name)


async def partition_of(scene: Scene, name: str = "db") -> int:
    """Its partition; 0 where none is written."""
    return (await found_set(scene, name))["spec"]["updateStrategy"].get("rollingUpdate", {}).get("partition", 0)


async def pinned(scene: Scene, name: str = "db") -> None:
    """Wait until no ordinal is of the newest revision."""

    async def holds() -> bool:
        found = await found_set(scene, name)
        return await partition_of(scene, name) >= max(1, found["spec"]["replicas"])

    await scene.until("pinned", holds)


async def bump(scene: Scene, image: str, name: str = "db") -> None:
    """What CI does: another image in the StatefulSet, and nothing else."""
    patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
    await scene.client.patch(STATEFUL_SET, Key(scene.namespace, name), patch, content=Content.JSON)


async def scale(scene: Scene, replicas: int, name: str = "db") -> None:
    """What an autoscaler does."""
    await scene.kubectl("scale", "statefulset", name, f"--replicas={replicas}")


async def idle(scene: Scene, *manifests: dict[str, Any]) -> None:
    """Apply, and wait for the Rollout to be Healthy and the partition pinned."""
    await scene.apply(*manifests)
    await scene.phase("Healthy")
    await pinned(scene)


async def half_way(scene: Scene, *manifests: dict[str, Any]) -> None:
    """A release of v2 by STEPS that has come to its pause: pods 3 and 4 of 5 are new."""
    await idle(scene, *(manifests or (stateful_set(), referring())))
    await bump(scene, "web:v2")
    await scene.step(1)
    await stand(scene, "v1", "v1", "v1", "v2", "v2")


async def abort(scene: Scene) -> None:
    """Type what somebody on call would."""
    await scene.patch({"spec": {"abort": True}})


async def retry(scene: Scene) -> None:
    """Type what somebody on call would."""
    await scene.patch({"spec": {"retry": True}})


async def revisions(client: Client, namespace: str) -> list[str]:
    """Names of the ControllerRevisions, oldest first."""
    found = await client.list(CONTROLLER_REVISION, namespace)
    return [one["metadata"]["name"] for one in sorted(found, key=lambda one: one["revision"])]


async def broken(scene: Scene, name: str, image: str) -> None:
    """Wait until the pod *name* is there with *image*, has been tried, and is not ready."""

    async def seen() -> bool:
        pods = {pod["metadata"]["name"]: pod for pod in await scene.all(POD)}
        pod = pods.get(name)
        is_tried = bool(pod and pod["status"].get("containerStatuses"))
        return is_tried and pod["spec"]["containers"][0]["image"] == image and not is_ready(pod)

    await scene.until(f"{name} broken", seen)


async def gone(scene: Scene, name: str = "web") -> None:
    """Wait until the Rollout is no more."""

    async def there() -> bool:
        return not await scene.rollout(name)

    await scene.until(f"{name} gone", there)

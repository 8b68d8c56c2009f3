"""What can be seen of a release by asking again and again: watches would not outlive the API server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from rollouts.api.kinds import ANALYSIS_RUN, INGRESS, REPLICA_SET
from rollouts.api.meta import Kind
from rollouts.kube.errors import ApiError
from rollouts.runtime.lifecycle import background
from tests.chaos.chronicle import CANARY, WEIGHT
from tests.e2e.scene import Scene

KINDS = (REPLICA_SET, ANALYSIS_RUN)


class Lookout:
    """Weights, steps and names in the order in which they were first seen; each lasts a second at least."""

    def __init__(self) -> None:
        self._weights: list[int] = []
        self._steps: list[int] = []
        self._names: dict[Kind, list[str]] = {kind: [] for kind in KINDS}
        self._most = 0

    def weights(self) -> list[int]:
        """Of the canary Ingress, each once as long as it lasted."""
        return self._weights

    def steps(self) -> list[int]:
        """Of the Rollout."""
        return self._steps

    def created(self, kind: Kind) -> list[str]:
        """Whatever of *kind* there has been."""
        return self._names[kind]

    def most_pods(self) -> int:
        """Most that were wanted at once."""
        return self._most

    async def look_at_rollout(self, scene: Scene) -> None:
        """Note its step."""
        _note(self._steps, (await scene.rollout()).get("status", {}).get("currentStepIndex"))

    async def look_at_route(self, scene: Scene) -> None:
        """Note the canary's weight."""
        for route in await scene.all(INGRESS):
            annotations = route["metadata"].get("annotations", {})
            if annotations.get(CANARY) == "true":
                _note(self._weights, int(annotations.get(WEIGHT, 0)))

    async def look_at_rest(self, scene: Scene) -> None:
        """Note what else is there."""
        for kind in KINDS:
            self._names[kind] += [
                one["metadata"]["name"]
                for one in await scene.all(kind)
                if one["metadata"]["name"] not in self._names[kind]
            ]
        self._most = max(self._most, sum((await scene.sizes()).values()))


def _note(seen: list[int], value: int | None) -> None:
    if value is not None and seen[-1:] != [value]:
        seen.append(value)


@asynccontextmanager
async def lookout(scene: Scene) -> AsyncIterator[Lookout]:
    """Look while the body runs, and whenever there is somebody to ask."""
    seen = Lookout()
    # who hangs in a request misses what happens meanwhile
    hasty = Scene(scene.client.within(1), scene.namespace)

    async def often(look: Callable[[Scene], Awaitable[None]]) -> None:
        while True:
            with suppress(ApiError):
                await look(hasty)
            await asyncio.sleep(0.1)

    looks = (seen.look_at_rollout, seen.look_at_route, seen.look_at_rest)
    async with background(**{look.__name__: often(look) for look in looks}):
        yield seen

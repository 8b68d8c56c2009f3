"""The demo played: a controller, steady load, a good release, a bad one; a live tree meanwhile."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.live import Live

from rollouts.api import kinds
from rollouts.api.kinds import ANALYSIS_RUN, HTTP_ROUTE, INGRESS, POD, ROLLOUT
from rollouts.api.meta import Key
from rollouts.cli.demo.claims import BAD, GOOD, SAFE, SETTLED, Outcome, claims, shown
from rollouts.cli.demo.manifests import HOST, NAME, NAMESPACE, everything
from rollouts.cli.live import Following, following, tree
from rollouts.cli.output import console
from rollouts.kube.client import Client, Content
from rollouts.sandbox.load import Load, Target

KEY: Final = Key(NAMESPACE, NAME)
PATIENCE: Final = 90.0
RATE: Final = 200.0
# The sandbox's proxy takes changes up within 0.1 s; the defaults are for proxies that take two.
SETTLE: Final = ("--nginx-settle", "1s", "--gateway-settle", "1s")

Json = dict[str, Any]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demo is played; *url* is the proxy's, *prometheus* Prometheus's address, *logs* a directory."""

    kubeconfig: Path
    controller_kubeconfig: Path
    url: str
    prometheus: str
    logs: Path


class Unfulfilled(Exception):  # noqa: N818 (it is not an error of the program)
    """Something that should have happened did not, in time."""


async def play(place: Place, router: str, image: str, *, is_live: bool) -> int:
    """Play the whole demo; 0 when every claim holds."""
    out = console()
    async with (
        Client.connect(kubeconfig=str(place.kubeconfig), user_agent="rollouts-demo", qps=0) as client,
        _controller(place),
    ):
        for manifest in everything(router, image, place.prometheus):
            await _apply(client, manifest)
        outcome: Outcome | None = None
        try:
            outcome = await _releases(client, place, router, image, is_live=is_live)
        except* Unfulfilled as group:
            out.print(f"the demo stopped: {leaf(group)}", style="bold red")
    if outcome is None:
        return 1
    out.print(shown(outcome))
    return 0 if all(claim.holds for claim in claims(outcome)) else 1


def leaf(error: BaseException) -> BaseException:
    """The first error that is not a group."""
    return leaf(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


@asynccontextmanager
async def _controller(place: Place) -> AsyncIterator[None]:
    """A controller with its own account, in a process of its own; its log is a file."""
    log = place.logs / "demo-controller.log"
    # Pods listen on 8080 of their own addresses in the same namespace, so the controller's ports are moved away.
    ports = ["--healthzPort", "18080", "--metricsPort", "18090"]
    command = [sys.executable, "-m", "rollouts", "controller", "--leader-elect=false", *SETTLE, *ports]
    environment = {**os.environ, "KUBECONFIG": str(place.controller_kubeconfig)}
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=out, stderr=out)
        try:
            yield
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _apply(client: Client, manifest: Json) -> None:
    kind = next(kind for kind in _kinds() if kind.name == manifest["kind"])
    metadata = manifest["metadata"]
    key = Key(metadata.get("namespace", ""), metadata["name"])
    await client.patch(kind, key, manifest, content=Content.APPLY, field_manager="rollouts-demo", force=True)


def _kinds() -> tuple[Any, ...]:
    return (kinds.NAMESPACE, kinds.SERVICE, kinds.GATEWAY, HTTP_ROUTE, INGRESS, kinds.ANALYSIS_TEMPLATE, ROLLOUT)


class Stage:
    """What is going on, shown to whoever watches."""

    def __init__(self, client: Client, follower: Following, live: Live | None, out: Console) -> None:
        self.client, self._follower, self._live, self._out = client, follower, live, out
        self._said = ""

    def tell(self, text: str) -> None:
        """Say what happens next."""
        (self._live.console if self._live else self._out).print(f"── {text}", style="bold")

    async def show(self) -> None:
        """Draw the tree again whenever something changes; without a terminal, one line for each new state."""
        while True:
            view = self._follower.view()
            if view is not None and self._live is not None:
                self._live.update(tree(view), refresh=True)
            await self._follower.changed(within=1.0)

    async def phase(self, *wanted: str) -> Json:
        """Wait for a phase of the Rollout, seen for its present generation."""

        async def reached() -> Json | None:
            rollout = await self.rollout()
            status = rollout.get("status", {})
            line = f"   {status.get('phase', '')} {status.get('message', '')} step {status.get('currentStepIndex')}"
            if self._live is None and line != self._said:
                self._said = line
                self._out.print(line)
            observed = str(status.get("observedGeneration")) == str(rollout["metadata"]["generation"])
            return rollout if observed and status.get("phase") in wanted else None

        found: Json = await until(f"{NAME} is {' or '.join(wanted)}", reached)
        return found

    async def rollout(self) -> Json:
        """The Rollout as stored."""
        found: Json = msgspec.json.decode(await self.client.get(ROLLOUT, KEY))
        return found

    async def image(self, image: str) -> None:
        """What CI does."""
        patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
        await self.client.patch(ROLLOUT, KEY, patch, content=Content.JSON)


async def until(claim: str, test: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """What the awaited *test* gives once that is true; raises Unfulfilled after *seconds*."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        found = await test()
        if found:
            return found
        await asyncio.sleep(0.05)
    raise Unfulfilled(f"waited {seconds:g} s in vain until {claim}")


async def _releases(client: Client, place: Place, router: str, image: str, *, is_live: bool) -> Outcome:
    out = console()
    async with following(client, KEY) as follower, asyncio.TaskGroup() as group:
        live = Live(console=out, auto_refresh=False) if is_live else None
        if live:
            live.start()
        try:
            stage = Stage(client, follower, live, out)
            showing = group.create_task(stage.show(), name="show")
            await _first(stage, place, router)
            outcome = await _under_load(stage, place, router, image)
            showing.cancel()
        finally:
            if live:
                live.stop()
    return outcome


async def _first(stage: Stage, place: Place, router: str) -> None:
    stage.tell(f"v1 is deployed; the {router} route leads to it")
    await stage.phase("Healthy")

    async def served() -> bool:
        load = Load(Target(place.url, host=HOST, clients=1, requests=3, seconds=2))
        async with load:
            await load.finished()
        return load.report().requests > 0 and load.report().total.failed == 0

    await until("the proxy serves v1", served)


async def _under_load(stage: Stage, place: Place, router: str, image: str) -> Outcome:
    before = await _route(stage.client, router)
    async with Load(Target(place.url, host=HOST, clients=8, rate=RATE, seconds=600), "v1 alone") as load:
        await asyncio.sleep(2)
        stage.tell(f"v2 is good: {image}:v2")
        load.mark(GOOD)
        await stage.image(f"{image}:v2")
        good = await stage.phase("Healthy", "Degraded")
        await until("the old pods are gone", lambda: _idle(stage, f"{image}:v2", before, router))
        load.mark(SETTLED)
        await asyncio.sleep(2)
        return await _bad_release(stage, load, (good, before), router, image)


async def _bad_release(stage: Stage, load: Load, earlier: tuple[Json, Json], router: str, image: str) -> Outcome:
    good, before = earlier
    stage.tell(f"v3 fails one request in twenty: {image}:v3-errors5")
    load.mark(BAD)
    await stage.image(f"{image}:v3-errors5")
    loop = asyncio.get_running_loop()
    await until("v3 is asked for the first time", lambda: _asked(load))
    first = loop.time()
    bad = await stage.phase("Degraded", "Healthy")
    detected = loop.time() - first
    await until("weight 0 is verified", lambda: _is_safe(stage))
    safe = loop.time() - first
    load.mark(SAFE)
    stage.tell("aborted: every request goes to v2 again")
    await until("the bad pods are gone", lambda: _idle(stage, f"{image}:v2", before, router))
    return Outcome(
        report=load.report(),
        good_phase=good["status"]["phase"],
        bad_phase=bad["status"]["phase"],
        bad_run=await _last_run(stage.client),
        detected_after=detected,
        safe_after=safe,
        left_pods=await _pods(stage.client, f"{image}:v3-errors5"),
        route_restored=await _route(stage.client, router) == before,
    )


async def _asked(load: Load) -> bool:
    return any(v.startswith("v3") for v in load.report().phase(BAD).by(lambda answer: answer.version))


async def _is_safe(stage: Stage) -> bool:
    weights = (await stage.rollout())["status"]["canary"]["weights"]
    return bool(weights["canary"]["weight"] == 0 and weights.get("verified"))


async def _idle(stage: Stage, image: str, before: Json, router: str) -> bool:
    """Only pods of *image* are left, and the user's route is as it was."""
    pods = await stage.client.list(POD, NAMESPACE)
    alone = all(pod["spec"]["containers"][0]["image"] == image for pod in pods)
    return alone and await _route(stage.client, router) == before


async def _pods(client: Client, image: str) -> int:
    pods = await client.list(POD, NAMESPACE)
    return sum(pod["spec"]["containers"][0]["image"] == image for pod in pods)


async def _route(client: Client, router: str) -> Json:
    """What the user applied, as it stands now."""
    kind = HTTP_ROUTE if router == "gateway" else INGRESS
    spec: Json = msgspec.json.decode(await client.get(kind, KEY))["spec"]
    return spec


async def _last_run(client: Client) -> str:
    """The phase of the newest AnalysisRun."""
    runs = await client.list(ANALYSIS_RUN, NAMESPACE)
    newest = max(runs, key=lambda run: run["metadata"]["creationTimestamp"], default={})
    return str(newest.get("status", {}).get("phase", ""))

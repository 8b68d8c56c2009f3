"""One pod from creation to removal: what a scheduler, a kubelet and a container runtime would do to it."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import aiohttp

from rollouts.sandbox.addresses import Addresses
from rollouts.sandbox.apiclient import STRATEGIC, Api
from rollouts.sandbox.app import Application
from rollouts.sandbox.behaviour import Pod, behaviour_of
from rollouts.sandbox.errors import Refused
from rollouts.sandbox.podspec import (
    ends_by_itself,
    gates_open,
    hook_seconds,
    identity_of,
    key_of,
    path_of_pod,
    ports_of,
    ready_after,
    stop_seconds,
    task_of,
)
from rollouts.sandbox.podstatus import Ended, Facts, Started, Waiting, conditions_of, status_of
from rollouts.sandbox.probes import Probe, probes_of

NODE: Final = "sandbox"
_BACK_OFF: Final = 10.0
_LONGEST_BACK_OFF: Final = 300.0
_LONGEST_WAIT: Final = 1.0


@dataclass(frozen=True)
class World:
    """What all pods share. *ready_seconds* is the time from creation to Ready that the sandbox was asked for."""

    api: Api
    session: aiohttp.ClientSession
    addresses: Addresses
    ready_seconds: float
    now: Callable[[], datetime]


class Life:
    """Runs in a task of its own; the player tells it of every change and cancels it when the pod is gone."""

    def __init__(self, pod: Pod, world: World) -> None:
        self.pod = pod
        self.address = ""
        self._world = world
        self._seen = asyncio.get_running_loop().time()
        self._deleting = asyncio.Event()
        self._changed = asyncio.Event()
        self._facts: Facts | None = None
        self._since: dict[str, tuple[str, datetime]] = {}
        self._passing: list[bool] = []
        self._app: Application | None = None
        self.see(pod)

    @property
    def is_running(self) -> bool:
        """Whether its application listens."""
        return self._app is not None

    def see(self, pod: Pod) -> None:
        """Take note of a newer version of the pod."""
        self.pod = pod
        self._changed.set()
        if pod["metadata"].get("deletionTimestamp"):
            self._deleting.set()

    async def run(self) -> None:
        """Live until the pod is gone from the API server."""
        try:
            await self._live()
        finally:
            await self._leave()

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            story = group.create_task(self._visible_story(), name=f"story of {key_of(self.pod)}")
            await self._deleting.wait()
            story.cancel()
        await self._end()

    async def _visible_story(self) -> None:
        """Whatever goes wrong, the pod shows it and can still be deleted."""
        try:
            await self._story()
        except Exception as error:  # noqa: BLE001 (shown in the status)
            facts = Facts(Waiting("RunContainerError", repr(error)), self._world.now())
            with suppress(Refused):
                await self._publish(facts)

    async def _story(self) -> None:
        await self._bind()
        behaviour = behaviour_of(self.pod)
        if behaviour.missing:
            await self._never_pulled()
        elif ends_by_itself(self.pod):
            await self._run_task()
        else:
            await self._run_server()

    async def _bind(self) -> None:
        while self.pod["spec"].get("schedulingGates"):
            await self._next_change()
        if self.pod["spec"].get("nodeName"):
            return
        metadata = {"name": self.pod["metadata"]["name"], "uid": self.pod["metadata"]["uid"]}
        target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}
        await self._send("POST", path_of_pod(self.pod, "binding"), binding)

    async def _never_pulled(self) -> None:
        image = self.pod["spec"]["containers"][0]["image"]
        facts = Facts(Waiting("ErrImagePull", f'failed to pull image "{image}": not found'), self._world.now())
        await self._publish(facts)
        await asyncio.sleep(1)
        await self._publish(replace(facts, containers=Waiting("ImagePullBackOff", f'Back-off pulling image "{image}"')))

    async def _run_task(self) -> None:
        """A container that ends by itself, run again after a failure when the pod's restart policy says so."""
        self.address = self._world.addresses.take()
        task = task_of(self.pod)
        code = 1 if behaviour_of(self.pod).crashes else task.code
        began = self._world.now()
        for restarts in itertools.count():
            started = self._world.now()
            facts = Facts(Started(started), began, self.address, restarts, ready=True)
            await self._publish(facts)
            await asyncio.sleep(task.seconds)
            ended = Ended(code, started, self._world.now())
            if code == 0 or self.pod["spec"]["restartPolicy"] == "Never":
                phase = "Failed" if code else "Succeeded"
                await self._publish(replace(facts, containers=ended, ready=False, phase=phase))
                return
            await self._back_off(replace(facts, ready=False, last=ended))

    async def _run_server(self) -> None:
        self.address = self._world.addresses.take()
        began = self._world.now()
        crashes = behaviour_of(self.pod).crashes
        facts = Facts(Started(began), began, self.address)
        for restarts in itertools.count():
            started = self._world.now()
            facts = replace(facts, containers=Started(started), restarts=restarts, ready=False)
            if not crashes:
                await self._serve(facts)
            ended = Ended(1, started, self._world.now())
            facts = replace(facts, last=ended)
            await self._back_off(facts)

    async def _serve(self, facts: Facts) -> None:
        """Returns when the application has crashed."""
        app = Application(identity_of(self.pod), behaviour_of(self.pod))
        await app.start(self.address, ports_of(self.pod))
        self._app = app
        async with asyncio.TaskGroup() as group:
            keeper = group.create_task(self._keep_ready(facts), name=f"readiness of {key_of(self.pod)}")
            await app.crashed.wait()
            keeper.cancel()
        self._app = None
        await app.stop(0)

    async def _keep_ready(self, facts: Facts) -> None:
        """Tell the API server whenever the pod becomes ready or stops being so."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(hook_seconds(self.pod, "postStart"))
        began = loop.time()
        ready_at = (began if facts.restarts else self._seen) + ready_after(self.pod, self._world.ready_seconds)
        if ready_at > loop.time():
            await self._publish(facts)
            await asyncio.sleep(ready_at - loop.time())
        await self._pass_startup()
        probes = probes_of(self.pod, "readinessProbe")
        self._passing = [False] * len(probes)
        async with asyncio.TaskGroup() as group:
            for place, probe in enumerate(probes):
                group.create_task(self._ask(place, probe, began), name=f"probe {place} of {key_of(self.pod)}")
            while True:
                # Before it looks: what changes while the API server is told must not be forgotten.
                self._changed.clear()
                ready, gates = all(self._passing), gates_open(self.pod)
                await self._publish(replace(facts, ready=ready, gates=gates))
                await self._changed.wait()

    async def _pass_startup(self) -> None:
        for probe in probes_of(self.pod, "startupProbe"):
            await asyncio.sleep(probe.initial_delay)
            while not await probe.passes(self._world.session, self.address):  # noqa: ASYNC110 (a probe is a poll)
                await asyncio.sleep(probe.period)

    async def _ask(self, place: int, probe: Probe, began: float) -> None:
        """Ask one readiness probe for ever; thresholds count answers in a row, as the kubelet's do."""
        await asyncio.sleep(began + probe.initial_delay - asyncio.get_running_loop().time())
        streak = 0
        while True:
            passed = await probe.passes(self._world.session, self.address)
            streak = 0 if passed == self._passing[place] else streak + 1
            if streak >= (probe.successes if passed else probe.failures):
                self._passing[place], streak = passed, 0
                self._changed.set()
            await asyncio.sleep(probe.period)

    async def _back_off(self, facts: Facts) -> None:
        """The kubelet restarts at once after the first crash, then waits 10 s, doubled each time up to 5 min."""
        if facts.restarts == 0:
            return
        await self._publish(replace(facts, containers=Waiting("CrashLoopBackOff", "back-off restarting the container")))
        await asyncio.sleep(min(_BACK_OFF * 2 ** (facts.restarts - 1), _LONGEST_BACK_OFF))

    async def _end(self) -> None:
        if self._app:
            self._app.drain()
            await asyncio.sleep(stop_seconds(self.pod))
        await self._leave()
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": self.pod["metadata"]["uid"]}}
        with suppress(Refused):
            await self._send("DELETE", path_of_pod(self.pod), body)

    async def _leave(self) -> None:
        app, self._app = self._app, None
        if app:
            await app.stop(0.5)
        if self.address:
            self._world.addresses.free(self.address)
            self.address = ""

    async def _next_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _publish(self, facts: Facts) -> None:
        if facts == self._facts:
            return
        self._note_transitions(facts)
        times = {kind: time for kind, (_, time) in self._since.items()}
        patch = {"metadata": {"uid": self.pod["metadata"]["uid"]}, "status": status_of(self.pod, facts, times)}
        await self._send("PATCH", path_of_pod(self.pod, "status"), patch, STRATEGIC)
        self._facts = facts

    def _note_transitions(self, facts: Facts) -> None:
        for condition in conditions_of(facts):
            if self._since.get(condition["type"], ("",))[0] != condition["status"]:
                self._since[condition["type"]] = (condition["status"], self._world.now())

    async def _send(self, method: str, path: str, body: object, kind: str = "application/json") -> None:
        """One write, tried again for as long as the API server is away or too busy: a kubelet never gives up."""
        for attempt in itertools.count():
            with suppress(aiohttp.ClientError, TimeoutError):
                try:
                    await self._world.api.request(method, path, body, kind_of_body=kind)
                except Refused as refused:
                    if refused.status not in {429, 500, 503, 504}:
                        # the answer to an earlier attempt may have been lost
                        if attempt and refused.status in {404, 409}:
                            return
                        raise
                else:
                    return
            await asyncio.sleep(min(_LONGEST_WAIT, 0.1 * 2**attempt))

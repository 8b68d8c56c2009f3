"""Plays one scenario, with a controller of its own behind the faulty proxy; disturbed or not."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from rollouts.api.kinds import NAMESPACE
from rollouts.api.meta import Key, Kind
from rollouts.kube.client import Client, Content
from rollouts.kube.errors import ApiError, NotFound
from rollouts.runtime.clock import SystemClock
from rollouts.wire.durations import rfc3339
from tests.chaos.campaign_draw import EVERY, Perturbation
from tests.chaos.campaign_history import History, Never, history
from tests.chaos.checker import Expected, Record, Row, record
from tests.chaos.faults import NONE, Seen, tally
from tests.chaos.mortal import Mortal, behind_proxy, owned
from tests.chaos.nursery import Nursery
from tests.chaos.proxy import Proxy
from tests.chaos.scenarios_words import KINDS, Apply, Delete, Patch, Say, Scenario
from tests.e2e.answers import Answers, answering
from tests.e2e.scene import Scene

UNDISTURBED, DISTURBED = 240.0, 240.0
# How long a controller takes to start and to look at everything, on a machine that has other work.
BIRTH = 60.0
# Longer than anything that comes by itself is away: a weight that settles, a delay of a scale-down, a measurement.
QUIET = 2.5
# What is not as it was then is looked at again after this while: on a machine that has other work news takes its time.
LATER = 15.0
# A controller with an instance id sees of these only what carries it.
SEEN_BY_LABEL = frozenset({"Rollout", "AnalysisTemplate"})


class Run(NamedTuple):
    """What came of a play. *writes*: how many the controller needed, and by name; *crashes*: how often it was killed."""

    record: Record
    writes: int
    written: dict[str, int]
    crashes: int
    rows: list[Row]


class Stage:
    """One scenario's namespace: where its acts happen."""

    def __init__(self, scene: Scene, answers: Answers) -> None:
        self._scene, self._answers = scene, answers

    def placed(self, value: Any) -> Any:
        """*value* with what its placeholders stand for."""
        now = rfc3339(SystemClock().now())
        stands = {"$NS": self._scene.namespace, "$METRICS": self._answers.address, "$NOW": now}
        text = json.dumps(value)
        for placeholder, real in stands.items():
            text = text.replace(placeholder, real)
        return json.loads(text)

    def taken_back(self, rows: list[Row]) -> list[Row]:
        """Rows with placeholders for what differs from run to run."""
        text = msgspec.json.encode(rows).decode()
        text = text.replace(self._answers.address, "$METRICS")
        return msgspec.json.decode(re.sub(rf"\b{re.escape(self._scene.namespace)}\b", "$NS", text), type=list[Row])

    async def create(self, manifest: dict[str, Any]) -> None:
        """Create an object, the Rollout for the controller of this scenario alone."""
        mine = self._mine(manifest)
        await self._scene.client.create(KINDS[manifest["kind"]], self._scene.namespace, mine)

    def _mine(self, manifest: dict[str, Any]) -> dict[str, Any]:
        placed: dict[str, Any] = self.placed(manifest)
        return owned(self._scene, placed) if placed["kind"] in SEEN_BY_LABEL else placed

    async def happen(self, act: Apply | Patch | Delete | Say, world: History) -> None:
        """One thing that a person does."""
        client, namespace = self._scene.client, self._scene.namespace
        match act:
            case Apply(manifests):
                await self._scene.apply(*map(self._mine, manifests))
            case Patch(patch, kind, name, sub):
                content = Content.JSON if isinstance(patch, list) else Content.MERGE
                key, patch = Key(namespace, name), self.placed(patch)
                await client.patch(kind, key, patch, subresource=sub, content=content, field_manager="person")
            case Delete(kind, name, propagation):
                name = name or world.all(kind.name)[0]["metadata"]["name"]
                await client.delete(kind, Key(namespace, name), propagation=propagation)
            case Say(value, status):
                self._answers.say(value, status)


class House(NamedTuple):
    """Where all runs are played: one cluster, and one nursery of controllers."""

    client: Client
    nursery: Nursery | None = None


async def play(
    house: House, scenario: Scenario, perturbation: Perturbation, namespace: str, reference: Record | None = None
) -> Run:
    """From an empty namespace to the scenario's end; where that is not the *reference*'s, once more after a while."""
    scope = ("--namespaced", "--namespace", namespace)
    async with (
        fresh(house.client, namespace) as scene,
        answering() as answers,
        history(house.client, namespace) as told,
        behind_proxy(scene, *scope, *scenario.flags, nursery=house.nursery) as (controller, proxy),
    ):
        stage = Stage(scene, answers)
        answers.say(scenario.answers)
        try:
            await prologue(scenario, stage, told)
        except Never as never:
            raise Never(f"{never}; {controller.last_words()}") from None
        begun, mark = told.version, len(proxy.seen)
        proxy.writes = 0
        proxy.faults = perturbation.faults
        lives = Lives(controller, told)
        expected = Expected(scenario.pods, scenario.hurried, scenario.is_gradual)
        async with revived(lives, proxy, perturbation):
            stuck = await staged(scenario, stage, told, perturbation)
            while not stuck and lives.ended != lives.at_rest:
                stuck = await lives.rested(scenario, told, perturbation)
            if reference is not None and not stuck:
                ended = record(stage.taken_back(told.rows), begun, expected).end
                stuck = "" if ended == reference.end else await later(scenario, told)
        proxy.faults = NONE
        rows = stage.taken_back(told.rows)
        found = record(rows, begun, expected, stuck=stuck)
        found.wrong += [*lives.complaints(), *outcries(controller)]
        return Run(found, proxy.writes, carried_out(proxy.since(mark)), lives.ended, rows)


async def prologue(scenario: Scenario, stage: Stage, told: History) -> None:
    """What is given, at rest. The story starts when everybody has heard of it."""
    for manifest in scenario.given:
        await stage.create(manifest)
    await told.until_quiet(scenario.begins, 1.0, UNDISTURBED)


async def staged(scenario: Scenario, stage: Stage, told: History, perturbation: Perturbation) -> str:
    """The story up to its end, or why it never came to that."""
    patience = patience_with(perturbation, scenario)
    try:
        for beat in scenario.beats:
            await told.until(beat.when, patience)
            for act in beat.acts:
                await stage.happen(act, told)
        await told.until_quiet(scenario.ends, QUIET + perturbation.lag, patience)
    except Never as never:
        return str(never)
    return ""


async def later(scenario: Scenario, told: History) -> str:
    """Wait until nothing has come for a while; or why it never was so."""
    told.rest()
    try:
        await told.until_quiet(scenario.ends, LATER, DISTURBED)
    except Never as never:
        return str(never)
    return ""


def patience_with(perturbation: Perturbation, scenario: Scenario) -> float:
    """How long to wait for one thing to come true: each write may have to wait for news, or for another life."""
    if not perturbation.is_any:
        return UNDISTURBED
    waits = 1.5 * perturbation.lag + (BIRTH if perturbation.crash == EVERY else 0.0)
    return DISTURBED + scenario.writes * waits


class Lives:
    """A controller's deaths."""

    def __init__(self, controller: Mortal, told: History) -> None:
        self._controller, self._told = controller, told
        self.ended = 0
        self.at_rest = 0
        self._wrong: list[str] = []

    async def rested(self, scenario: Scenario, told: History, perturbation: Perturbation) -> str:
        """What is quiet because nobody lives is not over: wait until this life has nothing to do either."""
        self.at_rest = self.ended
        try:
            async with asyncio.timeout(UNDISTURBED):
                while await self._controller.ready() != READY:  # noqa: ASYNC110 (of another process)
                    await asyncio.sleep(0.1)
            told.rest()
            await told.until_quiet(scenario.ends, QUIET + perturbation.lag, DISTURBED)
        except (Never, TimeoutError) as error:
            return str(error) or "the controller never got ready"
        return ""

    async def follow(self, proxy: Proxy, perturbation: Perturbation) -> None:
        """Start it again whenever it is killed."""
        idle, version = 0, 0
        while True:
            code = await self._controller.ended()
            self.ended += 1
            if code != KILLED or not perturbation.crash:
                self._wrong.append(f"the controller ended by itself with exit code {code}")
            if perturbation.crash == EVERY:
                # a write that changes nothing (the Rollout is asked whether it is still there) brings no life forward
                idle, version = (idle + 1 if self._told.version == version else 0), self._told.version
                proxy.faults = replace(proxy.faults, kill_after=proxy.writes + 1 + idle)
            await self._controller.start()

    def complaints(self) -> list[str]:
        """Deaths that nobody caused."""
        return self._wrong


KILLED, READY = -9, 200
SLOW = re.compile(r"Unreachable: .* no answer within \d+s")


@asynccontextmanager
async def revived(lives: Lives, proxy: Proxy, perturbation: Perturbation) -> AsyncIterator[None]:
    """The controller starts again after each end while the body runs."""
    async with asyncio.TaskGroup() as group:
        following = group.create_task(lives.follow(proxy, perturbation), name="start it again")
        yield
        following.cancel()


def carried_out(seen: list[Seen]) -> dict[str, int]:
    """Writes that the API server accepted, by name, but for Events."""
    counted = tally(one for one in seen if one.was_carried_out)
    return {name: count for name, count in sorted(counted.items()) if not name.endswith(" events")}


def outcries(controller: Mortal) -> list[str]:
    """Exceptions that nobody expected, in the controller's log; each once.

    An API server that does not answer in time is the machine's: it has too much to do, and is asked again.
    """
    found = [one for one in controller.entries() if "exception" in one or "level" not in one]
    found = [one for one in found if not SLOW.match(str(one.get("error", "")))]
    said = [{name: value for name, value in one.items() if name != "time"} for one in found]
    return list(dict.fromkeys(f"the controller's log: {str(one)[:1000]}" for one in said))


@asynccontextmanager
async def fresh(client: Client, namespace: str) -> AsyncIterator[Scene]:
    """A namespace in which pods are admitted, gone afterwards."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    await client.create(NAMESPACE, "", body)
    scene = Scene(client, namespace)
    await scene.until("furnished", lambda: is_furnished(scene))
    try:
        yield scene
    finally:
        with suppress(ApiError):
            await client.delete(NAMESPACE, Key("", namespace))


SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts")


async def is_furnished(scene: Scene) -> bool:
    """Pods are refused in a namespace until it has its default account."""
    with suppress(NotFound):
        await scene.client.get(SERVICE_ACCOUNT, Key(scene.namespace, "default"))
        return True
    return False

"""The measurements, one after the other, inside the sandbox. Started by run.py."""

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from rich.console import Console

from rollouts.api.kinds import DEPLOYMENT, INGRESS, POD, ROLLOUT
from rollouts.sandbox.apiclient import Api, connect
from rollouts.sandbox.cluster import Sandbox
from tests.bench import figures, workloads
from tests.bench.accounting import Account, Asked
from tests.bench.figures import Cost, Idle, Release, Results, Spread
from tests.bench.fleet import Fleet, Moments, NeverHappenedError, Test, create, make_namespace
from tests.bench.progress import Voice
from tests.bench.report import show
from tests.bench.subject import Subject, running

ABORTS = 50
QUIET_SECONDS = 2.0


@dataclass(frozen=True)
class Bench:
    """What all parts need; *ready* is how many seconds a pod takes to become ready."""

    place: Sandbox
    api: Api
    voice: Voice
    count: int
    ready: float

    def names(self, word: str, count: int | None = None) -> list[str]:
        """Of as many objects."""
        return [f"{word}-{number:03}" for number in range(count or self.count)]


async def measure(options: argparse.Namespace) -> Results:
    """Everything asked for."""
    place = Sandbox.load()
    async with connect(place.directory, "admin", 128) as api:
        bench = Bench(place, api, Voice(), options.rollouts, options.ready)
        deployments = None if options.only_release else await roll_deployments(bench)
        with running(place, options.interpreter) as subject:
            await subject.ready()
            return await with_controller(bench, subject, options, deployments)


async def with_controller(
    bench: Bench, subject: Subject, options: argparse.Namespace, deployments: Release | None
) -> Results:
    """Settle, rest, release, abort."""
    whole = not options.only_release
    names, namespace = bench.names("web"), "bench"
    await make_namespace(bench.api, namespace)
    async with Fleet.watched(bench.api, ROLLOUT, namespace) as fleet:
        manifests = [workloads.rollout(name, {"steps": workloads.timed_steps()}) for name in names]
        await settle(bench, fleet, namespace, manifests, ("Rollouts settled", workloads.is_released))
        await quiet(bench)
        idle = await rest(bench, subject, options.idle) if whole else None
        memory = subject.memory().now
        release, cost = await measured_release(bench, subject, fleet, names)
    peak = subject.memory().peak
    aborts = await abort_all(bench) if whole else {}
    return Results(bench.count, release, cost, memory, peak, deployments, idle, aborts)


async def roll_deployments(bench: Bench) -> Release:
    """The same with the built-in controller, before ours runs; all is gone afterwards."""
    names, namespace = bench.names("web"), "bench-deployments"
    await make_namespace(bench.api, namespace)
    async with Fleet.watched(bench.api, DEPLOYMENT, namespace) as fleet:
        manifests = [workloads.deployment(name) for name in names]
        await settle(bench, fleet, namespace, manifests, ("Deployments settled", workloads.is_rolled))
        await asyncio.sleep(QUIET_SECONDS)
        result = await roll(bench, fleet, names, ("Deployments bumped", workloads.is_rolled), 2 * bench.ready)
        await fleet.delete_all(names)
    await emptied(bench, namespace)
    return result


async def settle(
    bench: Bench, fleet: Fleet, namespace: str, manifests: list[workloads.Json], end: tuple[str, Test]
) -> None:
    """Create *manifests* and wait for those of the fleet."""
    title, test = end
    names = [one["metadata"]["name"] for one in manifests if one["kind"] == fleet.kind.name]
    with bench.voice.part(title, len(names)) as tell:
        await create(bench.api, namespace, manifests)
        await fleet.moments(names, test, tell)


async def roll(bench: Bench, fleet: Fleet, names: list[str], end: tuple[str, Test], least: float) -> Release:
    """Bump all images at once and wait for the last."""
    title, test = end
    with bench.voice.part(title, len(names)) as tell:
        began = asyncio.get_running_loop().time()
        answered = await fleet.patch(names, workloads.bump("web:v2"))
        ended = await fleet.moments(names, test, tell)
    return Release(spread(answered, ended), max(ended.values()) - began, least)


async def measured_release(bench: Bench, subject: Subject, fleet: Fleet, names: list[str]) -> tuple[Release, Cost]:
    """The release, and what it cost until the controller was quiet again."""
    account, cpu, passes = Account(bench.place.directory), subject.cpu_seconds(), await subject.passes()
    least = 2 * bench.ready + workloads.PAUSE_SECONDS
    release = await roll(bench, fleet, names, ("Rollouts bumped", workloads.is_released), least)
    await quiet(bench)
    used = subject.cpu_seconds() - cpu
    asked = account.asked()
    return release, cost_of(asked, len(names), used, await subject.passes() - passes)


def cost_of(asked: Counter[Asked], count: int, cpu: float, passes: int) -> Cost:
    """Sums per update; leader election is no part of one."""

    def per_update(which: Callable[[Asked], bool]) -> float:
        return sum(number for one, number in asked.items() if which(one)) / count

    kinds: Counter[str] = Counter()
    for one, number in asked.items():
        if not one.is_renewal:
            kinds[f"{one.verb} {one.resource}"] += number
    return Cost(
        requests={name: number / count for name, number in kinds.items()},
        writes=per_update(lambda one: one.is_write),
        events=per_update(lambda one: one.resource == "events"),
        conflicts=per_update(lambda one: one.is_wasted),
        cpu_seconds=cpu / count,
        passes=passes / count,
    )


async def rest(bench: Bench, subject: Subject, seconds: float) -> Idle:
    """Watch it do nothing."""
    account, cpu = Account(bench.place.directory), subject.cpu_seconds()
    with bench.voice.part("idle (seconds)", int(seconds)) as tell:
        for second in range(int(seconds)):
            tell(second)
            await asyncio.sleep(1)
        tell(int(seconds))
    others: Counter[str] = Counter()
    for one, number in account.asked().items():
        if not one.is_renewal:
            others[f"{one.verb} {one.resource}"] += number
    renewals = account.count(lambda one: one.is_renewal)
    return Idle(seconds, renewals, dict(others), subject.cpu_seconds() - cpu)


# Aborts.


async def abort_all(bench: Bench) -> dict[str, Spread]:
    """Half-released Rollouts, all aborted at once: without a router by either command, then behind nginx."""
    count = min(bench.count, ABORTS)
    plain = await abort_plain(bench, bench.names("plain", count))
    return {**plain, **await abort_routed(bench, bench.names("routed", count))}


async def abort_plain(bench: Bench, names: list[str]) -> dict[str, Spread]:
    """Without a router: by status and, in a further release, by spec."""
    namespace = "bench-plain"
    await make_namespace(bench.api, namespace)
    found = {}
    async with Fleet.watched(bench.api, ROLLOUT, namespace) as fleet:
        manifests = [workloads.rollout(name, {"steps": workloads.endless_steps()}) for name in names]
        await settle(bench, fleet, namespace, manifests, ("Rollouts to abort settled", workloads.is_released))
        for image, (command, subresource) in zip(("web:v2", "web:v3"), COMMANDS.items(), strict=True):
            await begin(bench, fleet, names, image)
            with bench.voice.part(f"aborted by {command}", len(names)) as tell:
                answered = await fleet.patch(names, {command: {"abort": True}}, subresource)
                found[f"Degraded, by {command}.abort"] = spread(
                    answered, await fleet.moments(names, workloads.is_degraded, tell)
                )
    return found


COMMANDS = {"status": "status", "spec": ""}


async def abort_routed(bench: Bench, names: list[str]) -> dict[str, Spread]:
    """Behind nginx: Degraded, and weight 0 written."""
    namespace = "bench-routed"
    await make_namespace(bench.api, namespace)
    async with AsyncExitStack() as stack:
        watched = partial(Fleet.watched, bench.api, namespace=namespace)
        fleet = await stack.enter_async_context(watched(ROLLOUT))
        ingresses = await stack.enter_async_context(watched(INGRESS))
        manifests = [manifest for name in names for manifest in workloads.routed(name)]
        await settle(bench, fleet, namespace, manifests, ("routed Rollouts settled", workloads.is_released))
        await begin(bench, fleet, names, "web:v2")
        with bench.voice.part("routed Rollouts aborted", len(names)) as tell:
            answered = await fleet.patch(names, {"status": {"abort": True}}, "status")
            by_ingress = {workloads.canary_ingress(name): at for name, at in answered.items()}
            async with asyncio.TaskGroup() as group:
                waiting = ingresses.moments(by_ingress, workloads.has_no_weight, lambda _done: None)
                without = group.create_task(waiting, name="weight 0")
                degraded = await fleet.moments(names, workloads.is_degraded, tell)
    nginx = spread(by_ingress, without.result())
    return {"Degraded, nginx": spread(answered, degraded), "weight 0 written, nginx": nginx}


async def begin(bench: Bench, fleet: Fleet, names: list[str], image: str) -> None:
    """Releases up to their endless pause, and everybody quiet."""
    with bench.voice.part(f"{image} half released", len(names)) as tell:
        await fleet.patch(names, workloads.bump(image))
        await fleet.moments(names, workloads.is_paused, tell)
    await quiet(bench)


# Waiting.


async def quiet(bench: Bench) -> None:
    """Wait until the controller has asked for nothing in two seconds, leader election aside; a minute at most."""
    for _ in range(30):
        account = Account(bench.place.directory)
        await asyncio.sleep(QUIET_SECONDS)
        if not account.count(lambda one: not one.is_renewal):
            return
    raise NeverHappenedError("the controller is never quiet")


async def emptied(bench: Bench, namespace: str) -> None:
    """Wait until no pod is left."""
    async with asyncio.timeout(120):
        while (await bench.api.request("GET", POD.path(namespace), limit="1"))["items"]:  # noqa: ASYNC110
            await asyncio.sleep(0.5)


def spread(since: Moments, until: Moments) -> Spread:
    """How long each took; what came before the answer to its own cause took no time."""
    return Spread.of(max(0.0, until[name] - began) for name, began in since.items())


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rollouts", type=int)
    parser.add_argument("--output")
    parser.add_argument("--idle", type=int)
    parser.add_argument("--interpreter")
    parser.add_argument("--ready", type=float)
    parser.add_argument("--only-release", action="store_true")
    options = parser.parse_args()
    results = asyncio.run(measure(options))
    if options.output == "json":
        sys.stdout.write(json.dumps(figures.as_json(results), indent=1) + "\n")
    else:
        width = None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "130"))
        show(results, Console(width=width), options.ready)
    return 0


if __name__ == "__main__":
    sys.exit(main())

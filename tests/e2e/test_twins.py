"""Scenarios of the simulator played on the real cluster: both give the same weights, counts, phases and Events.

What is compared, and what may differ without being different, is as for recordings. Where they differ, the simulator
is wrong. A scenario stays out for a reason that `why_not` gives.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.api.kinds import DEPLOYMENT, POD, ROLLOUT
from rollouts.api.meta import Key
from rollouts.simulator.script import KINDS, Script, furniture, played
from rollouts.wire.durations import parse_go_duration
from tests.recordings.comparer import differences
from tests.recordings.recording import Recording
from tests.scenarios.sightings import rows

HERE = Path(__file__).resolve().parent
SCENARIOS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((HERE.parent / "scenarios").glob("*.yaml"))}
LONGEST = 60.0
QUIET = 3.0
LEAST = 80


# Seen to differ in a full run: their stories' waits and bad images are the simulator's own, or it lacks a Deployment's
# ReplicaSets. Whoever gives one a story that fits a cluster takes it out of here.
UNFIT = frozenset(
    {
        "bluegreen-bad-image",
        "bluegreen-by-the-clock",
        "bluegreen-from-canary",
        "bluegreen-promoted-by-hand",
        "bluegreen-third-revision",
        "bluegreen-to-canary",
        "pain-abort-by-third-revision-after-abort",
        "pain-bad-stable-blocks-good-canary",
        "pain-replicas-and-abort-in-one-moment",
        "pain-replicas-and-image-in-one-sync",
        "pain-stuck-on-stale-replicasets",
        "workloadref",
        "workloadref-progressively",
    }
)


def why_not(scenario: dict[str, Any]) -> str:
    """Why a scenario cannot be played on a cluster; "" when it can."""
    cluster, objects = scenario.get("cluster") or {}, scenario["objects"]
    if any(one["kind"] == "StatefulSet" for one in objects):
        return "its StatefulSet is held against the real controller by tests of its own"
    if cluster.get("verdicts") or any("AnalysisTemplate" in one["kind"] for one in objects):
        return "its verdicts are made up"
    if set(cluster.get("lags") or {}) - {"ready"}:
        return "its lags are made up"
    if any(one["kind"] == "ReplicaSet" for one in objects):
        return "its ReplicaSets have statuses that a real controller would count anew"
    if "restartAt" in str(scenario["story"]):
        return "its restartAt is a moment of the simulator's clock"
    if length(scenario) > LONGEST:
        return f"it takes more than {LONGEST:g} s"
    return ""


def length(scenario: dict[str, Any]) -> float:
    """Seconds of the story, by its own timeline."""
    told = [line for line in scenario["timeline"].splitlines() if line.startswith("t+")]
    return parse_go_duration(told[-1].split()[0].removeprefix("t+")).total_seconds() if told else 0.0


PLAYED = [name for name, scenario in SCENARIOS.items() if name not in UNFIT and not why_not(scenario)]


class Player:
    """Acts a story out on the cluster, with the words of the simulator."""

    def __init__(self, x: Recording, objects: list[dict[str, Any]]) -> None:
        self.x, self.objects = x, objects
        self.hero = next(one for one in objects if one["kind"] == ROLLOUT.name)
        self.images = 0

    async def begin(self) -> None:
        """What the Rollout refers to first, as a person applies it."""
        others = [one for one in self.objects if one is not self.hero]
        named = {(one["kind"], one["metadata"]["name"]) for one in others}
        made = [{"apiVersion": kind.api_version, "kind": kind.name, **body} for kind, body in furniture(self.hero)]
        # Without a Gateway nobody reports on routes, here as in the simulator.
        missing = [
            one for one in made if (one["kind"], one["metadata"]["name"]) not in named and one["kind"] != "Gateway"
        ]
        for one in (*others, *missing):
            one["metadata"].pop("namespace", None)
        await self.x.provide(*others, *missing)
        await self.x.create(self.hero)

    async def act(self, entry: Any) -> None:
        """One entry of the story."""
        word, value = (entry, None) if isinstance(entry, str) else next(iter(entry.items()))
        if word.startswith("patch ") and "/" in word:
            kind, _, name = word.removeprefix("patch ").partition("/")
            await self.x.patch(value, name, KINDS[kind])
            return
        await getattr(self, "_" + word.replace(" ", "_"))(value)

    async def _until(self, value: Any) -> None:
        await self.x.phase(*([value] if isinstance(value, str) else value), within=LONGEST)

    async def _wait(self, value: str) -> None:
        await self.x.look_on(parse_go_duration(value).total_seconds())

    async def _rest(self, _: Any) -> None:
        loop = asyncio.get_running_loop()
        end, seen, since = loop.time() + LONGEST, len(self.x.rows), loop.time()
        while loop.time() < min(end, since + QUIET):
            await asyncio.sleep(0.1)
            if len(self.x.rows) != seen:
                seen, since = len(self.x.rows), loop.time()

    async def _image(self, value: str) -> None:
        await self._container({"image": value})

    async def _container(self, value: dict[str, Any]) -> None:
        ref = self.hero["spec"].get("workloadRef")
        kind, name = (DEPLOYMENT, ref["name"]) if ref else (ROLLOUT, self.hero["metadata"]["name"])
        path = "/spec/template/spec/containers/0/"
        gone = [{"op": "remove", "path": path + field} for field, member in value.items() if member is None]
        set_ = [{"op": "add", "path": path + field, "value": member} for field, member in value.items() if member]
        await self.x.patch(gone + set_, name, kind)

    async def _promote(self, _: Any) -> None:
        status = self.x.states.get(("Rollout", "web"), {}).get("status", {})
        change: dict[str, Any] = {"pauseConditions": None}
        if not status.get("pauseConditions"):
            change["currentStepIndex"] = (status.get("currentStepIndex") or 0) + 1
        await self.x.patch({"status": change}, sub="status")

    async def _promote_full(self, _: Any) -> None:
        await self.x.promote_fully()

    async def _abort(self, _: Any) -> None:
        await self.x.abort()

    async def _retry(self, _: Any) -> None:
        await self.x.retry()

    async def _pause(self, _: Any) -> None:
        await self.x.patch({"spec": {"paused": True}})

    async def _resume(self, _: Any) -> None:
        await self.x.patch({"spec": {"paused": False}})

    async def _scale(self, value: int) -> None:
        await self.x.patch({"spec": {"replicas": value}})

    async def _patch(self, value: dict[str, Any]) -> None:
        spec = {key: part for key, part in value.items() if key != "status"}
        if "status" in value:
            await self.x.patch({"status": value["status"]}, sub="status")
        if spec:
            await self.x.patch(spec)

    async def _delete(self, _: Any) -> None:
        await self.x.delete(ROLLOUT, "web")

    async def _kill(self, value: dict[str, int]) -> None:
        status = self.x.states.get(("Rollout", "web"), {})["status"]
        for role, number in value.items():
            revision = status["stableRS"] if role == "stable" else status["currentPodHash"]
            found = await self.x.client.list(POD, self.x.namespace, selector=f"rollouts-pod-template-hash={revision}")
            for pod in found[:number]:
                await self.x.client.delete(POD, Key(self.x.namespace, pod["metadata"]["name"]))


def simulated(name: str) -> list[dict[str, Any]]:
    """What the simulator says that clients see, with routers that settle at once like those of this group."""
    scenario = SCENARIOS[name]
    given = {**scenario, "cluster": {**(scenario.get("cluster") or {}), "settle": 0}}
    return list(rows(played(Script.model_validate(given)), f"rec-{place_of(name)}"))


def place_of(name: str) -> str:
    return f"twin-{name}"[:50]


def test_enough_scenarios_are_played():
    assert len(PLAYED) >= LEAST


@pytest.mark.parametrize("name", PLAYED)
async def test_simulator_and_cluster_agree(name, client, controller):
    scenario = yaml.safe_load(yaml.safe_dump(SCENARIOS[name]))
    x = Recording(client, place_of(name))
    player = Player(x, scenario["objects"])
    async with x.recorded():
        await player.begin()
        for entry in scenario["story"]:
            await player.act(entry)
        await x.look_on(2)
    found = [str(one) for one in differences(simulated(name), x.rows)]
    assert not found, "\n".join(found)

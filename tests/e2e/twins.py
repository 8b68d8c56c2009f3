"""A story of the simulator acted out on the cluster, each act when the cluster has come as far as the simulator."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from rollouts.api.kinds import DEPLOYMENT, POD, ROLLOUT
from rollouts.api.meta import Key
from rollouts.simulator.script import KINDS, Script, act, begun, furniture
from rollouts.wire.durations import parse_go_duration
from tests.recordings.recording import Recording
from tests.recordings.rules import is_part, is_rest, turns
from tests.recordings.story import Row, Story, story
from tests.scenarios.sightings import rows

LONGEST = 60.0
# What the cluster has not told by then it will not tell; the comparison at the end says what.
BEHIND = 60.0
SLOW = 4.0
READY_AFTER = "sandbox.rollouts/ready-after"


def fitted(scenario: dict[str, Any]) -> dict[str, Any]:
    """The scenario for both sides: routers that settle at once; images that never start are named so.

    Where somebody acts within a second, pods take long to start: before they are Ready the act is done on any machine.
    """
    text = json.dumps(scenario)
    for image in (scenario.get("cluster") or {}).get("neverReady", ()):
        text = text.replace(json.dumps(image), json.dumps(f"{image}-missing"))
    given = json.loads(text)
    cluster = {**(given.get("cluster") or {}), "settle": 0}
    if any("ms" in str(entry.get("wait")) for entry in given["story"] if isinstance(entry, dict)):
        cluster["lags"] = {**cluster.get("lags", {}), "ready": [SLOW, SLOW + 0.3]}
        for one in given["objects"]:
            metadata = one["spec"].get("template", {}).get("metadata", {})
            metadata.setdefault("annotations", {})[READY_AFTER] = f"{SLOW:g}s"
    return {**given, "cluster": cluster}


def chapters(scenario: Mapping[str, Any], namespace: str) -> list[list[Row]]:
    """What the simulator says that clients have seen: before each act, and at the end."""
    simulation = begun(Script.model_validate(scenario))
    found = []
    for entry in scenario["story"]:
        found.append(list(rows(simulation, namespace)))
        act(simulation, entry)
    return [*found, list(rows(simulation, namespace))]


def has_come(to: Story, now: Story) -> bool:
    """Whether all that was said and all rests of one story are in the other, and its sizes and Services."""
    return all(_has_come(name, values, now.get(name, [])) for name, values in to.items())


def _has_come(name: str, values: list[Any], now: list[Any]) -> bool:
    if name == "events of release":
        return is_part(values, now)
    if name == "phase":
        return is_part([value for value in values if is_rest(value)], now)
    if name.startswith("replicas "):
        return is_part(turns(values), now)
    if name == "step" or name.startswith("selector "):
        return values[-1] in now
    return True


class Player:
    """Acts a story out on the cluster, with the words of the simulator."""

    def __init__(self, x: Recording, scenario: dict[str, Any]) -> None:
        self.x, self.scenario = x, scenario
        self.objects = yaml.safe_load(yaml.safe_dump(scenario["objects"]))
        self.hero = next(one for one in self.objects if one["kind"] == ROLLOUT.name)

    async def play(self) -> list[Row]:
        """The whole story, up to the last act; what the simulator has of it, to its end."""
        told = chapters(self.scenario, self.x.namespace)
        await self._begin()
        for entry, before in zip(self.scenario["story"], told, strict=False):
            if entry is not self.scenario["story"][0]:
                await self._catch_up(story(before))
            await self._act(entry)
        return told[-1]

    async def _catch_up(self, to: Story) -> None:
        await self.x.whole(lambda rows: has_come(to, story(rows)), BEHIND)

    async def _begin(self) -> None:
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

    async def _act(self, entry: Any) -> None:
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
        """Nothing is done: before the next act the cluster comes as far as the simulator has come at rest."""

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

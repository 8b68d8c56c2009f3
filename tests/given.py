"""Situations that read as English: `given.release(set_weight(20), pause()).pods(canary="1/2").step(1).snapshot`.

A release is from image web:1, which is stable, to web:2, the canary; pods are "available/wanted".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rollouts.api import keys
from rollouts.api.kinds import ANALYSIS_TEMPLATE, INGRESS, REPLICA_SET, ROLLOUT, SERVICE
from rollouts.api.meta import Ref
from rollouts.api.rollout import RolloutAnalysis
from rollouts.planner.actions import Action
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot
from rollouts.simulator.script import furniture
from rollouts.simulator.sight import Sight
from rollouts.simulator.world import World
from rollouts.steps.analysis import STEP as ANALYSIS
from rollouts.steps.base import BoundStep, Part
from rollouts.wire.durations import rfc3339
from rollouts.wire.podhash import pod_template_hash, step_hash

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
UID = "rollouts-web-1"


def template(tag: int) -> dict[str, Any]:
    """The pod template of image web:*tag*."""
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": f"web:{tag}"}]}}


OLDER, STABLE, CANARY = (pod_template_hash(template(tag)) for tag in (0, 1, 2))
METRIC = {"name": "m", "provider": {"web": {"url": "http://metrics.example.com"}}}
CHECKS = {"templates": [{"templateName": "checks"}]}
HASHES = {"older": OLDER, "stable": STABLE, "canary": CANARY}


def set_weight(weight: int) -> dict[str, Any]:
    """A step."""
    return {"setWeight": weight}


def pause(duration: int | str | None = None) -> dict[str, Any]:
    """A step."""
    return {"pause": {} if duration is None else {"duration": duration}}


@dataclass(frozen=True)
class Given:
    """A Rollout and what is around it, as raw as the API server has it."""

    spec: Mapping[str, Any]
    status: Mapping[str, Any]
    sizes: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    pointed: Mapping[str, str] = field(default_factory=dict)
    weight_written: int | None = None

    def pods(self, **sizes: str) -> "Given":
        """Available and wanted pods of `stable`, `canary` and `older`."""
        return replace(self, sizes={**self.sizes, **sizes})

    def step(self, index: int) -> "Given":
        """The current step."""
        return self.having(currentStepIndex=index)

    def having(self, **status: Any) -> "Given":
        """Fields of the status."""
        return replace(self, status={**self.status, **status})

    def wanting(self, **spec: Any) -> "Given":
        """Fields of the spec."""
        return replace(self, spec={**self.spec, **spec})

    def noted(self, role: str, **annotations: str) -> "Given":
        """Annotations of a ReplicaSet; `_` stands for `-`."""
        written = {key.replace("_", "-"): value for key, value in annotations.items()}
        return replace(self, notes={**self.notes, role: {**self.notes.get(role, {}), **written}})

    def annotated(self, **annotations: str) -> "Given":
        """Annotations of the Rollout, by their names in `keys`."""
        named = {getattr(keys, name): value for name, value in annotations.items()}
        return replace(self, annotations={**self.annotations, **named})

    def pointing(self, **services: str) -> "Given":
        """Which revision the `stable` and `canary` Services point at; "": at every pod, as users write them."""
        return replace(self, pointed={**self.pointed, **services})

    def weighing(self, weight: int) -> "Given":
        """The canary's weight: written long ago, in effect, and in the status."""
        destinations = {
            "canary": {"weight": weight, "serviceName": "web-canary", "podTemplateHash": CANARY},
            "stable": {"weight": 100 - weight, "serviceName": "web-stable", "podTemplateHash": STABLE},
        }
        there = self.pointing(stable="stable", canary="canary").having(canary={"weights": destinations})
        return replace(there, weight_written=weight)

    @property
    def snapshot(self) -> Snapshot:
        """What the controller sees of it."""
        world = World(LONG_AGO)
        rollout = {
            "metadata": {"name": "web", "namespace": "default", "annotations": dict(self.annotations)},
            "spec": dict(self.spec),
            "status": dict(self.status),
        }
        ref = world.create(ROLLOUT, rollout)
        world.create(ANALYSIS_TEMPLATE, {"metadata": {"name": "checks"}, "spec": {"metrics": [METRIC]}})
        for kind, body in furniture(rollout):
            world.create(kind, self._pointed(body) if kind == SERVICE else body)
        for role, size in self.sizes.items():
            self._revise(world, role, *map(int, size.split("/")))
        if self.weight_written is not None:
            self._weigh(world, ref)
        found = Sight(world, timedelta()).snapshot(ref)
        assert found is not None
        assert found.problems == ()
        return found

    def _pointed(self, service: Mapping[str, Any]) -> dict[str, Any]:
        role = self.pointed.get(service["metadata"]["name"].removeprefix("web-"))
        if not role:
            return dict(service)
        metadata = {**service["metadata"], "annotations": {keys.MANAGED_BY: "web"}}
        return {"metadata": metadata, "spec": {"selector": {"app": "web", keys.HASH_LABEL: HASHES[role]}}}

    def _revise(self, world: World, role: str, available: int, wanted: int) -> None:
        name = f"web-{HASHES[role]}"
        tag = list(HASHES).index(role)
        labels = {"app": "web", keys.HASH_LABEL: HASHES[role]}
        annotations = {keys.REVISION: str(tag + 1), keys.DESIRED_REPLICAS: str(self.spec["replicas"])}
        body = {
            "metadata": {
                "name": name,
                "namespace": "default",
                "labels": labels,
                "annotations": {**annotations, **self.notes.get(role, {})},
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Rollout", "name": "web", "uid": UID, "controller": True}
                ],
            },
            "spec": {
                "replicas": wanted,
                "selector": {"matchLabels": labels},
                "template": {**template(tag), "metadata": {"labels": labels}},
            },
        }
        ref = Ref(REPLICA_SET, "default", name)
        world.objects.create(ref, body, LONG_AGO)
        counts = dict.fromkeys(("readyReplicas", "availableReplicas"), available)
        world.objects.patch_status(
            ref, {"replicas": max(available, wanted), **counts, "observedGeneration": 1}, LONG_AGO
        )
        for service, pointed in self.pointed.items():
            if pointed == role:
                world.endpoints[f"web-{service}"] = tuple(f"{name}-{number}" for number in range(available))

    def _weigh(self, world: World, ref: Ref) -> None:
        ingress = world.objects.of(INGRESS)[0]
        backend = {"service": {"name": "web-canary", "port": {"number": 80}}}
        paths = [{**path, "backend": backend} for path in ingress["spec"]["rules"][0]["http"]["paths"]]
        body = {
            "metadata": {
                "name": "web-web-canary",
                "namespace": "default",
                "annotations": {
                    "nginx.ingress.kubernetes.io/canary": "true",
                    "nginx.ingress.kubernetes.io/canary-weight": str(self.weight_written),
                },
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Rollout", "name": "web", "uid": UID, "controller": True}
                ],
            },
            "spec": {**ingress["spec"], "rules": [{**ingress["spec"]["rules"][0], "http": {"paths": paths}}]},
        }
        world.objects.create(Ref(INGRESS, ref.namespace, "web-web-canary"), body, LONG_AGO, "rollouts-controller")


def release(*steps: Mapping[str, Any], replicas: int = 4, **canary: Any) -> Given:
    """In mid-release at step 0: all stable pods are there, none of the canary."""
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "web"}},
        "template": template(2),
        "strategy": {"canary": {"steps": list(steps), **canary}},
    }
    status = {
        "currentPodHash": CANARY,
        "stableRS": STABLE,
        "currentStepHash": step_hash(steps),
        "observedGeneration": "1",
        **({"currentStepIndex": 0} if steps else {}),
    }
    return Given(spec, status, {"stable": f"{replicas}/{replicas}", "canary": "0/0"}, annotations={keys.REVISION: "3"})


def nginx(*steps: Mapping[str, Any], replicas: int = 4, **canary: Any) -> Given:
    """The same with nginx, weight 0 in effect, the canary's Service pointing at the canary."""
    routing = {
        "stableService": "web-stable",
        "canaryService": "web-canary",
        "trafficRouting": {"nginx": {"stableIngress": "web"}},
    }
    return release(*steps, replicas=replicas, **{**routing, **canary}).weighing(0)


def blue_green(*, replicas: int = 4, **strategy: Any) -> Given:
    """Blue-green in mid-release: stable is active and whole, the preview (the canary) has no pods yet."""
    there = release(replicas=replicas)
    whole = {"activeService": "web-active", **strategy}
    status = {"currentStepHash": "", "blueGreen": {"activeSelector": STABLE}}
    there = there.wanting(strategy={"blueGreen": whole}).having(**status).pointing(active="stable")
    return there.pointing(preview="canary") if "previewService" in whole else there


def first(*steps: Mapping[str, Any], replicas: int = 4, **canary: Any) -> Given:
    """Before the first deploy: nothing but the Rollout."""
    return replace(release(*steps, replicas=replicas, **canary), status={}, sizes={}, annotations={})


def promoted(*steps: Mapping[str, Any], replicas: int = 4, **canary: Any) -> Given:
    """Nothing is being released: web:2 is stable."""
    there = release(*steps, replicas=replicas, **canary).pods(canary=f"{replicas}/{replicas}", stable="0/0")
    return there.having(stableRS=CANARY, **({"currentStepIndex": len(steps)} if steps else {}))


# What came of it


def draft(snapshot: Snapshot) -> Draft:
    """What the first stage is given."""
    return Draft(snapshot.status)


def said(decided: Draft) -> list[str]:
    """Verdicts and texts."""
    return [f"{reason.verdict}: {reason.text}" for reason in decided.reasons]


def written(decided: Draft) -> list[str]:
    """Kinds of the actions, with what they are for."""
    return [f"{type(action).__name__}: {action.because}" for action in decided.actions]


def events(decided: Draft) -> list[str]:
    """Reasons of the Events, of actions and status."""
    return [event.reason for event in (*_said_by(decided.actions), *decided.events)]


def _said_by(actions: tuple[Action, ...]) -> list[Any]:
    return [event for action in actions for event in action.events]


def at(moment: datetime) -> str:
    """As it stands in texts."""
    return rfc3339(moment)


def analysing(snapshot: Snapshot) -> Snapshot:
    """The same with an analysis as its first step."""
    wanted = BoundStep((Part(ANALYSIS, RolloutAnalysis()),))
    return replace(snapshot, steps=(wanted, *snapshot.steps[1:]))

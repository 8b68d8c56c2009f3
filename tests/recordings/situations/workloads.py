"""Templates that stand elsewhere, and templates of every shape."""

from pathlib import Path

import yaml

from rollouts.api.kinds import DEPLOYMENT
from tests.recordings.objects import canary, deployment, named, pause, referring, rollout, weight
from tests.recordings.recording import Recording

TEMPLATES = Path(__file__).parent.parent / "manifests/hash-vectors.yaml"


async def _deployed(x: Recording, replicas: int) -> None:
    """The Deployment, with all its pods."""

    def is_there() -> bool:
        found = x.states.get(("Deployment", "dep"), {}).get("status", {})
        return bool(found.get("availableReplicas") == replicas)

    await x.create(deployment(replicas))
    await x.look_on(4)
    await x.sees(f"{replicas} pods of the Deployment", is_there)


async def workloadref(x: Recording) -> None:
    """A Deployment taken over, then a new image in it."""
    await _deployed(x, 2)
    await x.create(referring(canary(weight(50), pause(1)), 2, "onsuccess"))
    await x.phase("Healthy")
    await x.look_on(4)
    await x.image("2", target=(DEPLOYMENT, "dep"))
    await x.look_on(4)
    await x.phase("Healthy")


async def workloadref_progressively(x: Recording) -> None:
    """A Deployment that shrinks as the Rollout grows."""
    await _deployed(x, 4)
    await x.create(referring(canary(), 4, "progressively"))
    await x.phase("Healthy")
    await x.look_on(5)


async def hash_vectors(x: Recording) -> None:
    """Templates with most kinds of field: their hashes."""
    for number, template in enumerate(yaml.safe_load(TEMPLATES.read_text())):
        name = f"w{number}"
        metadata = {**template.get("metadata", {}), "labels": {"app": name}}
        made = named(rollout(canary(), 1), name)
        made["spec"]["selector"] = {"matchLabels": {"app": name}}
        made["spec"]["template"] = {**template, "metadata": metadata}
        await x.create(made)
    await x.look_on(4)

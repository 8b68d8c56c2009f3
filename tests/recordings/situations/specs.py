"""Specifications that cannot be right."""

from pathlib import Path

import yaml

from tests.recordings.objects import canary, ingress, named, rollout, services, weight
from tests.recordings.recording import Recording

WRONG = Path(__file__).parent.parent / "manifests/invalid-specs.yaml"


async def invalid_then_fixed(x: Recording) -> None:
    """Services that come later."""
    await x.create(rollout(canary(weight(25), stableService="web-stable", canaryService="web-canary")))
    await x.phase("Degraded")
    await x.look_on(2)
    stable, canary_service = services()
    # the one that is complained about comes last, so that nobody needs to see the other missing
    await x.create(canary_service, stable)
    await x.phase("Healthy")


# Right but for a Service that another had in the recording, who is refused by us: it would take it from the others.
TAKER = 34


async def invalid_specs(x: Recording) -> None:
    """Many wrong Rollouts at once, i00 ...: what each one's status says."""
    await x.provide(*services(), ingress())
    for number, wrong in enumerate(yaml.safe_load(WRONG.read_text())):
        if number == TAKER:
            continue
        made = named(rollout(canary(), 1), f"i{number:02d}", annotations={"wrong": wrong["why"]})
        spec = made["spec"] | wrong["spec"]
        made["spec"] = {name: value for name, value in spec.items() if value is not None}
        await x.create(made)
    await x.look_on(6)

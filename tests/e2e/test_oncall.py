"""What a person on call types, each way in which they may type it."""

import sys

import pytest

from tests.e2e.scene import Scene, ingress, pause, rollout, service, weight

STEPS = [weight(25), pause(), weight(50), pause()]
SPEC, STATUS, CLI = "spec field", "status subresource", "command line"


def type_spec(field: str):
    async def typed(scene: Scene) -> None:
        await scene.kubectl("patch", "rollout", "web", "--type", "merge", "-p", f'{{"spec":{{"{field}":true}}}}')

    return typed


def type_status(patch: str):
    async def typed(scene: Scene) -> None:
        await scene.kubectl("patch", "rollout", "web", "--subresource", "status", "--type", "merge", "-p", patch)

    return typed


def type_command(*arguments: str):
    async def typed(scene: Scene) -> None:
        await run(scene, *arguments)

    return typed


async def run(scene: Scene, *arguments: str) -> str:
    command = " ".join(["-m", "rollouts", *arguments, "--namespace", scene.namespace])
    return await scene.command(sys.executable, *command.split())


ABORT = {
    SPEC: type_spec("abort"),
    STATUS: type_status('{"status":{"abort":true}}'),
    CLI: type_command("abort", "web"),
}
PROMOTE = {
    SPEC: type_spec("promote"),
    STATUS: type_status('{"status":{"pauseConditions":null}}'),
    CLI: type_command("promote", "web"),
}
FULL = {
    SPEC: type_spec("promoteFull"),
    STATUS: type_status('{"status":{"promoteFull":true}}'),
    CLI: type_command("promote", "web", "--full"),
}
RETRY = {
    SPEC: type_spec("retry"),
    STATUS: type_status('{"status":{"abort":false}}'),
    CLI: type_command("retry", "web"),
}


async def at_first_pause(scene: Scene) -> None:
    await scene.apply(rollout({"canary": {"steps": STEPS}}))
    await scene.phase("Healthy")
    await scene.image("web:v2")
    await scene.step(1)


async def sized(scene: Scene, **wanted: int) -> bool:
    sizes = await scene.sizes()
    pods = await scene.pods()
    return all(sizes.get(f"web:{v}", 0) == n == pods.get(f"web:{v}", 0) for v, n in wanted.items())


@pytest.mark.parametrize("way", ABORT)
async def test_abort(scene: Scene, way: str):
    await at_first_pause(scene)
    await ABORT[way](scene)
    seen = await scene.phase("Degraded")
    assert seen["status"]["message"] == "RolloutAborted: Rollout aborted update to revision 2"
    await scene.until("all pods old", lambda: sized(scene, v1=4, v2=0))
    ended = await scene.rollout()
    assert ended["status"]["currentStepIndex"] == 0
    assert "abort" not in ended["spec"]


@pytest.mark.parametrize("way", PROMOTE)
async def test_promote(scene: Scene, way: str):
    await at_first_pause(scene)
    await PROMOTE[way](scene)
    await scene.step(3)
    assert await scene.sizes() == {"web:v1": 2, "web:v2": 2}


@pytest.mark.parametrize("way", FULL)
async def test_promote_full(scene: Scene, way: str):
    await at_first_pause(scene)
    await FULL[way](scene)
    seen = await scene.phase("Healthy")
    assert seen["status"]["currentStepIndex"] == len(STEPS)
    await scene.until("all pods new", lambda: sized(scene, v1=0, v2=4))


@pytest.mark.parametrize("way", RETRY)
async def test_retry(scene: Scene, way: str):
    await at_first_pause(scene)
    await ABORT[SPEC](scene)
    await scene.phase("Degraded")
    await RETRY[way](scene)
    await scene.step(1)
    await scene.until("a canary again", lambda: sized(scene, v1=3, v2=1))


async def test_a_command_is_carried_out_once_and_leaves_nothing_behind(scene: Scene):
    await at_first_pause(scene)
    await PROMOTE[SPEC](scene)
    await scene.step(3)

    async def tidy() -> bool:
        seen = await scene.rollout()
        return "rollouts.argoproj.io/command" not in seen["metadata"].get("annotations", {})

    await scene.until("annotation gone", tidy)
    seen = await scene.rollout()
    assert seen["status"]["lastCommand"].startswith("promote@")
    assert seen["status"]["currentStepIndex"] == 3


async def test_of_several_commands_the_strongest_counts_and_an_event_names_the_others(scene: Scene):
    await at_first_pause(scene)
    await scene.patch({"spec": {"abort": True, "promote": True}})
    await scene.phase("Degraded")
    events = await scene.until("told", lambda: scene.events("CommandDropped"))
    assert events[0]["message"] == "promote dropped: abort came with it"


async def test_abort_with_a_router_moves_traffic_first_and_pods_later(scene: Scene):
    host = f"{scene.namespace}.example.com"
    routing = {
        "stableService": "stable",
        "canaryService": "canary",
        "trafficRouting": {"nginx": {"stableIngress": "web"}},
    }
    canary = {**routing, "steps": STEPS, "abortScaleDownDelaySeconds": 3}
    await scene.apply(service("stable"), service("canary"), ingress("web", host, "stable"), rollout({"canary": canary}))
    await scene.phase("Healthy")
    await scene.image("web:v2-errors100")
    await scene.step(1)
    async with scene.load(host) as load:
        await ABORT[SPEC](scene)
        await scene.until("weight 0 verified", lambda: weight_is(scene, 0))
        load.mark("safe")
        await scene.until("canary gone", lambda: gone(scene, "web:v2-errors100"))
    assert load.report().phase("safe").failed == 0
    assert set(load.report().phase("safe").by(lambda answer: answer.version)) == {"v1"}


async def weight_is(scene: Scene, wanted: int) -> bool:
    weights = (await scene.rollout())["status"]["canary"].get("weights") or {}
    return weights.get("verified") is True and weights["canary"]["weight"] == wanted


async def gone(scene: Scene, image: str) -> bool:
    return not (await scene.sizes()).get(image) and not (await scene.pods()).get(image)

"""What a controller is responsible for, and what it tells of what is gone."""

from rollouts.api.keys import INSTANCE_ID_LABEL
from rollouts.api.kinds import ANALYSIS_RUN, NAMESPACE
from rollouts.api.meta import Key
from tests.chaos.mortal import Mortal, mortal, owned
from tests.e2e.scene import Scene, rollout, service, weight

METRIC = {"provider": {"web": {"url": "http://127.0.0.1:9/", "jsonPath": "{$}"}}}


def template(kind: str, name: str) -> dict:
    """An analysis that cannot be measured: what counts here is that it is found."""
    metadata = {"name": name}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": kind,
        "metadata": metadata,
        "spec": {"metrics": [{**METRIC, "name": kind}]},
    }


def analysed(*templates: dict) -> dict:
    """A Rollout whose first step is an analysis."""
    return rollout({"canary": {"steps": [{"analysis": {"templates": list(templates)}}]}}, replicas=1)


async def test_an_instance_id_parts_rollouts_templates_and_runs(scene: Scene):
    """With an id only what carries it is seen, of every kind, and runs inherit it."""
    whole = f"{scene.namespace}-all"
    refs = ({"templateName": "mine"}, {"templateName": whole, "clusterScope": True})
    theirs = rollout({"canary": {}}, replicas=1)
    theirs["metadata"] = {"name": "theirs", "labels": {INSTANCE_ID_LABEL: "nobody"}}
    async with mortal(scene):
        await scene.apply(theirs, template("AnalysisTemplate", "mine"), owned(scene, analysed(*refs)))
        found = await scene.phase("Degraded")
        # the template is there, but it is not this controller's
        assert "AnalysisTemplate 'mine' not found" in found["status"]["message"]
        await scene.apply(owned(scene, template("AnalysisTemplate", "mine")))
        everywhere = owned(scene, template("ClusterAnalysisTemplate", whole))
        await scene.apply(everywhere)
        await scene.phase("Healthy")
        await scene.image("web:v2")
        runs = await scene.until("a run", lambda: scene.all(ANALYSIS_RUN))
        assert runs[0]["metadata"]["labels"][INSTANCE_ID_LABEL] == scene.namespace
        await scene.until("the run is carried out", lambda: has_a_phase(scene))
        assert "status" not in await scene.rollout("theirs")
        await scene.kubectl("delete", "clusteranalysistemplate", whole)


async def has_a_phase(scene: Scene) -> bool:
    """Somebody works on the run."""
    return any(phase for phase in (await scene.runs()).values())


async def test_a_namespaced_controller_sees_its_own_namespace_alone(scene: Scene):
    other = Scene(scene.client, f"{scene.namespace}-b")
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other.namespace}}
    await scene.client.create(NAMESPACE, "", body)
    try:
        mine = owned(scene, rollout({"canary": {}}, replicas=1))
        async with mortal(scene, "--namespaced", "--namespace", scene.namespace) as controller:
            await other.apply(mine)
            await scene.apply(mine)
            await scene.phase("Healthy")
            assert "status" not in await other.rollout()
            everywhere = template("ClusterAnalysisTemplate", f"{scene.namespace}-all")
            await scene.apply(owned(scene, everywhere))
            ref = {"templateName": everywhere["metadata"]["name"], "clusterScope": True}
            await scene.apply(owned(scene, analysed(ref)))
            # it does not see what has no namespace
            assert "confined to one namespace" in (await scene.phase("Degraded"))["status"]["message"]
            await scene.kubectl("delete", "clusteranalysistemplate", everywhere["metadata"]["name"])
            assert controller.is_running
    finally:
        await scene.client.delete(NAMESPACE, Key("", other.namespace))


async def series(controller: Mortal, word: str) -> list[str]:
    """Series that name *word*."""
    return [line for line in (await controller.metrics()).splitlines() if f'"{word}"' in line]


async def test_series_of_a_rollout_are_there_while_it_is_and_no_longer(scene: Scene):
    strategy = {"canary": {"stableService": "stable", "canaryService": "canary", "steps": [weight(50)]}}
    async with mortal(scene) as controller:
        await scene.apply(service("stable"), service("canary"), owned(scene, rollout(strategy, replicas=2)))
        await scene.phase("Healthy")
        await scene.until("counted", lambda: says(controller, "rollout_info{", 'phase="Completed"'))
        await scene.image("web:v2")
        await scene.until("second", lambda: says(controller, "rollout_duration_seconds_count", "2.0"))
        assert await says(controller, "rollout_info_replicas_desired", "2.0")
        assert await says(controller, "rollout_events_total", "RolloutCompleted")
        await scene.kubectl("delete", "rollout", "web")
        await scene.until("gone", lambda: is_silent(controller, scene.namespace))


async def says(controller: Mortal, *words: str) -> bool:
    """There is a series with all of these in its line."""
    return any(all(word in line for word in words) for line in (await controller.metrics()).splitlines())


async def is_silent(controller: Mortal, namespace: str) -> bool:
    """Nothing is told of a Rollout of that namespace any more; of requests about it, later."""
    lines = [line for line in await series(controller, namespace) if "k8s_request" not in line]
    return not lines

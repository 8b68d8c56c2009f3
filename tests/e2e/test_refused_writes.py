"""What the API server does not let in: told once, with its words; tried again ever more slowly."""

from copy import deepcopy
from typing import Any

import pytest

from rollouts.api.kinds import ROLLOUT
from tests.e2e.audit import Audit
from tests.e2e.bad import CONTAINER, analysed, canary, changed, forbid, metric, template
from tests.e2e.scene import Scene, pause, rollout, weight

TOO_HIGH = "spec.template.spec.containers[0].ports[0].containerPort: Invalid value: 70000"
NOT_TEXT = "json: cannot unmarshal number into Go struct field EnvVar"


async def test_refused_pods_in_mid_release_and_back(scene: Scene):
    good = rollout({"canary": {"steps": [weight(50), pause()]}}, replicas=2)
    await scene.apply(good)
    await scene.phase("Healthy")
    bad = deepcopy(good)
    bad["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 70000}]
    audit = Audit(scene.namespace)
    await scene.apply(bad)
    await refused_pods(scene, audit, TOO_HIGH)
    assert await scene.pods() == {"web:v1": 2}
    await scene.apply(good)
    await scene.phase("Healthy", seconds=30)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("ports", [{"containerPort": 70000}], TOO_HIGH),
        ("env", [{"name": "A", "value": 5}], NOT_TEXT),
    ],
)
async def test_a_template_that_only_the_api_server_sees_through(scene: Scene, field: str, value: Any, words: str):
    audit = Audit(scene.namespace)
    await scene.apply(changed(f"{CONTAINER}.{field}", value))
    await refused_pods(scene, audit, words)
    await scene.apply(canary())
    await scene.phase("Healthy", seconds=30)


async def test_a_quota_that_lets_no_replica_set_in(scene: Scene):
    await forbid(scene, "replicasets.apps")
    audit = Audit(scene.namespace)
    await scene.apply(canary())
    await refused_pods(scene, audit, "exceeded quota: none")
    await scene.kubectl("delete", "resourcequota", "none")
    await scene.phase("Healthy", seconds=30)


async def refused_pods(scene: Scene, audit: Audit, words: str) -> None:
    async def told() -> str:
        status = (await scene.rollout()).get("status", {})
        found = {one["type"]: one for one in status.get("conditions", [])}.get("Progressing", {})
        return found["message"] if found.get("reason") == "ReplicaSetCreateError" else ""

    text = await scene.until("told why", told)
    assert text.startswith('Failed to create new replica set "web-')
    assert words in text
    asked = await audit.quiet()
    status = (await scene.rollout())["status"]
    assert status["phase"] == "Degraded"
    assert status["message"] == f"ReplicaSetCreateError: {text}"
    assert asked["patch/rollouts/status"] <= 2
    assert asked["create/replicasets"] <= 14, asked
    assert len(await scene.said("ReplicaSetCreateError")) == 1
    assert await scene.events("ReconciliationError") == []


async def test_an_annotation_of_a_quarter_of_a_megabyte(scene: Scene):
    """The API server takes at most 256 KiB of annotations on one object; a Rollout's go on to its ReplicaSet."""
    big = canary()
    big["metadata"]["annotations"] = {"note": "x" * 250_000}
    big["spec"]["template"]["metadata"]["annotations"] = {"note": "y" * 250_000}
    await scene.client.create(ROLLOUT, scene.namespace, scene.placed(big))
    await scene.phase("Healthy")
    assert await scene.events("ReconciliationError") == []


async def test_an_environment_of_a_megabyte(scene: Scene):
    big = canary(steps=[weight(50), pause()])
    big["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "BLOB", "value": "z" * 1_000_000}]
    await scene.client.create(ROLLOUT, scene.namespace, scene.placed(big))
    await scene.phase("Healthy")
    await scene.image("web:v2")
    await scene.step(1)
    await scene.promote()
    await scene.phase("Healthy")


async def test_runs_that_may_not_be_made_are_tried_ever_more_slowly(scene: Scene):
    await forbid(scene, "analysisruns.argoproj.io")
    await scene.apply(template("check", metric()))
    await scene.apply(analysed())
    await scene.phase("Healthy")
    audit = Audit(scene.namespace)
    await scene.image("web:v2")
    (told,) = await scene.until("told", lambda: scene.events("ReconciliationError"))
    assert "exceeded quota: none" in told["message"]
    asked = await audit.quiet()
    assert asked["create/analysisruns"] <= 14, asked
    assert len(await scene.events("ReconciliationError")) == 1
    await scene.kubectl("delete", "resourcequota", "none")
    await scene.phase("Healthy", seconds=30)

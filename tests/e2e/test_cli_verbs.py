"""Verbs that write more than a patch of the status, each on the real API server."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.api.kinds import ANALYSIS_RUN, DEPLOYMENT, EXPERIMENT, POD, REPLICA_SET
from tests.e2e.scene import Scene, pause, rollout, weight
from tests.e2e.test_cli import Person

STEPS = {"canary": {"steps": [weight(50), pause()], "maxSurge": 1, "maxUnavailable": 0}}
# Nobody listens there, so that the run ends when it is told to.
METRIC = {
    "name": "up",
    "interval": "1h",
    "provider": {"web": {"url": "http://127.0.0.1:9/{{args.path}}", "jsonPath": "{$}"}},
}
TEMPLATE = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AnalysisTemplate",
    "metadata": {"name": "checks"},
    "spec": {"args": [{"name": "path"}], "metrics": [METRIC]},
}


@pytest.fixture
def person(scene: Scene) -> Person:
    return Person(scene)


async def released(scene: Scene, person: Person, *images: str, **strategy: Any) -> None:
    """A Rollout that has had all these images."""
    first, *others = images
    await scene.apply(rollout({"canary": strategy}, replicas=2, image=first))
    await scene.phase("Healthy")
    for image in others:
        assert (await person.types("set", "image", "web", f"web={image}")).code == 0
        await scene.phase("Healthy")


async def image_of(scene: Scene) -> str:
    """The image that the Rollout asks for."""
    return str((await scene.rollout())["spec"]["template"]["spec"]["containers"][0]["image"])


async def test_undo_goes_back_by_one_or_to_a_number_and_leaves_out_what_was_injected(scene, person):
    roles = {"stableMetadata": {"labels": {"role": "stable"}}, "canaryMetadata": {"labels": {"role": "canary"}}}
    await released(scene, person, "web:v1", "web:v2", **roles)
    assert (await person.types("undo", "web")).out == "rollout 'web' undo to revision 1\n"
    assert await image_of(scene) == "web:v1"
    assert (await scene.rollout())["spec"]["template"]["metadata"]["labels"] == {"app": "web"}
    await scene.phase("Healthy")
    # going back has given revision 1 the number 3
    assert (await person.types("undo", "web", "--to-revision", "2")).out == "rollout 'web' undo to revision 2\n"
    await scene.phase("Healthy")
    assert len(await scene.all(REPLICA_SET)) == 2
    assert await scene.sizes() == {"web:v1": 0, "web:v2": 2}
    said = await person.types("undo", "web", "--to-revision", "9")
    assert (said.code, "unable to find specified revision 9" in said.errors) == (1, True)


async def test_undo_of_a_workload_writes_into_it(scene, person):
    made = rollout({"canary": {}}, replicas=1)
    template = {key: made["spec"].pop(key) for key in ("selector", "template")}
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app"}}
    made["spec"]["workloadRef"] = ref
    await scene.apply({**deployment, "spec": {"replicas": 0, **template}}, made)
    await scene.phase("Healthy")
    await person.types("set", "image", "web", "web=web:v2")
    await scene.until("v2", lambda: stands(scene, {"web:v1": 0, "web:v2": 1}))
    assert (await person.types("undo", "web")).out == "rollout 'web' undo to revision 1\n"
    found = await scene.get(DEPLOYMENT, "app")
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "web:v1"
    await scene.until("v1", lambda: stands(scene, {"web:v1": 1, "web:v2": 0}))


async def stands(scene: Scene, sizes: dict[str, int]) -> bool:
    """The sizes of all revisions."""
    return await scene.sizes() == sizes


async def test_restart_replaces_every_pod_by_one_of_the_same_revision(scene, person):
    await released(scene, person, "web:v1")
    before = {pod["metadata"]["uid"] for pod in await scene.all(POD)}
    assert (await person.types("restart", "web")).out == "rollout 'web' restarts in 0s\n"

    async def replaced() -> bool:
        pods = [pod for pod in await scene.all(POD) if "deletionTimestamp" not in pod["metadata"]]
        status = (await scene.rollout())["status"]
        done = status.get("restartedAt") == (await scene.rollout())["spec"]["restartAt"]
        return done and len(pods) == 2 and not before & {pod["metadata"]["uid"] for pod in pods}

    await scene.until("replaced", replaced)
    await scene.phase("Healthy")
    assert await scene.sizes() == {"web:v1": 2}


async def test_a_run_is_created_from_a_template_and_ended(scene, person):
    await scene.apply(TEMPLATE)
    said = await person.types(
        "create", "analysisrun", "--from", "analysistemplate/checks", "--name", "now", "-a", "path=health"
    )
    assert said.code == 0, said
    found = await scene.get(ANALYSIS_RUN, "now")
    assert found["spec"]["args"] == [{"name": "path", "value": "health"}]
    await scene.until("running", lambda: phase_of(scene, "now", "Running"))
    assert (await person.types("terminate", "analysisrun", "now")).out == "analysisrun 'now' terminated\n"
    await scene.until("ended", lambda: phase_of(scene, "now", "Successful"))
    assert (await scene.get(ANALYSIS_RUN, "now"))["status"]["message"] == "Run Terminated"


async def phase_of(scene: Scene, name: str, phase: str) -> bool:
    """The run has come so far."""
    return bool((await scene.get(ANALYSIS_RUN, name)).get("status", {}).get("phase") == phase)


async def test_an_experiment_is_told_to_end_and_begins_anew(scene, person):
    template = rollout({})["spec"]
    spec = {"templates": [{"name": "a", "selector": template["selector"], "template": template["template"]}]}
    status = {"phase": "Failed", "message": "as it ended"}
    experiment = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Experiment", "metadata": {"name": "one"}}
    await scene.apply({**experiment, "spec": spec, "status": status})
    assert (await scene.get(EXPERIMENT, "one"))["status"] == status
    assert (await person.types("terminate", "experiment", "one")).code == 0
    assert (await scene.get(EXPERIMENT, "one"))["spec"]["terminate"] is True
    assert (await person.types("retry", "experiment", "one")).out == "experiment 'one' retried\n"
    # whoever carries experiments out finds one that is new
    assert (await scene.get(EXPERIMENT, "one")).get("status") != status


async def test_files_are_linted_and_then_created(scene, person, tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(yaml.safe_dump_all([rollout(STEPS), TEMPLATE]))
    bad.write_text(yaml.safe_dump(rollout({"canary": {"steps": [weight(101)]}})))
    assert (await lint(good)) == (0, [])
    code, texts = await lint(bad)
    assert code == 1
    assert any("SetWeight needs to be between 0 and 100" in text for text in texts)
    assert (await person.types("create", "-f", str(good))).code == 0
    await scene.phase("Healthy")
    again = await person.types("create", "-f", str(good))
    assert (again.code, "already exists" in again.errors) == (1, True)


async def lint(path: Path) -> tuple[int, list[str]]:
    """Exit code and what is refused: lint asks no cluster, so that it knows no namespace."""
    command = [sys.executable, "-m", "rollouts", "lint", "-f", str(path), "--output", "json"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return process.returncode or 0, [one["text"] for one in json.loads(out) if one["is_error"]]

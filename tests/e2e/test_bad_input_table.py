"""Bad input of every kind: refused or told once with path, cause and remedy; then rest; mended, it goes on by itself.

One row of `badinput/*.yaml` is one kind. Whatever it is, others are served meanwhile, and the controller is idle.
"""

import json
from typing import Any

import pytest
import yaml

from tests.e2e.audit import Audit
from tests.e2e.bad import BY_WATCH
from tests.e2e.badinput.table import Row, bad, good, name_of, rows
from tests.e2e.scene import Scene, rollout

TOUCHES = 3
KINDS = 150


def test_the_table_is_as_long_as_it_should_be():
    assert len(rows()) >= KINDS
    for row in rows().values():
        assert sum(map(bool, (row.refused, row.invalid, row.aborts, row.held, row.warned, row.status))) == 1


@pytest.mark.parametrize("kind", rows())
async def test_bad_input(scene: Scene, kind: str):
    row = rows()[kind]
    if row.refused:
        await refused(scene, row)
        return
    await given(scene, row)
    await others_are_served(scene)
    if row.invalid or row.held:
        await scene.said("InvalidSpec" if row.invalid else "ReplicaSetCreateError")
    await Audit(scene.namespace).quiet()
    events = await warnings(scene, row)
    assert all(count == 1 for count in events.values()), events
    await rests(scene, row)
    assert await warnings(scene, row) == events
    await mended(scene, row)


async def refused(scene: Scene, row: Row) -> None:
    """Not let in, with the field's path; and what was there before goes on."""
    fine, wrong = good(row.base, host(scene)), bad(row, host(scene))
    if row.edit:
        await scene.apply(*fine)
        await scene.phase("Healthy")
    changed = [one for one in wrong if name_of(one) == row.at or name_of(one) not in map(name_of, fine)]
    answer = await scene.kubectl("apply", "-f", "-", stdin=manifests(scene, changed), check=False)
    assert row.refused in answer.replace(host(scene), "HOST").replace(scene.namespace, "NS")
    await scene.apply(*fine)
    await scene.phase("Healthy")
    assert await warnings(scene, row) == {}


async def given(scene: Scene, row: Row) -> None:
    """Bad input in its place, and told of as the row says."""
    if row.edit or row.status:
        await scene.apply(*good(row.base, host(scene)))
        await scene.phase("Healthy")
    if row.status:
        await scene.image("web:v2")
        await scene.step(1)
        await scene.patch({"status": row.status}, sub="status")
        return
    # Created, not applied: an annotation with the whole manifest would be too large for some.
    await write(scene, bad(row, host(scene)))
    if row.release:
        await scene.phase("Healthy", name=row.told)
        await scene.image("web:v2", row.told)
    await scene.until("told", lambda: is_told(scene, row))


async def is_told(scene: Scene, row: Row) -> bool:
    status = (await scene.rollout(row.told)).get("status", {})
    conditions = {one["type"]: one for one in status.get("conditions", [])}
    if row.invalid:
        if "InvalidSpec" not in conditions:
            return False
        text = f'The Rollout "{row.told}" is invalid: {row.invalid}'.replace("NS/", f"{scene.namespace}/")
        found = conditions["InvalidSpec"]["message"]
        assert found.startswith(text.removesuffix("…")) if text.endswith("…") else found == text
        assert (status["phase"], status["message"]) == ("Degraded", f"InvalidSpec: {found}")
    elif row.held:
        if conditions.get("Progressing", {}).get("reason") != "ReplicaSetCreateError":
            return False
        assert row.held in conditions["Progressing"]["message"]
        assert row.held in status["message"]
    elif row.warned:
        if "SelectorOverlap" not in conditions or not await warnings(scene, row):
            return False
        assert conditions["SelectorOverlap"]["message"].startswith(row.warned)
        return status["phase"] == ("Paused" if row.release else "Healthy")
    elif status.get("phase") != "Degraded" or "RolloutAborted" not in status["message"]:
        return False
    assert row.aborts in status["message"]
    return True


async def others_are_served(scene: Scene) -> None:
    """Another Rollout of the namespace is carried out as if nothing were."""
    other = rollout({"canary": {}}, replicas=1)
    other["metadata"]["name"] = "other"
    other["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    other["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    await scene.apply(other)
    await scene.phase("Healthy", name="other")


async def rests(scene: Scene, row: Row) -> None:
    """However often it is touched, nothing is asked or written any more; only refused pods are tried ever more slowly."""
    audit = Audit(scene.namespace)
    for number in range(TOUCHES):
        await scene.patch({"metadata": {"annotations": {"touched": str(number)}}}, name=row.told)
    asked = await audit.quiet()
    allowed = TOUCHES if row.held else 0
    # A ReplicaSet carries its Rollout's annotations.
    assert sum(count for what, count in asked.items() if not what.startswith("patch/replicasets")) <= allowed, asked


async def warnings(scene: Scene, row: Row) -> dict[tuple[str, str, str], int]:
    """How often each Warning was told, by object, reason and text; the kubelet's and others' are not ours."""
    found: dict[tuple[str, str, str], int] = {}
    for one in await scene.events():
        about = one["involvedObject"]
        if one["type"] == "Warning" and about["kind"] in {"Rollout", "AnalysisRun"}:
            key = (about["kind"], one["reason"], one["message"][:200])
            found[key] = found.get(key, 0) + one["count"]
    if row.invalid or row.held:
        reason = "InvalidSpec" if row.invalid else "ReplicaSetCreateError"
        assert [key[1] for key in found] in ([reason], []), found
    if row.warned:
        assert {key[1] for key in found} <= {"SelectorOverlap"}, found
    assert not any(key[1] == "ReconciliationError" for key in found), found
    return found


async def mended(scene: Scene, row: Row) -> None:
    """What is written now is taken up by itself, soon."""
    if row.mend:
        await scene.kubectl(*row.mend)
    if not row.status:
        await write(scene, good(row.base, host(scene)))
    if row.aborts:
        await scene.patch({"status": {"abort": False}}, sub="status")
    elif row.status:
        await scene.patch({"spec": {"promoteFull": True}})
    await scene.until("taken up", lambda: is_valid(scene), BY_WATCH if row.invalid else 30)
    await scene.phase("Healthy")
    assert sum((await scene.pods()).values()) >= 1


async def is_valid(scene: Scene) -> bool:
    status = (await scene.rollout()).get("status", {})
    return (
        all(one["type"] not in {"InvalidSpec", "SelectorOverlap"} for one in status.get("conditions", []))
        and "phase" in status
    )


def host(scene: Scene) -> str:
    return f"{scene.namespace}.example.com"


def manifests(scene: Scene, objects: list[dict[str, Any]]) -> str:
    return yaml.safe_dump_all(scene.placed(one) for one in objects)


async def write(scene: Scene, objects: list[dict[str, Any]]) -> None:
    """Create what is not there, and give the rest this specification."""
    for one in objects:
        kind, name = one["kind"], one["metadata"]["name"]
        text = manifests(scene, [one])
        answer = await scene.kubectl("create", "--validate=false", "-f", "-", stdin=text, check=False)
        if "AlreadyExists" in answer:
            path = "/spec/selector" if kind == "Service" else "/spec"
            spec = one["spec"]["selector"] if kind == "Service" else one["spec"]
            patch = json.dumps([{"op": "add", "path": path, "value": spec}])
            await scene.kubectl("patch", f"{kind.lower()}", name, "--type", "json", "-p", patch)
        else:
            assert "created" in answer, answer

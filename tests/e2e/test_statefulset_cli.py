"""What the commands of people say of a StatefulSet canary."""

from tests.e2e.ordinals import abort, half_way, idle, referring, revisions, stand, stateful_set
from tests.e2e.scene import Scene
from tests.e2e.test_cli import Person, Said


def kinds_and_pods(found) -> list[tuple[str, str, list[str], list[str]]]:
    sets = [one for revision in found["revisions"] for one in revision["replicaSets"]]
    return [(one["kind"], one["name"], one["tags"], [pod["name"] for pod in one["pods"]]) for one in sets]


async def test_a_tree_shows_revisions_with_their_pods_and_the_share(scene: Scene):
    await half_way(scene)
    person = Person(scene)
    old, new = await revisions(scene.client, scene.namespace)
    found = await person.sees("get", "web")
    kind = "ControllerRevision"
    assert [(k, n, t, sorted(p)) for k, n, t, p in kinds_and_pods(found)] == [
        (kind, new, ["canary"], ["db-3", "db-4"]),
        (kind, old, ["stable"], ["db-0", "db-1", "db-2"]),
    ]
    assert {one["image"]: one["tags"] for one in found["images"]} == {"web:v1": ["stable"], "web:v2": ["canary"]}
    assert (found["replicas"]["desired"], found["replicas"]["updated"]) == (5, 2)
    assert (found["weight"]["wanted"], found["weight"]["actual"], found["weight"]["routers"]) == (
        40,
        40,
        ["statefulSet"],
    )
    (line,) = (await person.types("list")).out.splitlines()[1:]
    assert line.split()[:11] == ["web", "Canary", "‖", "Paused", "1/2", "40", "40", "5/5", "5", "2", "5"]
    assert await person.types("status", "web", "--watch=false") == Said("Paused - CanaryPauseStep\n", "", 0)


async def test_an_explanation_and_a_bug_report_hold_the_pods(scene: Scene, tmp_path):
    await half_way(scene)
    person = Person(scene)
    explained = await scene.until("settled", lambda: settled(person))
    assert {"stage": "take_step", "verdict": "wait", "text": "paused until somebody promotes"} in explained["reasons"]
    file = tmp_path / "bug.yaml"
    file.write_text((await person.types("snapshot", "web")).out)
    text = file.read_text()
    assert [text.count(f"kind: {kind}\n") for kind in ("StatefulSet", "Pod", "ControllerRevision")][1:] == [5, 2]
    said = await person.types("explain", "--filename", str(file))
    assert (said.out, said.code) == ((await person.types("explain", "web")).out, 0)


async def settled(person: Person):
    found = await person.explained()
    return found if found["verdict"] == "settled" else None


async def test_a_watch_follows_an_abort_to_its_end(scene: Scene):
    await half_way(scene)
    person = Person(scene)
    watching = await person.begins("get", "web", "--watch")
    await watching.stdout.readline()
    await abort(scene)
    await scene.phase("Degraded")
    await stand(scene, *["v1"] * 5)
    await scene.kubectl("delete", "rollout", "web")
    out, errors = await watching.communicate()
    assert "was deleted" in errors.decode()
    assert "status Degraded" in out.decode()
    assert "pod db-4" in out.decode()


async def test_status_waits_for_the_end_of_a_promotion(scene: Scene):
    await idle(scene, stateful_set(replicas=2), referring())
    person = Person(scene)
    assert (
        await person.types("set", "image", "web", "web=web:v2")
    ).out == "rollout 'web' image updated in StatefulSet 'db'\n"
    await scene.step(1)
    assert (await person.types("promote", "web")).code == 0
    said = await person.types("status", "web", "--timeout", "90s")
    assert (said.out.splitlines()[-1], said.code) == ("Healthy", 0)
    await stand(scene, "v2", "v2")

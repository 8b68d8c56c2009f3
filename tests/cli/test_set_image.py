import copy

import pytest

from tests.cli.conftest import answer, missing
from tests.cli.given import meta, rollout, status
from tests.kube.server import status as refusal

JSON = "application/json"


def containers(*names, init=()):
    spec = {"containers": [{"name": name, "image": f"{name}:v1", "resources": {}} for name in names]}
    return {
        "spec": spec | ({"initContainers": [{"name": name, "image": f"{name}:v1"} for name in init]} if init else {})
    }


def present(cluster, *names, init=(), **more):
    found = rollout(status(), **({"template": containers(*names, init=init)} | more))
    cluster.has("rollouts", found).on("PUT", "rollouts", "web", answer(found))
    return found


def images(body, where=("spec", "template")):
    for key in where:
        body = body[key]
    spec = body["spec"]
    return [one["image"] for field in ("initContainers", "containers") for one in spec.get(field, ())]


async def test_the_rollout_is_put_back_with_nothing_but_the_image_changed(cluster):
    found = present(cluster, "web", "side")
    result = await cluster.run("set", "image", "web", "web=registry:5000/web@sha256:ab=")
    expected = copy.deepcopy(found)
    expected["spec"]["template"]["spec"]["containers"][0]["image"] = "registry:5000/web@sha256:ab="
    assert cluster.writes() == [("PUT", cluster.path("rollouts", "web"), JSON, expected)]
    assert (result.stdout, result.exit_code) == ("rollout 'web' image updated\n", 0)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (["*=app:v2"], ["app:v2", "app:v2", "app:v2"]),
        (["*=app:v2", "side=side:v3"], ["app:v2", "app:v2", "side:v3"]),
        (["first=first:v2"], ["first:v2", "web:v1", "side:v1"]),
    ],
)
async def test_a_star_is_every_container_that_has_no_name_of_its_own(cluster, pairs, expected):
    present(cluster, "web", "side", init=("first",))
    await cluster.run("set", "image", "rollout", "web", *pairs)
    assert images(cluster.writes()[0][3]) == expected


async def test_images_that_are_there_already_are_not_written(cluster):
    present(cluster, "web")
    result = await cluster.run("set", "image", "web", "web=web:v1")
    assert (result.stdout, cluster.writes()) == ("rollout 'web' keeps its images\n", [])


WORKLOADS = {"Deployment": "deployments", "PodTemplate": "podtemplates", "ReplicaSet": "replicasets"}


@pytest.mark.parametrize("kind", WORKLOADS)
async def test_with_a_workload_its_template_is_written(cluster, kind):
    where = ("template",) if kind == "PodTemplate" else ("spec", "template")
    body = {"metadata": meta("app")} | (
        {"template": containers("web")} if kind == "PodTemplate" else {"spec": {"template": containers("web")}}
    )
    present(cluster, template=None, workloadRef={"kind": kind, "name": "app"})
    cluster.has(WORKLOADS[kind], body).on("PUT", WORKLOADS[kind], "app", answer(body))
    result = await cluster.run("set", "image", "web", "web=web:v2")
    ((method, path, _, sent),) = cluster.writes()
    assert (method, path, images(sent, where)) == ("PUT", cluster.path(WORKLOADS[kind], "app"), ["web:v2"])
    assert result.stdout == f"rollout 'web' image updated in {kind} 'app'\n"


async def test_a_write_that_lost_a_race_is_made_again_from_what_won(cluster):
    found = present(cluster, "web")
    newer = rollout(status(), template=containers("web", "new"))
    cluster.on("GET", "rollouts", "web", answer(found), answer(newer))
    cluster.on("PUT", "rollouts", "web", refusal(409, "Conflict"), answer(newer))
    result = await cluster.run("set", "image", "web", "web=web:v2")
    assert [images(body) for *_, body in cluster.writes()] == [["web:v2"], ["web:v2", "new:v1"]]
    assert result.exit_code == 0


async def test_a_race_that_is_always_lost_ends(cluster):
    present(cluster, "web")
    cluster.on("PUT", "rollouts", "web", refusal(409, "Conflict"))
    result = await cluster.run("set", "image", "web", "web=web:v2")
    assert (result.exit_code, len(cluster.writes())) == (1, 5)
    assert "changed by others 5 times" in result.stderr


@pytest.mark.parametrize(
    ("more", "pair", "said"),
    [
        ({}, "wbe=x", "Rollout 'web' has no container 'wbe': it has web"),
        ({"workloadRef": {"kind": "DaemonSet", "name": "d"}}, "web=x", "names kind 'DaemonSet', not one of Deployment"),
        (
            {"workloadRef": {"kind": "Deployment", "name": "d"}},
            "web=x",
            "Deployment 'd', the workloadRef of 'web', does not exist",
        ),
        ({"template": None}, "web=x", "has neither a template nor a workloadRef"),
    ],
)
async def test_what_cannot_be_set_is_said(cluster, more, pair, said):
    present(cluster, "web", **more)
    cluster.on("GET", "deployments", "d", missing("deployments", "d"))
    result = await cluster.run("set", "image", "web", pair)
    assert (result.exit_code, cluster.writes()) == (1, [])
    assert said in result.stderr


@pytest.mark.parametrize("words", [["web"], ["web=x"], ["web", "x"], ["web", "=x"], ["web", "x="]])
async def test_words_that_mean_nothing_are_a_usage_error(cluster, words):
    result = await cluster.run("set", "image", *words)
    assert (result.exit_code, cluster.writes()) == (2, [])

import copy

import pytest

from tests.cli.conftest import answer
from tests.cli.given import meta, rollout, status, template

JSON_PATCH = "application/json-patch+json"


def replica_set(name, revision, image, owner="ro"):
    made = template(image)
    made["metadata"]["labels"]["rollouts-pod-template-hash"] = name
    annotations = {"rollout.argoproj.io/revision": revision}
    return {
        "metadata": meta(f"web-{name}", owner=owner, annotations=annotations),
        "spec": {"template": made},
    }


def present(cluster, *sets, **more):
    found = rollout(status(), **more)
    cluster.has("rollouts", found).has("replicasets", *sets)
    cluster.on("PATCH", "rollouts", "web", answer(found))
    return cluster


HISTORY = (
    replica_set("ccc", "3", "web:v2"),
    replica_set("aaa", "1", "web:v0"),
    replica_set("bbb", "2", "web:v1"),
    replica_set("zzz", "9", "other:v9", owner="somebody"),
)


def put(image, path="/spec/template"):
    return [{"op": "replace", "path": path, "value": template(image)}]


@pytest.mark.parametrize(("arguments", "image", "number"), [([], "web:v1", 2), (["--to-revision=1"], "web:v0", 1)])
async def test_an_older_template_is_put_back_without_its_hash(cluster, arguments, image, number):
    result = await present(cluster, *HISTORY).run("undo", "web", *arguments)
    assert (result.stdout, result.exit_code) == (f"rollout 'web' undo to revision {number}\n", 0)
    assert cluster.writes() == [("PATCH", cluster.path("rollouts", "web"), JSON_PATCH, put(image))]


async def test_a_template_that_is_there_already_is_not_written(cluster):
    result = await present(cluster, *HISTORY).run("undo", "web", "--to-revision", "3")
    assert result.stdout == "rollout 'web' undo skipped\n"
    assert result.stderr == "note: its template is that of revision 3 already\n"
    assert cluster.writes() == []


@pytest.mark.parametrize(
    ("sets", "arguments", "said"),
    [
        (HISTORY, ["--to-revision=7"], "unable to find specified revision 7 in history of 'web': there are 3, 2, 1"),
        (HISTORY[:1], [], "no revision found for rollout 'web' to go back to: it has had one template"),
    ],
)
async def test_a_revision_that_is_not_there_is_named_with_those_that_are(cluster, sets, arguments, said):
    result = await present(cluster, *sets).run("undo", "web", *arguments)
    assert (result.stderr, result.exit_code) == (f"error: {said}\n", 1)
    assert cluster.writes() == []


async def test_with_a_workload_the_template_is_put_into_it(cluster):
    deployment = {"metadata": meta("app"), "spec": {"template": template("web:v2")}}
    cluster.has("deployments", deployment).on("PATCH", "deployments", "app", answer(deployment))
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}
    result = await present(cluster, *HISTORY, workloadRef=ref, template=None).run("undo", "web")
    assert result.exit_code == 0
    assert cluster.writes() == [("PATCH", cluster.path("deployments", "app"), JSON_PATCH, put("web:v1"))]


async def test_a_stateful_set_goes_back_to_what_its_own_revisions_hold(cluster):
    stateful = {"metadata": meta("app", "sts"), "spec": {"template": template("web:v2")}}

    def revision(number, image):
        held = {"$patch": "replace", **copy.deepcopy(template(image))}
        return {
            "metadata": meta(f"app-{number}", owner="sts"),
            "revision": number,
            "data": {"spec": {"template": held}},
        }

    cluster.has("statefulsets", stateful).has("controllerrevisions", revision(2, "web:v2"), revision(1, "web:v1"))
    cluster.on("PATCH", "statefulsets", "app", answer(stateful))
    ref = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "app"}
    result = await present(cluster, workloadRef=ref, template=None).run("undo", "web")
    assert result.stdout == "rollout 'web' undo to revision 1\n"
    assert cluster.writes() == [("PATCH", cluster.path("statefulsets", "app"), JSON_PATCH, put("web:v1"))]


async def test_what_was_injected_into_the_pods_is_left_out(cluster):
    old = replica_set("bbb", "2", "web:v1")
    old["metadata"]["annotations"]["rollout.argoproj.io/ephemeral-metadata"] = '{"labels":{"role":"stable"}}'
    old["spec"]["template"]["metadata"]["labels"]["role"] = "stable"
    rule = {"labelSelector": {"matchExpressions": [{"key": "rollouts-pod-template-hash", "operator": "In"}]}}
    terms = {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}
    old["spec"]["template"]["spec"]["affinity"] = {"podAntiAffinity": terms}
    await present(cluster, HISTORY[0], old).run("undo", "web")
    assert cluster.writes() == [("PATCH", cluster.path("rollouts", "web"), JSON_PATCH, put("web:v1"))]

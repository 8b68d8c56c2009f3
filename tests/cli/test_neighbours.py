"""What `explain`, `snapshot` and `lint` make of Rollouts beside the one they look at."""

import json

import pytest
import yaml

from rollouts.api.kinds import ROLLOUT
from rollouts.api.meta import Key
from rollouts.cli.connection import Failure
from rollouts.cli.lint import findings
from rollouts.cli.reading import Moment, Objects, gathered
from rollouts.cli.snapshotfile import ABOUT, dump, load
from tests.cli.given import NOW, STEPS, ago, meta, rollout, status
from tests.cli.test_explain import hashes, revision
from tests.kube.server import page


def beside(name, app="web", created=None, **spec):
    """Another Rollout, with something in it that is nobody's business."""
    found = rollout(name=name, replicas=1, **spec)
    found["metadata"] = meta(name, created=created or ago(hours=1), annotations={"note": "theirs"})
    found["spec"]["template"] = {"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"env": "theirs"}]}}
    return found


def lent(name, kind="Deployment"):
    found = beside(name)
    del found["spec"]["template"], found["spec"]["selector"]
    found["spec"]["workloadRef"] = {
        "apiVersion": "v1" if kind == "PodTemplate" else "apps/v1",
        "kind": kind,
        "name": "d",
    }
    return found


def lender(kind="Deployment", app="web"):
    template = {"metadata": {"labels": {"app": app}}, "spec": {}}
    return {"kind": kind, "metadata": meta("d"), "spec": {"template": template}, "template": template}


WEB = rollout(hashes(status(currentStepIndex=2, updatedReplicas=1)))


def served(cluster, *others, **workloads):
    cluster.has("rollouts", WEB, *others)
    cluster.has("replicasets", revision("web:v2", 2, 1, 1), revision("web:v1", 1, 4, 4))
    cluster.has("analysisruns").has("services")
    for plural, found in workloads.items():
        cluster.has(plural, found)
    return cluster


async def warnings(cluster, *words):
    found = json.loads((await cluster.run("explain", *(words or ("web",)), "-o", "json")).stdout)
    return [reason["text"].partition(": an auto")[0] for reason in found["reasons"] if reason["verdict"] == "warn"]


async def test_an_explanation_warns_of_whom_the_controller_would(cluster):
    served(cluster, beside("api"), beside("other", app="other"))
    assert await warnings(cluster) == ["spec.selector: app=web also selects the pods of Rollout api"]


async def test_alone_nothing_is_to_be_warned_of(cluster):
    assert await warnings(served(cluster)) == []


@pytest.mark.parametrize(
    ("kind", "plural"),
    [("Deployment", "deployments"), ("StatefulSet", "statefulsets"), ("PodTemplate", "podtemplates")],
)
async def test_labels_that_are_borrowed_count(cluster, kind, plural):
    served(cluster, lent("api", kind), **{plural: lender(kind)})
    assert await warnings(cluster) == ["spec.selector: app=web also selects the pods of Rollout api"]
    served(cluster, lent("api", kind), **{plural: lender(kind, app="other")})
    assert await warnings(cluster) == []


async def test_of_a_workload_that_is_not_there_nothing_is_borrowed(cluster):
    served(cluster, lent("api"))
    cluster.script.on("GET", cluster.path("deployments"), page(version=5))
    assert await warnings(cluster) == []


@pytest.mark.usefixtures("at_one_instant")
async def test_a_snapshot_has_of_others_no_more_than_labels_and_leads_to_the_same(cluster, tmp_path):
    served(cluster, beside("api"), lent("lent"), beside("other", app="other"), deployments=lender())
    file = tmp_path / "bug.yaml"
    file.write_text((await cluster.run("snapshot", "web")).stdout)
    assert "theirs" not in file.read_text()
    found = [one["metadata"]["name"] for one in yaml.safe_load(file.read_text())["items"] if one["kind"] == "Rollout"]
    assert found == ["api", "lent", "web"]
    live, later = [await cluster.run("explain", *words, "-o", "json") for words in (["web"], ["-f", str(file)])]
    assert json.loads(later.stdout) == json.loads(live.stdout)
    assert await warnings(cluster, "-f", str(file)) == [
        "spec.selector: app=web also selects the pods of Rollouts api, lent"
    ]


def several(about="shop/web"):
    objects = Objects()
    objects.add(ROLLOUT, [WEB, beside("api")])
    text = dump(Moment(gathered(Key("shop", "web"), objects)[0], NOW, tuple(objects.all())))
    listed = yaml.safe_load(text)
    listed["metadata"]["annotations"][ABOUT] = about
    return yaml.safe_dump(listed)


def test_a_file_says_whom_it_is_about():
    assert load(several()).snapshot.key == Key("shop", "web")
    with pytest.raises(Failure, match="holds 0 Rollouts, not one"):
        load(several(about="shop/nobody"))


def test_lint_warns_of_two_in_the_same_files():
    other = rollout(name="api", strategy={"canary": {"steps": STEPS}})
    told = [(one.name, one.text.partition(": an auto")[0], one.is_error) for one in findings([rollout(), other])]
    assert told == [
        ("web", "spec.selector: app=web also selects the pods of Rollout api", False),
        ("api", "spec.selector: app=web also selects the pods of Rollout web", False),
    ]
    other["spec"]["template"]["metadata"]["labels"] = other["spec"]["selector"]["matchLabels"] = {"app": "api"}
    assert list(findings([rollout(), other])) == []

import copy
import json

import pytest
import yaml

from rollouts.api.kinds import (
    ANALYSIS_RUN,
    ANALYSIS_TEMPLATE,
    CLUSTER_ANALYSIS_TEMPLATE,
    ENDPOINT_SLICE,
    INGRESS,
    REPLICA_SET,
    ROLLOUT,
    SERVICE,
)
from rollouts.api.meta import Key
from rollouts.cli.connection import Failure
from rollouts.cli.reading import Moment, Objects, gathered
from rollouts.cli.rehearsal import Write, rehearse
from rollouts.cli.snapshotfile import TAKEN_AT, dump, load
from rollouts.cli.views.explain import explained, explanation, verdict
from rollouts.cli.views.text import plain
from rollouts.planner.rollout import plan
from rollouts.wire.podhash import pod_template_hash, step_hash
from tests.cli.conftest import missing, unserved
from tests.cli.given import NOW, STEPS, golden, meta, nginx, paused, replica_set, rollout, status, template
from tests.kube.server import page

KEY = Key("shop", "web")
NEW, OLD = pod_template_hash(template("web:v2")), pod_template_hash(template("web:v1"))


def revision(image, number, desired, available):
    pod_hash = pod_template_hash(template(image))
    found = replica_set(pod_hash, number, desired, available, image=image)
    noted = {"rollout.argoproj.io/desired-replicas": "5"}
    found["metadata"]["annotations"] |= noted
    found["metadata"]["resourceVersion"] = f"{number}"
    found["spec"]["template"] = copy.deepcopy(template(image))
    found["spec"]["template"]["metadata"]["labels"]["rollouts-pod-template-hash"] = pod_hash
    return found


def hashes(fields):
    return fields | {"stableRS": OLD, "currentPodHash": NEW, "currentStepHash": step_hash(STEPS)}


def objects(fields, *, new=(1, 1), old=(4, 4), **more):
    made = Objects()
    made.add(ROLLOUT, [rollout(hashes(fields), annotations={"rollout.argoproj.io/revision": "2"}, **more)])
    made.add(REPLICA_SET, [revision("web:v2", 2, *new), revision("web:v1", 1, *old)])
    return made


async def told(found):
    snapshot, _ = gathered(KEY, found)
    decided = plan(snapshot, NOW)
    return snapshot, decided, await rehearse(decided, snapshot)


PAUSED = objects(paused(canary={}, selector="app=web", updatedReplicas=1, replicas=5))
CASES = {
    "explain-waits": objects(status(currentStepIndex=0, updatedReplicas=1), new=(1, 0)),
    "explain-acts": objects(status(currentStepIndex=2, updatedReplicas=1), new=(1, 1)),
    "explain-invalid": objects(status(), progressDeadlineSeconds=-1, minReadySeconds=-1),
    "explain-a-step-done": objects({}),
}


@pytest.mark.parametrize("name", CASES)
async def test_an_explanation_reads_as_in_its_golden_file(name):
    assert golden(name, plain(explained(*await told(CASES[name]))))


async def test_what_would_be_written_has_no_preconditions():
    _, _, writes = await told(CASES["explain-acts"])
    found = next(write for write in writes if write.name == f"web-{NEW}")
    assert found == Write("patch", "replicasets", "shop", f"web-{NEW}", "", {"spec": {"replicas": 2}})
    assert writes[-1].subresource == "status"


async def test_the_verdict_is_for_exit_codes():
    verdicts = {}
    for name, case in CASES.items():
        snapshot, _, writes = await told(case)
        verdicts[name] = verdict(snapshot, writes)
    assert verdicts == {
        "explain-waits": "act",
        "explain-acts": "act",
        "explain-invalid": "invalid",
        "explain-a-step-done": "act",
    }
    snapshot, *_ = await told(PAUSED)
    assert verdict(snapshot, ()) == "settled"


async def test_an_explanation_for_programs_is_json():
    found = explanation(*await told(CASES["explain-acts"]))
    assert json.loads(json.dumps(found)) == found
    assert (found["name"], found["stepIndex"], found["stepCount"], found["verdict"]) == ("web", 2, 4, "act")
    assert found["reasons"][0].keys() == {"stage", "verdict", "text"}


def test_a_rollout_that_is_being_deleted_is_not_explained():
    found = objects(status())
    found.found[ROLLOUT][KEY]["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    with pytest.raises(Failure, match="being deleted"):
        gathered(KEY, found)


# From a cluster.


def served(cluster, of, *sets):
    cluster.has("rollouts", of).has("replicasets", *sets)
    for plural in ("endpointslices", "services"):
        cluster.script.on("GET", cluster.path(plural), page(version=5))
    for plural, name in (("services", "s"), ("services", "c"), ("ingresses", "web")):
        cluster.on("GET", plural, name, missing(plural, name))
    return cluster


async def test_only_what_the_decision_depends_on_is_read(cluster):
    served(
        cluster, rollout(hashes(paused()), strategy=nginx()), revision("web:v2", 2, 1, 1), revision("web:v1", 1, 5, 5)
    )
    result = await cluster.run("explain", "web", "-o", "json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["verdict"]) == (3, "invalid")
    assert any('service "s" not found' in problem for problem in found["problems"])
    paths = {one.path.removeprefix("/apis/argoproj.io/v1alpha1") for one in cluster.script.seen}
    assert cluster.path("ingresses", "web") in paths
    assert cluster.path("services", "c") in paths
    assert {one.method for one in cluster.script.seen} == {"GET"}
    assert not [one for one in cluster.script.seen if one.path == cluster.path("ingresses")]


async def test_a_kind_that_is_not_served_is_a_problem_and_not_an_object_that_is_missing(cluster):
    strategy = nginx(trafficRouting={"gatewayAPI": {"httpRoute": "web"}})
    served(cluster, rollout(hashes(paused()), strategy=strategy)).on("GET", "httproutes", "web", unserved())
    result = await cluster.run("explain", "web")
    assert "this cluster does not serve kind HTTPRoute" in result.stdout


async def test_others_replica_sets_and_runs_are_left_out_of_a_snapshot(cluster):
    foreign = replica_set("zzz", 1, 1, 1, owner="another")
    served(cluster, rollout(hashes(paused())), revision("web:v2", 2, 1, 1), foreign)
    result = await cluster.run("snapshot", "web")
    names = [(item["kind"], item["metadata"]["name"]) for item in yaml.safe_load(result.stdout)["items"]]
    assert names == [("ReplicaSet", f"web-{NEW}"), ("Rollout", "web")]


async def test_exit_codes_of_what_cannot_be_explained(cluster, tmp_path):
    assert (await cluster.run("explain", "web")).exit_code == 4
    assert (await cluster.run("explain")).exit_code == 2
    assert (await cluster.run("explain", "web", "-f", "x")).exit_code == 2
    result = await cluster.run("explain", "-f", str(tmp_path / "nowhere"))
    assert (result.exit_code, "No such file" in result.stderr) == (4, True)


# As a file.


def moment(found):
    return Moment(gathered(KEY, found)[0], NOW, tuple(found.all()))


def secretive():
    env = [
        {"name": "PASSWORD", "value": "hunter2"},
        {"name": "FROM", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ]
    made = objects(paused())
    for holder in (
        made.found[ROLLOUT][KEY]["spec"]["template"],
        made.found[REPLICA_SET][Key("shop", f"web-{NEW}")]["spec"]["template"],
    ):
        holder["spec"]["containers"][0]["env"] = copy.deepcopy(env)
    made.found[ROLLOUT][KEY]["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "hunter2"
    header = {"key": "Authorization", "value": "Bearer hunter2"}
    metric = {"name": "m", "provider": {"web": {"url": "http://x", "headers": [header]}}}
    made.add(ANALYSIS_RUN, [{"metadata": meta("r", owner="ro"), "spec": {"metrics": [metric]}}])
    return made


@pytest.mark.usefixtures("at_one_instant")
async def test_a_snapshot_read_back_leads_to_the_same_plan(cluster, tmp_path):
    served(cluster, rollout(hashes(paused())), revision("web:v2", 2, 1, 1), revision("web:v1", 1, 5, 5))
    file = tmp_path / "bug.yaml"
    file.write_text((await cluster.run("snapshot", "web")).stdout)
    live, later = [await cluster.run("explain", *words, "-o", "json") for words in (["web"], ["-f", str(file)])]
    assert json.loads(later.stdout) == json.loads(live.stdout)
    assert later.exit_code == live.exit_code


def test_a_snapshot_hides_values_and_keeps_what_refers_to_them():
    text = dump(moment(secretive()))
    assert "hunter2" not in text
    assert "secretKeyRef" in text
    assert "Authorization" in text


def test_hidden_values_stay_equal_where_they_were():
    found = load(dump(moment(secretive())))
    assert found.snapshot.canary.metadata.name == f"web-{NEW}"
    assert found.at == NOW


def test_values_are_hidden_differently_in_every_file():
    made = moment(secretive())
    assert dump(made) != dump(made)


LIST = {"metadata": {"annotations": {TAKEN_AT: "2026-01-31T12:00:00Z"}}, "items": []}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a file that `rollouts snapshot` wrote"),
        ("a: [", "not a file that `rollouts snapshot` wrote"),
        ("items: []", "not a file that `rollouts snapshot` wrote"),
        (yaml.safe_dump(LIST), "holds 0 Rollouts, not one"),
        (yaml.safe_dump(LIST | {"items": [{"apiVersion": "v1", "kind": "Unheard"}]}), "not a file that"),
    ],
)
def test_a_file_that_is_none_is_said(text, said):
    with pytest.raises(Failure, match=said):
        load(text)


def test_every_kind_a_decision_reads_can_be_read_back():
    from rollouts.cli.snapshotfile import KINDS

    read = {
        ROLLOUT,
        REPLICA_SET,
        SERVICE,
        ENDPOINT_SLICE,
        ANALYSIS_RUN,
        ANALYSIS_TEMPLATE,
        CLUSTER_ANALYSIS_TEMPLATE,
        INGRESS,
    }
    assert read <= set(KINDS.values())

from rollouts.api.analysis import AnalysisRun
from rollouts.api.rollout import Rollout
from rollouts.api.workloads import ControllerRevision, StatefulSet
from rollouts.cli.views.assemble import Seen, rollout_view
from rollouts.cli.views.model import ImageView
from rollouts.cli.views.partitioned import stateful_set_name, workload_of
from rollouts.cli.views.pods import SeenPod
from rollouts.cli.views.text import UNICODE, plain
from rollouts.cli.views.tree import page
from rollouts.wire.decode import decode
from tests.cli.given import NOW, ago, meta, paused, pod, rollout, run, template

REF = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"}


def place(ordinal, revision, *, ready=True, since=75, of="db"):
    found = pod(f"{of}-{ordinal}", "", ready=ready, labels={"controller-revision-hash": revision})
    found["metadata"]["ownerReferences"][0]["uid"] = f"uid-{of}"
    condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": ago(seconds=since)}
    return decode(SeenPod, found | {"status": found["status"] | {"conditions": [condition]}})


def revision(name, number, image, of="db"):
    found = {"metadata": meta(name, owner=f"uid-{of}", created=ago(minutes=9 - number)), "revision": number}
    return decode(ControllerRevision, found | {"data": {"spec": {"template": template(image)}}})


def stateful_set(name="db", replicas=3, **spec):
    status = {"currentRevision": "db-a", "updateRevision": "db-b", "observedGeneration": 1}
    found = {"metadata": meta(name, generation=1), "spec": {"replicas": replicas, **spec}, "status": status}
    return decode(StatefulSet, found)


def release(**fields):
    strategy = {"canary": {"trafficRouting": {"statefulSet": {}}, "steps": [{"setWeight": 40}, {"pause": {}}]}}
    held = paused(stableRS="db-a", currentPodHash="db-b", **fields)
    found = rollout(held, strategy=strategy, workloadRef=REF)
    for written in ("replicas", "selector", "template"):
        del found["spec"][written]
    return decode(Rollout, found)


def seen(**changes):
    parts = {
        "pods": (place(0, "db-a"), place(1, "db-a"), place(2, "db-b", ready=False), place(0, "x-a", of="x")),
        "stateful_sets": (stateful_set("x"), stateful_set()),
        "revisions": (revision("db-a", 1, "db:v1"), revision("db-b", 2, "db:v2"), revision("x-a", 1, "x:v1", of="x")),
    }
    return rollout_view(Seen(release(), **(parts | changes)), NOW)


def test_revisions_are_told_apart_by_the_label_of_their_pods():
    found = [one for revision in seen().revisions for one in revision.replica_sets]
    assert [(one.name, one.kind, one.tags, [pod.name for pod in one.pods]) for one in found] == [
        ("db-b", "ControllerRevision", ("canary",), ["db-2"]),
        ("db-a", "ControllerRevision", ("stable",), ["db-0", "db-1"]),
    ]
    assert [(one.desired, one.ready, one.available, one.status) for one in found] == [
        (1, 0, 0, "Progressing"),
        (2, 2, 2, "Healthy"),
    ]


def test_a_pod_is_available_once_it_has_been_ready_for_long_enough():
    pods = (place(0, "db-a", since=5), place(1, "db-a", since=60))
    patient = (stateful_set(minReadySeconds=30),)
    (stable,) = seen(pods=pods, stateful_sets=patient).revisions[1].replica_sets
    assert (stable.ready, stable.available) == (2, 1)


def test_images_and_the_wanted_number_are_the_statefulsets():
    assert seen().images == (ImageView("db:v1", ("stable",)), ImageView("db:v2", ("canary",)))
    assert seen().replicas.desired == 3


def test_analyses_stand_beside_the_revision_they_are_about():
    analysis = decode(AnalysisRun, run("web-db-b-2", 2, "Running"))
    assert [len(one.runs) for one in seen(runs=(analysis,)).revisions] == [1, 0]


def test_a_tree_names_the_kind():
    (line,) = [line for line in plain(page(seen(), UNICODE)).splitlines() if " db-b " in line]
    assert "ControllerRevision" in line
    assert "canary" in line


def test_without_its_statefulset_there_is_nothing_to_show():
    found = seen(stateful_sets=())
    assert (found.revisions, found.replicas.desired) == ((), 1)


def test_the_workload_is_found_by_kind_name_and_namespace():
    mine = release()
    assert stateful_set_name(mine) == "db"
    assert workload_of(mine, (stateful_set("x"), stateful_set())).metadata.name == "db"
    deployment = rollout(workloadRef=REF | {"kind": "Deployment"})
    assert stateful_set_name(decode(Rollout, deployment)) == ""
    assert workload_of(decode(Rollout, deployment), (stateful_set(),)) is None

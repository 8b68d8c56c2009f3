"""Who wrote a partition that is not ours: the blame goes to a name, so it has to be the right one."""

import pytest

from rollouts.planner.partition import writer
from tests import placed
from tests.planner.stages.test_keep_partition import entry

PARTITION = {"f:spec": {"f:updateStrategy": {"f:rollingUpdate": {"f:partition": {}}}}}
REPLICAS = {"f:spec": {"f:replicas": {}}}
STATUS = {"subresource": "status", "fields": {"f:status": {"f:replicas": {}}}}
SCALE = {"subresource": "scale", "fields": REPLICAS}


def blamed(*entries):
    found = placed.replace(placed.release(), set_metadata={"managedFields": list(entries)})
    return writer(found.snapshot.ordinals.stateful_set)


@pytest.mark.parametrize(
    ("entries", "name"),
    [
        ([entry("helm", 9, PARTITION), entry("kubectl-edit", 1, REPLICAS)], "helm"),
        ([entry("helm", 9, PARTITION), entry("argocd-controller", 5, PARTITION)], "argocd-controller"),
        ([entry("argocd-controller", 5, PARTITION), entry("helm", 9, PARTITION)], "argocd-controller"),
        ([entry("helm", 9, PARTITION), entry("rollouts-controller", 1, PARTITION)], "helm"),
        # a merge patch that takes the field away leaves no mark of it: then it was the last who wrote
        ([entry("helm", 9, REPLICAS), entry("kubectl-edit", 1, REPLICAS)], "kubectl-edit"),
        # the StatefulSet's own controller and autoscalers write often, and never this field
        ([entry("helm", 9, REPLICAS), entry("kube-controller-manager", 0, **STATUS)], "helm"),
        ([entry("helm", 9, REPLICAS), entry("kube-controller-manager", 0, **SCALE)], "helm"),
        ([entry("kube-controller-manager", 0, **STATUS)], "somebody"),
        ([entry("rollouts-controller", 0, PARTITION)], "somebody"),
        ([], "somebody"),
        # a client may leave the time out
        ([{"manager": "old", "fieldsV1": PARTITION}, entry("helm", 9, PARTITION)], "helm"),
        # fields as nobody expects them
        ([entry("helm", 9, {"f:spec": {"f:updateStrategy": "odd"}})], "helm"),
    ],
    ids=[
        "the partition",
        "the last of two",
        "in whatever order",
        "not ourselves",
        "the last writer",
        "not of the status",
        "not of the scale",
        "the status alone",
        "ourselves alone",
        "nobody",
        "without time",
        "odd fields",
    ],
)
def test_the_one_to_blame(entries, name):
    assert blamed(*entries) == name

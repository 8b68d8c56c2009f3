"""Objects as an API server has them, and views made from them."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rollouts.api.analysis import AnalysisRun
from rollouts.api.rollout import Rollout
from rollouts.api.workloads import ReplicaSet
from rollouts.cli.views.assemble import Seen, rollout_view
from rollouts.cli.views.pods import SeenPod
from rollouts.wire.decode import decode

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
GOLDEN = Path(__file__).parent / "golden"
STEPS = [{"setWeight": 20}, {"pause": {}}, {"setWeight": 40}, {"pause": {"duration": "1m"}}]


def ago(**length):
    return (NOW - timedelta(**length)).strftime("%Y-%m-%dT%H:%M:%SZ")


def meta(name, uid="", owner="", created=None, **more):
    owners = [{"apiVersion": "v1", "kind": "Any", "name": "any", "uid": owner, "controller": True}] if owner else []
    made = {"creationTimestamp": created} if created else {}
    return {"name": name, "namespace": "shop", "uid": uid or f"uid-{name}", "ownerReferences": owners} | made | more


def template(image):
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}}


def rollout(status=None, *, strategy=None, name="web", generation=2, annotations=None, **spec):
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": meta(
            name,
            "ro",
            created=ago(minutes=10),
            generation=generation,
            annotations=annotations or {},
            resourceVersion="5",
        ),
        "spec": {
            "replicas": 5,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template("web:v2"),
            "strategy": strategy or {"canary": {"steps": STEPS}},
            **spec,
        },
        "status": status or {},
    }


def status(**fields):
    """A canary of revision 2 under way."""
    return {
        "observedGeneration": "2",
        "stableRS": "aaa",
        "currentPodHash": "bbb",
        "currentStepIndex": 1,
        "phase": "Progressing",
        "message": "more replicas need to be updated",
        "replicas": 6,
        "updatedReplicas": 2,
        "readyReplicas": 5,
        "availableReplicas": 5,
    } | fields


def paused(**fields):
    conditions = [{"reason": "CanaryPauseStep", "startTime": ago(seconds=20)}]
    held = {"phase": "Paused", "message": "CanaryPauseStep", "pauseConditions": conditions, "controllerPause": True}
    return status(**held | fields)


def promoted(**fields):
    done = {"stableRS": "bbb", "currentStepIndex": 4, "phase": "Healthy", "message": ""}
    return status(**done | fields)


def replica_set(pod_hash, revision, desired, available, *, owner="ro", image="web:v1", **annotations):
    labels = {"app": "web", "rollouts-pod-template-hash": pod_hash}
    noted = {"rollout.argoproj.io/revision": str(revision), **annotations}
    name = f"web-{pod_hash}"
    made = {"owner": owner, "created": ago(minutes=5 * (3 - revision)), "labels": labels, "annotations": noted}
    return {
        "metadata": meta(name, **made),
        "spec": {"replicas": desired, "template": template(image)},
        "status": {"replicas": desired, "readyReplicas": available, "availableReplicas": available},
    }


def pod(name, of, *, ready=True, restarts=0, waiting="", **more):
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
    container = {"name": "web", "ready": ready, "restartCount": restarts, "state": state}
    return {
        "metadata": meta(name, owner=f"uid-web-{of}", created=ago(seconds=75), **more),
        "spec": {"containers": [{"name": "web"}]},
        "status": {"phase": "Running", "containerStatuses": [container]},
    }


def run(name, revision, phase, *metrics, message=""):
    noted = {"rollout.argoproj.io/revision": str(revision)}
    return {
        "metadata": meta(name, owner="ro", created=ago(seconds=30), annotations=noted, labels={"rollout-type": "Step"}),
        "spec": {},
        "status": {"phase": phase, "message": message, "metricResults": list(metrics)},
    }


def metric(name, phase, *, last="", **counts):
    measured = [{"phase": phase, "value": last}] if last else []
    return {"name": name, "phase": phase, "measurements": measured} | counts


def seen(of, replica_sets=(), pods=(), runs=()):
    return Seen(
        decode(Rollout, of),
        [decode(ReplicaSet, one) for one in replica_sets],
        [decode(SeenPod, one) for one in pods],
        [decode(AnalysisRun, one) for one in runs],
    )


def view(of, replica_sets=(), pods=(), runs=(), now=NOW):
    return rollout_view(seen(of, replica_sets, pods, runs), now)


def nginx(**more):
    routing = {"nginx": {"stableIngress": "web"}}
    return {"canary": {"stableService": "s", "canaryService": "c", "trafficRouting": routing, "steps": STEPS, **more}}


def canary_under_way():
    """A release with everything that a tree can show."""
    weights = {"canary": {"weight": 20}, "stable": {"weight": 80}, "verified": False}
    sets = [
        replica_set("bbb", 2, 2, 1, image="web:v2"),
        replica_set("aaa", 1, 5, 5),
        replica_set("old", 0, 2, 2, **{"scale-down-deadline": (NOW + timedelta(seconds=28)).isoformat()}),
        replica_set("foreign", 2, 1, 1, owner="another"),
    ]
    pods = [
        pod("web-bbb-1", "bbb"),
        pod("web-bbb-2", "bbb", ready=False, restarts=3, waiting="CrashLoopBackOff"),
        *(pod(f"web-aaa-{number}", "aaa") for number in range(4)),
        pod("web-aaa-4", "aaa", deletionTimestamp=ago(seconds=2)),
    ]
    rate = metric("success-rate", "Running", last="[0.93]", successful=3, failed=1, error=2)
    runs = [
        run("web-bbb-2-1", 2, "Running", rate, metric("a-latency", "Inconclusive", inconclusive=1)),
        run(
            "web-aaa-1-1", 1, "Failed", metric("success-rate", "Failed", failed=2), message='Metric "success-rate" bad'
        ),
    ]
    held = status(canary={"weights": weights})
    return view(rollout(held, strategy=nginx()), sets, pods, runs)


def golden(name, text):
    """*text* is what the file holds; with UPDATE_GOLDEN=1 the file is written, and its diff is to be read."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8") == text

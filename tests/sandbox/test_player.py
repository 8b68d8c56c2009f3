"""Pods in all their lives, seen as Kubernetes' own controllers and kubectl see them."""

import pytest

from rollouts.sandbox.behaviour import READY_AFTER

pytestmark = pytest.mark.e2e


def pod(name: str, image: str = "web:v1", annotations: dict | None = None, **spec: object) -> dict:
    container = {"name": "c", "image": image, **spec.pop("container", {})}
    metadata = {"name": name, "labels": {"app": name}, "annotations": annotations or {}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container], **spec}}


def job(name: str, script: str, image: str = "alpine:3") -> dict:
    container = {"name": "c", "image": image, "command": ["sh", "-c"], "args": [script]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    spec = {"backoffLimit": 0, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def conditions(thing: dict) -> dict[str, str]:
    return {one["type"]: one["status"] for one in thing["status"].get("conditions", ())}


def waiting(thing: dict) -> str:
    (status,) = thing["status"].get("containerStatuses") or [{}]
    return status.get("state", {}).get("waiting", {}).get("reason", "")


def uids(inside) -> dict[str, str]:
    return {one["metadata"]["name"]: one["metadata"]["uid"] for one in inside.get("pods")["items"]}


def test_a_pod_runs_on_the_node_with_an_address_and_is_ready(inside, eventually):
    inside.apply(pod("web"))
    seen = eventually(lambda: (one := inside.get("pod", "web")) and conditions(one).get("Ready") == "True" and one)
    assert seen["status"]["phase"] == "Running"
    assert seen["spec"]["nodeName"] == "sandbox"
    answer = inside.fetch(f"http://{seen['status']['podIP']}:8080/")
    assert answer == {"version": "v1", "pod": "web", "hash": "", "namespace": inside.namespace}


def test_jobs_end_with_their_own_exit_codes(inside, eventually):
    inside.apply(job("good", "sleep 0.1 && exit 0"), job("bad", "exit 3"))
    eventually(lambda: conditions(inside.get("job", "good")).get("Complete") == "True")
    eventually(lambda: conditions(inside.get("job", "bad")).get("Failed") == "True")
    (failed,) = inside.get("pods", "--selector", "job-name=bad")["items"]
    assert failed["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3


def test_a_jobs_missing_image_is_shown(inside, eventually):
    inside.apply(job("lost", "exit 0", "alpine:missing"))
    eventually(lambda: [waiting(one) for one in inside.get("pods")["items"]] == ["ImagePullBackOff"])


@pytest.mark.parametrize(
    ("image", "container", "reason"),
    [
        ("web:crash", {}, "CrashLoopBackOff"),
        ("web:v2", {"command": ["/bad-command"]}, "CrashLoopBackOff"),
        ("web:missing", {}, "ImagePullBackOff"),
    ],
    ids=["crash", "bad-command", "missing"],
)
def test_pods_fail_to_start(inside, eventually, image, container, reason):
    inside.apply(pod("web", image, container=container))
    eventually(lambda: waiting(inside.get("pod", "web")) == reason)
    assert conditions(inside.get("pod", "web"))["Ready"] == "False"


def test_a_readiness_gate_is_waited_for(inside, eventually):
    inside.apply(pod("web", readinessGates=[{"conditionType": "example.com/open"}]))
    eventually(lambda: conditions(inside.get("pod", "web")).get("ContainersReady") == "True")
    assert conditions(inside.get("pod", "web"))["Ready"] == "False"
    opened = '{"status":{"conditions":[{"type":"example.com/open","status":"True"}]}}'
    inside.kubectl("patch", "pod", "web", "--subresource", "status", "--patch", opened)
    eventually(lambda: conditions(inside.get("pod", "web"))["Ready"] == "True")
    assert conditions(inside.get("pod", "web"))["example.com/open"] == "True"


def test_a_pod_that_stops_answering_fails_its_probe(inside, eventually):
    probe = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 1}
    inside.apply(pod("web", "web:v2-hang-after-1", container={"readinessProbe": probe}))
    seen = eventually(lambda: (one := inside.get("pod", "web")) and conditions(one).get("Ready") == "True" and one)
    inside.fetch(f"http://{seen['status']['podIP']}:8080/")
    eventually(lambda: conditions(inside.get("pod", "web"))["Ready"] == "False")


def test_a_pod_crashes_after_its_requests_and_starts_again(inside, eventually):
    inside.apply(pod("web", "web:v2-crash-after-2"))
    seen = eventually(lambda: (one := inside.get("pod", "web")) and conditions(one).get("Ready") == "True" and one)
    for _ in range(2):
        inside.fetch(f"http://{seen['status']['podIP']}:8080/")
    eventually(lambda: inside.get("pod", "web")["status"]["containerStatuses"][0]["restartCount"] == 1)
    eventually(lambda: conditions(inside.get("pod", "web"))["Ready"] == "True")


def test_a_deleted_pod_still_answers_for_its_grace(inside, eventually):
    inside.apply(pod("web", annotations={"sandbox.rollouts/drain": "1m"}))
    seen = eventually(lambda: (one := inside.get("pod", "web")) and conditions(one).get("Ready") == "True" and one)
    inside.kubectl("delete", "pod", "web", "--wait=false", "--grace-period=60")
    assert inside.get("pod", "web")["metadata"]["deletionTimestamp"]
    assert inside.fetch(f"http://{seen['status']['podIP']}:8080/")["pod"] == "web"
    inside.kubectl("delete", "pod", "web", "--force", "--grace-period=0")
    eventually(lambda: inside.fetch(f"http://{seen['status']['podIP']}:8080/") is None)


def test_readiness_can_be_put_off_by_annotation(inside, eventually):
    inside.apply(pod("late", annotations={READY_AFTER: "1h"}), pod("soon"))
    eventually(lambda: conditions(inside.get("pod", "soon")).get("Ready") == "True")
    eventually(lambda: inside.get("pod", "late")["status"]["phase"] == "Running")
    assert conditions(inside.get("pod", "late"))["Ready"] == "False"


def test_a_stateful_sets_pods_come_one_after_the_other(inside, eventually):
    template = pod("db")
    template = {"metadata": template["metadata"], "spec": template["spec"]}
    spec = {"replicas": 3, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}}, "template": template}
    inside.apply({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": spec})
    eventually(lambda: inside.get("statefulset", "db")["status"].get("availableReplicas") == 3)
    before = inside.get("pod", "db-0")["metadata"]["uid"]
    inside.kubectl("delete", "pod", "db-0", "--wait=false")
    eventually(lambda: before not in (seen := uids(inside)).values() and "db-0" in seen)
    eventually(lambda: inside.get("statefulset", "db")["status"].get("availableReplicas") == 3)

import asyncio

from prometheus_client import CollectorRegistry

from rollouts.kube.client import Call
from rollouts.runtime.metrics import QueueMetrics, RequestMetrics
from rollouts.runtime.workqueue import WorkQueue
from tests.runtime.virtualtime import LoopClock, virtual_time

REQUESTS = "controller_clientset_k8s_request_total"


def counted(registry):
    """The request counter's series: its five labels, in the order of Call, and the count."""
    return {
        tuple(sample.labels[label] for label in ("kind", "namespace", "name", "verb", "status_code")): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == REQUESTS
    }


def test_requests_are_counted_with_the_labels_of_argo():
    registry = CollectorRegistry()
    metrics = RequestMetrics(registry)
    for call in (
        Call("rollouts", "shop", "web", "Patch", 200, 0.1),
        Call("rollouts", "shop", "web", "Patch", 200, 0.1),
        Call("rollouts", "", "", "List", 200, 0.1),
        Call("rollouts", "", "", "Watch", 0, 0.1),
        Call("replicasets", "shop", "web-abc", "Create", 409, 0.1),
        Call("analysisruns", "shop", "web-1", "Get", 404, 0.1),
        Call("secrets", "shop", "prometheus", "Get", 200, 0.1),
    ):
        metrics.observe(call)
    assert counted(registry) == {
        ("rollouts", "shop", "web", "Patch", "200"): 2,
        ("rollouts", "", "N/A", "List", "200"): 1,
        ("rollouts", "", "", "Watch", "0"): 1,
        ("replicasets", "shop", "N/A", "Create", "409"): 1,
        ("analysisruns", "shop", "N/A", "Get", "404"): 1,
        ("secrets", "shop", "N/A", "Get", "200"): 1,
    }


def test_the_series_of_a_namespace_that_is_gone_go():
    registry = CollectorRegistry()
    metrics = RequestMetrics(registry)
    for namespace in ("shop", "preview-1", ""):
        metrics.observe(Call("events", namespace, "web.1", "Create", 201, 0.1))
    metrics.keep({"", "shop"})
    assert {labels[1] for labels in counted(registry)} == {"", "shop"}
    metrics.observe(Call("events", "preview-1", "web.1", "Create", 403, 0.1))
    metrics.keep({"", "shop"})
    assert {labels[1] for labels in counted(registry)} == {"", "shop"}


def test_the_series_of_a_deleted_object_go():
    registry = CollectorRegistry()
    metrics = RequestMetrics(registry)
    for name in ("web", "api"):
        metrics.observe(Call("rollouts", "shop", name, "Patch", 200, 0.1))
    metrics.observe(Call("rollouts", "shop", "web", "Get", 404, 0.1))
    metrics.forget("rollouts", "shop", "web")
    assert list(counted(registry)) == [("rollouts", "shop", "api", "Patch", "200")]


@virtual_time
async def test_a_queue_is_measured_under_the_names_of_client_go():
    registry = CollectorRegistry()
    clock = LoopClock()
    meter = QueueMetrics(registry).meter("rollouts")
    queue = WorkQueue(clock, meter)
    meter.watch(lambda: queue.in_hand, clock.monotonic)

    def value(name):
        return registry.get_sample_value(f"workqueue_{name}", {"name": "rollouts"})

    queue.add("a")
    queue.add("b")
    await asyncio.sleep(2)
    await queue.get()
    await asyncio.sleep(3)
    names = ("depth", "adds_total", "unfinished_work_seconds", "longest_running_processor_seconds")
    assert [value(name) for name in names] == [1, 2, 3, 3]
    queue.failed("a")
    queue.done("a")
    names = ("queue_duration_seconds_sum", "work_duration_seconds_sum", "retries_total", "unfinished_work_seconds")
    assert [value(name) for name in names] == [2, 3, 1, 0]

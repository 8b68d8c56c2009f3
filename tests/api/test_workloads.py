from rollouts.api.workloads import (
    EndpointSlice,
    Pod,
    ReplicaSet,
    ReplicaSetStatus,
    Service,
    StatefulSet,
    StatefulSetUpdateStrategy,
    labels_of,
)
from rollouts.wire.decode import decode


def test_a_replica_set_keeps_its_template_raw():
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "future": 1}]}}
    observed = decode(
        ReplicaSet,
        {
            "metadata": {"name": "web-1", "generation": 2, "managedFields": []},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template},
            "status": {"replicas": 0, "observedGeneration": 2},
        },
    )
    assert observed.spec.template == template
    assert observed.spec.replicas == 0
    assert observed.status == ReplicaSetStatus(observed_generation=2)
    assert labels_of(observed.spec.template) == {"app": "web"}


def test_absent_fields_have_kubernetes_defaults():
    assert decode(ReplicaSet, {"metadata": {}}).spec.replicas == 1
    assert decode(StatefulSet, {"metadata": {}}).spec.update_strategy == StatefulSetUpdateStrategy()
    assert labels_of({}) == labels_of({"metadata": None}) == {}


def test_a_pod_is_ready_by_its_condition():
    def pod(**status):
        return decode(Pod, {"metadata": {"deletionTimestamp": None}, "status": status})

    assert pod(conditions=[{"type": "Ready", "status": "True"}]).is_ready
    assert not pod(
        conditions=[{"type": "Ready", "status": "False"}, {"type": "Initialized", "status": "True"}]
    ).is_ready
    assert not pod().is_ready


def test_a_pod_is_deleting_from_its_deletion_timestamp():
    assert decode(Pod, {"metadata": {"deletionTimestamp": "2026-01-02T03:04:05Z"}}).is_deleting
    assert not decode(Pod, {"metadata": {}}).is_deleting


def test_service_ports_by_number_or_name():
    service = decode(Service, {"metadata": {}, "spec": {"ports": [{"port": 80, "targetPort": "http"}, {"port": 81}]}})
    assert [(port.port, port.target_port) for port in service.spec.ports] == [(80, "http"), (81, None)]


def test_a_service_without_pods_has_no_endpoints():
    empty = decode(EndpointSlice, b'{"metadata":{"name":"web-x"},"addressType":"IPv4","endpoints":null,"ports":null}')
    assert (empty.endpoints, empty.ports) == ((), ())


def test_a_partition_is_read():
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}
    observed = decode(StatefulSet, {"metadata": {}, "spec": {"updateStrategy": strategy}})
    assert observed.spec.update_strategy.rolling_update.partition == 3

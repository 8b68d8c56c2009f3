"""What the proxy's log says of a request."""

import pytest

from tests.chaos.faults import About, Seen, about, counts, tally


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/api/v1/namespaces/ns/services/web", About("services", "ns", "web")),
        ("/apis/argoproj.io/v1alpha1/namespaces/ns/rollouts/web/status", About("rollouts/status", "ns", "web")),
        ("/apis/apps/v1/replicasets", About("replicasets", "", "")),
        ("/api/v1/namespaces/ns", About("namespaces", "", "ns")),
        ("/version", About("", "", "")),
    ],
)
def test_what_a_path_names(path, wanted):
    assert about(path) == wanted


def test_writes_beside_the_work_do_not_count():
    assert counts("PATCH", "/apis/apps/v1/namespaces/ns/replicasets/web")
    assert not counts("POST", "/api/v1/namespaces/ns/events")
    assert not counts("PUT", "/apis/coordination.k8s.io/v1/namespaces/ns/leases/lock")
    assert not counts("GET", "/apis/apps/v1/namespaces/ns/replicasets/web")


def test_requests_by_name():
    def seen(method, path, *, is_watch=False, status=200):
        return Seen(method, path, 0.0, "me", status, status, is_watch)

    pods = "/api/v1/pods"
    found = [seen("GET", pods), seen("GET", pods, is_watch=True), seen("POST", "/api/v1/namespaces/ns/pods")]
    assert tally(found) == {"LIST pods": 1, "WATCH pods": 1, "POST pods": 1}
    assert [one.was_carried_out for one in found] == [False, False, True]

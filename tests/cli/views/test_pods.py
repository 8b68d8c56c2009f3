import pytest

from rollouts.cli.views.pods import SeenPod, pod_view
from rollouts.wire.decode import decode
from tests.cli.given import ago, meta

WAITING = {"state": {"waiting": {"reason": "ImagePullBackOff"}}}
ENDED = {"state": {"terminated": {"reason": "Completed", "exitCode": 0}}}
FAILED = {"state": {"terminated": {"reason": "Error", "exitCode": 1}}}


def word(deleted=False, **status):
    more = {"deletionTimestamp": ago(seconds=1)} if deleted else {}
    return pod_view(decode(SeenPod, {"metadata": meta("p", **more), "status": status})).status


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, "Pending"),
        ({"phase": "Running"}, "Running"),
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        ({"phase": "Pending", "containerStatuses": [WAITING]}, "ImagePullBackOff"),
        ({"phase": "Running", "containerStatuses": [{}, FAILED]}, "Error"),
        ({"phase": "Pending", "initContainerStatuses": [ENDED, WAITING]}, "Init:ImagePullBackOff"),
        ({"phase": "Running", "initContainerStatuses": [ENDED]}, "Running"),
        ({"phase": "Running", "deleted": True}, "Terminating"),
    ],
)
def test_a_pod_in_one_word(status, expected):
    assert word(**status) == expected


def test_a_pods_numbers():
    statuses = [{"ready": True, "restartCount": 2}, {"ready": False, "restartCount": 1}]
    found = decode(
        SeenPod,
        {"metadata": meta("p"), "spec": {"containers": [{}, {}, {}]}, "status": {"containerStatuses": statuses}},
    )
    shown = pod_view(found)
    assert (shown.ready, shown.containers, shown.restarts) == (1, 3, 3)

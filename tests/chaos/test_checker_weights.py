"""What objects stand for, and where it turns."""

import pytest

from tests.chaos.checker_weights import turns, weights

METADATA = {"annotations": {"nginx.ingress.kubernetes.io/canary-weight": "25"}}
BACKENDS = [{"name": "stable", "weight": 75}, {"name": "canary"}]
PARTITION = {"replicas": 5, "updateStrategy": {"rollingUpdate": {"partition": 3}}}


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("Ingress", {"metadata": METADATA}, ["25"]),
        ("Ingress", {"metadata": {}}, []),
        ("HTTPRoute", {"spec": {"rules": [{"backendRefs": BACKENDS}, {"name": "h"}]}}, ["stable=75 canary=1 | h: "]),
        ("StatefulSet", {"spec": PARTITION}, ["partition 3 of 5"]),
        ("Service", {"spec": {"selector": {"app": "web", "rollouts-pod-template-hash": "aaa"}}}, ["aaa"]),
        ("Service", {"spec": {"selector": {"app": "web"}}}, []),
        ("Deployment", {"spec": PARTITION}, []),
    ],
)
def test_what_an_object_stands_for(kind, body, told):
    assert list(weights(kind, {"metadata": {}, **body})) == told


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ([], []),
        (["0"], ["0"]),
        (["0", "25", "50", "100", "0"], ["0", "100", "0"]),
        (["0", "50", "25", "100"], ["0", "50", "25", "100"]),
        (["s=100 c=0", "s=75 c=25", "s=0 c=100", "s=1 c=3"], ["s=100 c=0", "s=0 c=100", "s=1 c=3"]),
        (["s=100 c=0", "s=75 c=100", "s=0 c=50"], ["s=100 c=0", "s=75 c=100", "s=0 c=50"]),
        (["4", "5 | 6", "7"], ["4", "5 | 6", "7"]),
        (["7c86cc4674", "7bfb67cdff", "7c86cc4674"], ["7c86cc4674", "7bfb67cdff", "7c86cc4674"]),
    ],
)
def test_gradual_weights_are_compared_where_they_turn(values, left):
    assert turns(values) == left

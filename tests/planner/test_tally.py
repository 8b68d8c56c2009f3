import pytest

from rollouts.api.rollout import LabelSelector
from rollouts.planner.tally import counted, selector_text
from tests.given import blue_green, draft, release, set_weight


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ({}, "<none>"),
        ({"matchLabels": {"tier": "web", "app": "shop"}}, "app=shop,tier=web"),
        ({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["b", "a"]}]}, "tier in (a,b)"),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["b"]}]}, "tier notin (b)"),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, "tier"),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, "!tier"),
        (
            {"matchLabels": {"b": "1"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]},
            "a,b=1",
        ),
    ],
)
def test_autoscalers_read_the_selector_as_kubernetes_writes_it(selector, text):
    assert selector_text(LabelSelector.model_validate(selector)) == text


def test_blue_green_has_no_step_whatever_a_client_wrote():
    snapshot = blue_green().having(currentStepIndex=1).snapshot
    assert counted(snapshot, draft(snapshot)).current_step_index is None
    canary = release(set_weight(20), set_weight(40)).step(1).snapshot
    assert counted(canary, draft(canary)).current_step_index == 1

import pytest

from tests.planner.lent import rollout, said

TAKEN = "spec.selector finds pods by it"


@pytest.mark.parametrize(
    ("strategy", "text"),
    [
        (
            {"canaryMetadata": {"labels": {"app": "other"}}},
            f'canaryMetadata.labels[app]: Invalid value: "other": {TAKEN}',
        ),
        (
            {"stableMetadata": {"labels": {"rollouts-pod-template-hash": "x"}}},
            'stableMetadata.labels[rollouts-pod-template-hash]: Invalid value: "x": it tells revisions apart',
        ),
    ],
)
def test_a_role_may_not_hide_pods_from_their_replica_set(strategy, text):
    """ReplicaSets make another pod for each that no longer has their labels: without end."""
    assert said(rollout(strategy)).startswith(f"spec.strategy.canary.{text}")


@pytest.mark.parametrize(
    "strategy", [{"stableMetadata": {"labels": {"app": "web"}}}, {"canaryMetadata": {"annotations": {"app": "other"}}}]
)
def test_what_hides_nothing_is_taken(strategy):
    assert said(rollout(strategy)) == ""

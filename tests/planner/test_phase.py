import pytest

from rollouts.api.rollout import RolloutSpec, RolloutStatus
from rollouts.planner.phase import phase_of
from rollouts.wire.decode import decode
from tests import given

CHECKED = {"postPromotionAnalysis": {"templates": [{"templateName": "checks"}]}}


def blue_green(active="new", stable="old", run=None, **strategy):
    """Phase and message of a switch from old to new with all pods there."""
    whole = {"activeService": "web-active", **strategy}
    spec = RolloutSpec.model_validate({**given.blue_green().spec, "strategy": {"blueGreen": whole}})
    named = {"postPromotionAnalysisRunStatus": {"name": "web-new-2-post", "status": run}} if run else {}
    raw = {
        "currentPodHash": "new",
        "stableRS": stable,
        "blueGreen": {"activeSelector": active, **named},
        **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 4),
    }
    return phase_of(spec, decode(RolloutStatus, raw), 4)


@pytest.mark.parametrize(
    ("situation", "phase"),
    [
        ({"active": "old"}, ("Progressing", "active service cutover pending")),
        ({"active": ""}, ("Progressing", "active service cutover pending")),
        ({"stable": "new"}, ("Healthy", "")),
        (CHECKED, ("Progressing", "waiting for analysis to complete")),
        ({**CHECKED, "run": "Running"}, ("Progressing", "waiting for analysis to complete")),
        ({**CHECKED, "run": "Successful"}, ("Progressing", "waiting for post-promotion verification to complete")),
        ({}, ("Progressing", "waiting for post-promotion verification to complete")),
    ],
    ids=["preview", "nothing yet", "stable", "unanalysed", "analysing", "analysed", "switched"],
)
def test_blue_green_between_cut_over_and_promotion(situation, phase):
    assert blue_green(**situation) == phase

"""Our state in mid-release, read by Argo Rollouts: field by field what it knows, or what is ours and it ignores.

So one may go back: whatever it would drop or misread would be lost with that, or would move traffic.
"""

import re
from pathlib import Path

import pytest
import yaml

from rollouts.api import keys
from rollouts.simulator.script import Script, played

SCENARIOS = Path(__file__).parent.parent / "scenarios"
RELEASES = ("canary-promote", "nginx", "nginx-abort", "gatewayapi", "bluegreen-promoted-by-hand", "bluegreen-analyses", "bluegreen-aborted")  # fmt: skip
STATUS = {
    "": "abort abortedAt pauseConditions controllerPause currentPodHash currentStepHash currentStepIndex stableRS replicas "
    "updatedReplicas readyReplicas availableReplicas HPAReplicas selector collisionCount observedGeneration "
    "workloadObservedGeneration restartedAt promoteFull phase message conditions canary blueGreen duration",
    "canary": "currentStepAnalysisRunStatus currentBackgroundAnalysisRunStatus weights",
    "canary.weights": "canary stable additional verified",
    "canary.weights.canary": "weight serviceName podTemplateHash",
    "canary.weights.stable": "weight serviceName podTemplateHash",
    "canary.currentStepAnalysisRunStatus": "name status message",
    "canary.currentBackgroundAnalysisRunStatus": "name status message",
    "blueGreen": "activeSelector previewSelector scaleUpPreviewCheckPoint prePromotionAnalysisRunStatus "
    "postPromotionAnalysisRunStatus",
    "blueGreen.prePromotionAnalysisRunStatus": "name status message",
    "blueGreen.postPromotionAnalysisRunStatus": "name status message",
    "duration": "rolloutStartedAt finishedAt manualPauseStartedAt totalManualPauseDurationSeconds completionStatus",
    "conditions[]": "type status reason message lastUpdateTime lastTransitionTime",
    "pauseConditions[]": "reason startTime",
}
REASONS = {
    "NewReplicaSetCreated", "FoundNewReplicaSet", "ReplicaSetUpdated", "NewReplicaSetAvailable", "ReplicaSetNotAvailable",
    "RolloutPaused", "RolloutResumed", "RolloutRetry", "RolloutAborted", "ProgressDeadlineExceeded", "AvailableReason",
    "RolloutCompleted", "RolloutHealthy",
}  # fmt: skip
# Ours, which it neither reads nor minds: nothing that it does depends on them.
IGNORED = {keys.ABORTED, keys.SERVING, keys.COMMAND}
ANNOTATIONS = {
    "Rollout": {keys.REVISION, keys.WORKLOAD_GENERATION},
    "ReplicaSet": {keys.REVISION, keys.REVISION_HISTORY, keys.DESIRED_REPLICAS, keys.SCALE_DOWN_DEADLINE},
    "Service": {keys.MANAGED_BY},
    "AnalysisRun": {keys.REVISION},
    "Ingress": {"nginx.ingress.kubernetes.io/canary", "nginx.ingress.kubernetes.io/canary-weight", "example.com/keep"},
    # What the plugin does not know it leaves alone.
    "HTTPRoute": {"rollouts.argoproj.io/original-weights"},
}
LABELS = {
    "ReplicaSet": {"app", keys.HASH_LABEL},
    "AnalysisRun": {"app", keys.HASH_LABEL, keys.RUN_TYPE_LABEL, keys.STEP_INDEX_LABEL},
    "HTTPRoute": {keys.GATEWAY_CANARY_LABEL},
}
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def written(release):
    """Every version of every object of a whole release."""
    simulation = played(Script.model_validate(yaml.safe_load((SCENARIOS / f"{release}.yaml").read_text())))
    for _, ref, raw in simulation.world.objects.history:
        if raw is not None:
            yield ref.kind.name, raw


def unknown(value, path=""):
    """Paths of fields that no released Argo Rollouts has."""
    if isinstance(value, list):
        for one in value:
            yield from unknown(one, f"{path}[]")
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in STATUS[path].split():
                yield f"{path}.{key}"
            elif isinstance(inner, dict | list):
                yield from unknown(inner, f"{path}.{key}".lstrip("."))


@pytest.mark.parametrize("release", RELEASES)
def test_every_field_of_every_status_is_known(release):
    found = {path for kind, raw in written(release) if kind == "Rollout" for path in unknown(raw.get("status") or {})}
    assert found <= {".lastCommand"}


@pytest.mark.parametrize("release", RELEASES)
def test_every_annotation_and_label_is_known_or_ignored(release):
    for kind, raw in written(release):
        metadata = raw["metadata"]
        assert set(metadata.get("annotations") or {}) <= ANNOTATIONS.get(kind, set()) | IGNORED, kind
        assert set(metadata.get("labels") or {}) <= LABELS.get(kind, set()), kind


@pytest.mark.parametrize("release", RELEASES)
def test_values_are_of_the_form_in_which_it_reads_them(release):
    seen = 0
    for kind, raw in written(release):
        notes = raw["metadata"].get("annotations") or {}
        assert STAMP.fullmatch(notes.get(keys.SCALE_DOWN_DEADLINE, "2026-01-01T00:00:00Z"))
        assert notes.get(keys.REVISION, "1").isdigit()
        assert notes.get(keys.DESIRED_REPLICAS, "1").isdigit()
        status = (raw.get("status") or {}) if kind == "Rollout" else {}
        assert isinstance(status.get("observedGeneration", ""), str)
        for condition in status.get("conditions", ()):
            seen += 1
            assert condition["reason"] in REASONS
            assert STAMP.fullmatch(condition["lastUpdateTime"])
    assert seen


@pytest.mark.parametrize("release", RELEASES)
def test_what_it_decides_by_is_always_there(release):
    """A ReplicaSet with pods says for how many it was sized, else a switch waits for ever; a switched Service is ours."""
    for kind, raw in written(release):
        metadata, spec = raw["metadata"], raw["spec"]
        notes = metadata.get("annotations") or {}
        if kind == "ReplicaSet":
            assert metadata["labels"][keys.HASH_LABEL] == spec["selector"]["matchLabels"][keys.HASH_LABEL]
            assert spec["template"]["metadata"]["labels"][keys.HASH_LABEL] == metadata["labels"][keys.HASH_LABEL]
            assert notes.keys() >= {keys.REVISION, keys.DESIRED_REPLICAS}
        if kind == "Service" and keys.HASH_LABEL in spec["selector"]:
            assert notes[keys.MANAGED_BY] == "web"

"""Labels that roles put on pods: none by which the Rollout finds them."""

from collections.abc import Iterator
from typing import Final

from rollouts.api import keys
from rollouts.api.model import Problem
from rollouts.api.rollout import LabelSelector, PodTemplateMetadata, RolloutSpec

PATH: Final = "spec.strategy"
TAKEN: Final = "spec.selector finds pods by it: a pod of another value is nobody's, and another is made in its place"
OURS: Final = "it tells revisions apart and is set by the controller: choose another key"


def metadata_problems(spec: RolloutSpec, selector: LabelSelector) -> Iterator[Problem]:
    """Ours: Argo Rollouts takes such labels and then makes pods without end, or none."""
    for path, wanted in _roles(spec):
        for key, value in wanted.labels.items():
            reason = _objection(selector, key, value)
            if reason:
                yield Problem(f"{PATH}.{path}.labels[{key}]", value, reason)


def _roles(spec: RolloutSpec) -> Iterator[tuple[str, PodTemplateMetadata]]:
    canary, other = spec.strategy.canary, spec.strategy.blue_green
    found = (
        ("canary.canaryMetadata", canary and canary.canary_metadata),
        ("canary.stableMetadata", canary and canary.stable_metadata),
        ("blueGreen.previewMetadata", other and other.preview_metadata),
        ("blueGreen.activeMetadata", other and other.active_metadata),
    )
    return ((path, wanted) for path, wanted in found if wanted)


def _objection(selector: LabelSelector, key: str, value: str) -> str:
    if key == keys.HASH_LABEL:
        return OURS
    asked = {expression.key for expression in selector.match_expressions}
    return TAKEN if key in asked or selector.match_labels.get(key, value) != value else ""

"""The part of a HorizontalPodAutoscaler that decisions read: whose size it sets."""

from rollouts.api.meta import Metadata
from rollouts.api.workloads import Lean


class ScaleTarget(Lean, frozen=True):
    """The object that is scaled, in the autoscaler's namespace."""

    kind: str = ""
    name: str = ""
    api_version: str = ""


class AutoscalerSpec(Lean, frozen=True):
    """What is scaled."""

    scale_target_ref: ScaleTarget = ScaleTarget()


class Autoscaler(Lean, frozen=True):
    """One HorizontalPodAutoscaler."""

    metadata: Metadata
    spec: AutoscalerSpec = AutoscalerSpec()

    def scales(self, kind: str, name: str) -> bool:
        """Whether it sets the size of that object."""
        return (self.spec.scale_target_ref.kind, self.spec.scale_target_ref.name) == (kind, name)

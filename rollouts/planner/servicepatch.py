"""What is written to Services: one place for the API server's and for the simulated ones."""

from rollouts.api.keys import HASH_LABEL, MANAGED_BY, REVISION_LABEL
from rollouts.api.meta import Json
from rollouts.planner.actions import FreeService, ReleaseService, SwitchService


def service_patch(action: SwitchService | FreeService | ReleaseService) -> Json:
    """The merge patch that carries *action* out."""
    match action:
        case SwitchService(hash=wanted, label=label, managed_by=owner):
            return {"metadata": {"annotations": {MANAGED_BY: owner}}, "spec": {"selector": {label: wanted}}}
        case FreeService():
            return {"metadata": {"annotations": {MANAGED_BY: None}}, "spec": {"selector": {HASH_LABEL: None}}}
        case _:
            # the mark stays: a Rollout of the same name finds its Service by it
            return {"metadata": {"ownerReferences": None}, "spec": {"selector": {REVISION_LABEL: None}}}

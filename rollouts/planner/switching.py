"""Pointing a Service at a revision."""

from rollouts.api import keys
from rollouts.api.workloads import ReplicaSet
from rollouts.planner.actions import Announcement, SwitchService
from rollouts.planner.draft import Draft
from rollouts.planner.snapshot import Snapshot, hash_of, target


def switch(snapshot: Snapshot, draft: Draft, name: str, revision: ReplicaSet, because: str, *, stage: str) -> Draft:
    """Point Service *name* at *revision*; nothing where it points there already, or does not exist."""
    service = snapshot.services.get(name)
    if service is None:
        return draft
    old, new = service.spec.selector.get(keys.HASH_LABEL, ""), hash_of(revision)
    if old == new:
        return draft
    text = f"Switched selector for service '{name}' from '{old}' to '{new}'"
    said = (Announcement("SwitchService", text),)
    label = keys.REVISION_LABEL if snapshot.ordinals else keys.HASH_LABEL
    return draft.act(SwitchService(target(service.metadata), new, snapshot.key.name, because, said, label), stage=stage)

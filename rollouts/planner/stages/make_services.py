"""The two Services of a StatefulSet's revisions, where a router beside the partition splits traffic between them."""

from datetime import datetime
from typing import Final

from rollouts.api import keys, reasons
from rollouts.api.kinds import SERVICE
from rollouts.api.meta import Json, Key
from rollouts.api.workloads import labels_of
from rollouts.planner.actions import Announcement, CreateService
from rollouts.planner.draft import Draft
from rollouts.planner.ordinals import Ordinals
from rollouts.planner.replicaset import owner_json
from rollouts.planner.snapshot import Snapshot

STAGE: Final = "make_services"


def make_services(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Create what is missing; both begin with the stable revision, the canary's moves on when that has pods."""
    _ = now
    ordinals = snapshot.ordinals
    if ordinals is None:
        return draft
    for name in (snapshot.strategy.stable_service, snapshot.strategy.canary_service):
        if name and name not in snapshot.services:
            said = Announcement(reasons.SERVICE_CREATED, f"Created Service {name}")
            body = _body(snapshot, ordinals, name, draft.status.stable_rs)
            key = Key(snapshot.key.namespace, name)
            made = CreateService(key, body, f"Service {name} is to lead to one revision", (said,))
            draft = draft.act(made, stage=STAGE)
    return draft


def _body(snapshot: Snapshot, ordinals: Ordinals, name: str, revision: str) -> Json:
    labels = snapshot.selector.get("matchLabels") or labels_of(snapshot.template)
    return {
        "apiVersion": SERVICE.api_version,
        "kind": SERVICE.name,
        "metadata": {
            "name": name,
            "namespace": snapshot.key.namespace,
            "annotations": {keys.MANAGED_BY: snapshot.key.name},
            "ownerReferences": [owner_json(snapshot)],
        },
        "spec": {
            "selector": {**labels, keys.REVISION_LABEL: revision},
            "ports": [dict(port) for port in ordinals.ports],
        },
    }

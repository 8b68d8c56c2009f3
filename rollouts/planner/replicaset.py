"""The ReplicaSet of a revision as it is created, and the bookkeeping kept on it afterwards (contract §1.7)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rollouts.api import keys
from rollouts.api.kinds import ROLLOUT
from rollouts.api.meta import Json, OwnerReference
from rollouts.api.workloads import ReplicaSet, labels_of
from rollouts.planner.actions import UpdateReplicaSet
from rollouts.planner.draft import Draft
from rollouts.planner.injected import injected_at_birth
from rollouts.planner.snapshot import Snapshot, revision_of

# Annotations of the Rollout that say something about the Rollout only.
NOT_COPIED = frozenset(
    {keys.LAST_APPLIED, keys.REVISION, keys.REVISION_HISTORY, keys.DESIRED_REPLICAS, keys.NOTIFIED, keys.COMMAND}
)


def owner(snapshot: Snapshot) -> OwnerReference:
    """The Rollout as the controller of what it creates."""
    metadata = snapshot.rollout.metadata
    return OwnerReference(ROLLOUT.api_version, ROLLOUT.name, metadata.name, metadata.uid, True, True)


def owner_json(snapshot: Snapshot) -> Json:
    """The same as JSON."""
    metadata = snapshot.rollout.metadata
    return {
        "apiVersion": ROLLOUT.api_version,
        "kind": ROLLOUT.name,
        "name": metadata.name,
        "uid": metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def manifest(snapshot: Snapshot) -> Json:
    """The ReplicaSet for the template in force, with no pods yet."""
    marked = {keys.HASH_LABEL: snapshot.hash}
    labels = {**labels_of(snapshot.template), **marked}
    template, note = injected_at_birth(snapshot, _marked(snapshot.template, labels))
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{snapshot.key.name}-{snapshot.hash}",
            "namespace": snapshot.key.namespace,
            "labels": labels,
            "annotations": {
                **copied_annotations(snapshot),
                **note,
                keys.REVISION: str(next_revision(snapshot)),
                keys.DESIRED_REPLICAS: str(snapshot.replicas),
            },
            "ownerReferences": [owner_json(snapshot)],
        },
        "spec": {
            "replicas": 0,
            **({"minReadySeconds": snapshot.spec.min_ready_seconds} if snapshot.spec.min_ready_seconds else {}),
            "selector": _selector(snapshot, marked),
            "template": template,
        },
    }


def _selector(snapshot: Snapshot, marked: Mapping[str, str]) -> Json:
    selector = snapshot.selector
    return {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), **marked}}


def _marked(template: Json, labels: Mapping[str, str]) -> Json:
    return {**template, "metadata": {**(template.get("metadata") or {}), "labels": dict(labels)}}


def copied_annotations(snapshot: Snapshot) -> dict[str, str]:
    """The Rollout's annotations that its ReplicaSets carry too."""
    mine = snapshot.rollout.metadata.annotations
    return {key: value for key, value in mine.items() if key not in NOT_COPIED}


def next_revision(snapshot: Snapshot) -> int:
    """One more than the highest revision among the other ReplicaSets."""
    return max((revision_of(rs.metadata) for rs in snapshot.older), default=0) + 1


def bookkeeping(snapshot: Snapshot, canary: ReplicaSet) -> dict[str, str | None]:
    """Annotations that the canary's ReplicaSet lacks: the Rollout's own, and a revision above all others'.

    Returning to an old revision renumbers its ReplicaSet; the former number goes to the history.
    """
    has = canary.metadata.annotations
    missing: dict[str, str | None] = {k: v for k, v in copied_annotations(snapshot).items() if has.get(k) != v}
    old, new = revision_of(canary.metadata), next_revision(snapshot)
    if old >= new:
        return missing
    history = [entry for entry in has.get(keys.REVISION_HISTORY, "").split(",") if entry]
    if old:
        missing[keys.REVISION_HISTORY] = ",".join([*history, str(old)])
    missing[keys.REVISION] = str(new)
    return missing


def patch_of(update: UpdateReplicaSet) -> dict[str, Any]:
    """The merge patch that *update* is, without empty parts."""
    fields = {"replicas": update.replicas, "minReadySeconds": update.min_ready_seconds, "template": update.template}
    spec = {name: value for name, value in fields.items() if value is not None}
    metadata = {"annotations": dict(update.annotations)} if update.annotations else {}
    return {name: value for name, value in (("metadata", metadata), ("spec", spec)) if value}


def merged(draft: Draft, update: UpdateReplicaSet, stage: str) -> Draft:
    """The draft with *update*: one write per object and plan, a second would meet a version that the first replaced.

    A new size takes what is written of the object already to its own place: sizes are written in the order in which
    they are decided, old pods go before new ones take their room.
    """
    for index, action in enumerate(draft.actions):
        if isinstance(action, UpdateReplicaSet) and action.target == update.target:
            both = replace(
                update,
                replicas=update.replicas if update.replicas is not None else action.replicas,
                annotations={**(action.annotations or {}), **(update.annotations or {})},
                min_ready_seconds=action.min_ready_seconds,
                template={**(action.template or {}), **(update.template or {})} or None,
                events=action.events + update.events,
            )
            before, after = draft.actions[:index], draft.actions[index + 1 :]
            return replace(
                draft, actions=(*before, both, *after) if update.replicas is None else (*before, *after, both)
            )
    return draft.act(update, stage=stage)

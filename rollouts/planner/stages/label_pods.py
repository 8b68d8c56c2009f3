"""Metadata by role, on ReplicaSets and on their pods; and the newest one's anti-affinity (contract §3.11, §3.12)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from rollouts.api import keys
from rollouts.api.meta import Json
from rollouts.api.rollout import PodTemplateMetadata
from rollouts.api.workloads import Pod, ReplicaSet, labels_of
from rollouts.planner.actions import LabelPod, UpdateReplicaSet
from rollouts.planner.additions import injected, noted, with_affinity
from rollouts.planner.draft import Draft
from rollouts.planner.injected import affinity_term, metadata_of, roles_of, wants_metadata
from rollouts.planner.replicaset import merged
from rollouts.planner.snapshot import Snapshot, hash_of, target
from rollouts.wire import mergepatch

STAGE: Final = "label_pods"
# Pods wake nobody here, and a note forgets only once it has seen them without what they carried.
AGAIN: Final = timedelta(seconds=2)
Changes = Mapping[str, str | None]


def label_pods(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Bring every ReplicaSet that has pods, and these pods, to what their role wants."""
    draft = _keep_apart(snapshot, draft)
    if not wants_metadata(snapshot.spec, snapshot.replica_sets):
        return draft
    for revision in snapshot.replica_sets:
        draft = _label(snapshot, draft, revision)
    labels = any(isinstance(action, LabelPod) for action in draft.actions)
    return draft.wake(now + AGAIN) if labels else draft


def _label(snapshot: Snapshot, draft: Draft, revision: ReplicaSet) -> Draft:
    wanted = metadata_of(snapshot, revision, draft.status.stable_rs)
    pods = [pod for pod in snapshot.pods.get(revision.metadata.uid, ()) if not pod.is_deleting]
    draft = _label_set(snapshot, draft, revision, wanted, pods)
    for pod in pods:
        draft = _label_pod(snapshot, draft, revision, wanted, pod)
    return draft


def _label_set(
    snapshot: Snapshot, draft: Draft, revision: ReplicaSet, wanted: PodTemplateMetadata, pods: list[Pod]
) -> Draft:
    """Template and note. Whatever a pod may carry is in the note: it is written before pods are, and forgets last."""
    kept = _kept(revision, wanted, pods)
    note = noted(kept) if kept.labels or kept.annotations else None
    metadata = revision.spec.template.get("metadata") or {}
    patch = {
        part: changes
        for part in ("labels", "annotations")
        if (changes := _changes(snapshot, revision, wanted, part, metadata.get(part) or {}))
    }
    if not patch and revision.metadata.annotations.get(keys.EPHEMERAL_METADATA) == note:
        return draft
    role = noted(wanted) if wanted.labels or wanted.annotations else "none"
    update = UpdateReplicaSet(
        target(revision.metadata),
        f"{revision.metadata.name}: metadata of its pods is {role}",
        annotations={keys.EPHEMERAL_METADATA: note},
        template={"metadata": patch} if patch else None,
    )
    return merged(draft, update, STAGE)


def _kept(revision: ReplicaSet, wanted: PodTemplateMetadata, pods: list[Pod]) -> PodTemplateMetadata:
    """*wanted*, and what was injected before and some pod still carries."""
    old = injected(revision)
    parts = {
        part: {
            key: value
            for key, value in old.get(part, {}).items()
            if any(getattr(pod.metadata, part).get(key) == value for pod in pods)
        }
        | dict(getattr(wanted, part))
        for part in ("labels", "annotations")
    }
    return PodTemplateMetadata(labels=parts["labels"], annotations=parts["annotations"])


def _label_pod(snapshot: Snapshot, draft: Draft, revision: ReplicaSet, wanted: PodTemplateMetadata, pod: Pod) -> Draft:
    labels = _changes(snapshot, revision, wanted, "labels", pod.metadata.labels)
    annotations = _changes(snapshot, revision, wanted, "annotations", pod.metadata.annotations)
    if not labels and not annotations:
        return draft
    why = f"{pod.metadata.name}: its role's metadata"
    return draft.act(LabelPod(target(pod.metadata), labels, annotations, why), stage=STAGE)


def _changes(
    snapshot: Snapshot, revision: ReplicaSet, wanted: PodTemplateMetadata, part: str, has: Mapping[str, str]
) -> Changes:
    """What to set, and what to remove: keys that were injected, or that another role has.

    A key that people wrote into the template gets their value again; of older revisions that is not known.
    """
    mine: Mapping[str, str] = getattr(wanted, part)
    others = {key for role in roles_of(snapshot) for key in getattr(role, part)}
    written = _written(snapshot.template, part)
    known = {*injected(revision).get(part, {}), *others}
    stale: dict[str, str | None] = {key: None for key in known - set(mine) if key in has and key not in written}
    own = {key: written[key] for key in known if key in written} if revision is snapshot.canary else {}
    return stale | {key: value for key, value in (own | dict(mine)).items() if has.get(key) != value}


def _written(template: Json, part: str) -> Mapping[str, str]:
    if part == "labels":
        return labels_of(template)
    return (template.get("metadata") or {}).get("annotations") or {}


def _keep_apart(snapshot: Snapshot, draft: Draft) -> Draft:
    """The newest revision's anti-affinity names the stable revision of now; pods there are stay where they are."""
    canary = snapshot.canary
    if canary is None:
        return draft
    template = canary.spec.template
    spec = template.get("spec") or {}
    term = affinity_term(snapshot, hash_of(canary))
    if term is None and not spec.get("affinity"):
        return draft
    wanted = with_affinity(template, term)["spec"]
    if (spec.get("affinity") or {}) == (wanted.get("affinity") or {}):
        return draft
    keeps = "keep away from those of the stable revision" if term else "may stand beside any others"
    update = UpdateReplicaSet(
        target(canary.metadata),
        f"{canary.metadata.name}: its new pods {keeps}",
        template={"spec": {"affinity": _change(spec.get("affinity") or {}, wanted.get("affinity") or {})}},
    )
    return merged(draft, update, STAGE)


def _change(has: Json, wanted: Json) -> Json | None:
    """The merge patch: kinds of rules that are gone must be named, or they stay."""
    return mergepatch.diff(has, wanted) if wanted else None

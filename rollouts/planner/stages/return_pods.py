"""Pods of the new revision that stand where none should go back to the old one; pods in the way of an update go too."""

from datetime import datetime, timedelta
from typing import Final

from rollouts.api import reasons
from rollouts.api.meta import Condition
from rollouts.api.workloads import Pod
from rollouts.planner.actions import Announcement, DeletePod, EvictPod, PatchStatefulSet
from rollouts.planner.conditions import get, renew, without
from rollouts.planner.draft import Draft
from rollouts.planner.evicting import next_of, refusal
from rollouts.planner.ordinals import Ordinals, revision_of
from rollouts.planner.places import allowed, share
from rollouts.planner.snapshot import Snapshot, target

STAGE: Final = "return_pods"
# Kubernetes never replaces a pod that is not ready in a StatefulSet that fills its places in order
# (kubernetes/kubernetes#67250): after this time we do.
GRACE: Final = timedelta(seconds=30)
FIRST_WAIT: Final = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(minutes=5)


def return_pods(snapshot: Snapshot, draft: Draft, now: datetime) -> Draft:
    """Evict at most one pod; the next one once it is back and ready."""
    ordinals = snapshot.ordinals
    if ordinals is None or not ordinals.is_observed:
        return draft
    wrong = _misplaced(snapshot, draft, ordinals)
    if not wrong:
        return _unblocked(snapshot, draft, ordinals, now)
    held = _held(snapshot, draft, ordinals, wrong)
    if held:
        return _calmed(draft).say(STAGE, "hold", f"{len(wrong)} pods are to return to the old revision: {held}")
    pod, wait = next_of(ordinals, wrong)
    if pod is None:
        return _calmed(draft).say(STAGE, "wait", wait)
    return _taken(draft, ordinals, pod, f"back to revision {draft.status.stable_rs}", now)


def _misplaced(snapshot: Snapshot, draft: Draft, ordinals: Ordinals) -> tuple[Pod, ...]:
    """Pods of another revision than the stable one at places that are not exposed."""
    if draft.is_promoted:
        return ()
    exposed, _ = allowed(snapshot, draft, share(snapshot, draft).exposed)
    kept = ordinals.places[: ordinals.replicas - exposed]
    return tuple(pod for pod in kept if pod and not pod.is_deleting and revision_of(pod) != draft.status.stable_rs)


def _held(snapshot: Snapshot, draft: Draft, ordinals: Ordinals, wrong: tuple[Pod, ...]) -> str:
    """Why none may go yet: it would come back as it is, or it still has traffic."""
    if any(isinstance(action, PatchStatefulSet) for action in draft.actions):
        return "the partition comes first"
    for pod in wrong:
        made = ordinals.made_at(ordinals.index_of(pod))
        if made != draft.status.stable_rs:
            return f"{pod.metadata.name} would come back in revision {made or 'of nobody knows'}"
    return _traffic(snapshot, draft)


def _traffic(snapshot: Snapshot, draft: Draft) -> str:
    routing, stable = draft.routing, snapshot.of_hash(draft.status.stable_rs)
    if routing is None or stable is None or stable.spec.replicas == 0:
        return ""
    if share(snapshot, draft).exposed:
        return routing.hold
    if routing.split.canary:
        return f"{routing.split.canary} of {routing.split.total} of the traffic goes to them"
    name = snapshot.strategy.stable_service
    if name in snapshot.services and snapshot.foreign_pods(name, stable):
        return f"Service {name} still leads to them"
    return routing.hold


def _unblocked(snapshot: Snapshot, draft: Draft, ordinals: Ordinals, now: datetime) -> Draft:
    """A pod that is not ready, and not of the revision that its place waits for, goes after a while."""
    draft = _calmed(draft)
    for index, pod in enumerate(ordinals.places):
        if pod is None or pod.is_ready or pod.is_deleting or index < ordinals.partition:
            continue
        if revision_of(pod) == snapshot.canary_hash or ordinals.made_at(index) != snapshot.canary_hash:
            continue
        at = _unready_since(pod) + GRACE
        if now < at:
            return draft.wake(at)
        return _taken(draft, ordinals, pod, f"it is not ready, and keeps revision {snapshot.canary_hash} out", now)
    return draft


def _unready_since(pod: Pod) -> datetime:
    ready = next((c for c in pod.status.conditions if c.type == "Ready"), None)
    since = (ready.last_transition_time if ready else None) or pod.metadata.creation_timestamp
    assert since is not None
    return since


def _taken(draft: Draft, ordinals: Ordinals, pod: Pod, why: str, now: datetime) -> Draft:
    name, refused = pod.metadata.name, refusal(ordinals, pod)
    if refused and pod.is_ready:
        return _waiting(draft, f"{name} is ready and stays for now: {refused}", now)
    draft = _calmed(draft)
    if refused:
        text = f"{name} is deleted, {why}: its eviction is refused, but it is not ready. {refused}"
        said = Announcement(reasons.POD_DELETED, f"Deleted pod {text}")
        return draft.act(DeletePod(target(pod.metadata), text, (said,)), stage=STAGE)
    text = f"{name} is evicted: {why}"
    return draft.act(
        EvictPod(target(pod.metadata), text, (Announcement(reasons.POD_EVICTED, f"Evicted pod {text}"),)), stage=STAGE
    )


def _waiting(draft: Draft, text: str, now: datetime) -> Draft:
    """A budget refuses: told once for each of its sentences, looked at in growing steps."""
    kind, second = reasons.EVICTION_REFUSED, now.replace(microsecond=0)
    old = get(draft.status.conditions, kind)
    since = old.last_transition_time if old and old.last_transition_time else second
    draft = draft.wake(now + min(max(now - since, FIRST_WAIT), LONGEST_WAIT)).say(STAGE, "wait", text)
    if old is not None and old.message == text:
        return draft
    wanted = Condition(kind, "True", kind, text)
    draft = draft.with_status(conditions=renew(draft.status.conditions, wanted, second))
    return draft.announce(Announcement(kind, text, is_warning=True))


def _calmed(draft: Draft) -> Draft:
    return draft.with_status(conditions=without(draft.status.conditions, reasons.EVICTION_REFUSED))

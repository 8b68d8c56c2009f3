"""A Snapshot from the objects of one moment. Pure: whoever has the objects (stores, a simulated world) lends them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from msgspec import structs

from rollouts.api.keys import HASH_LABEL, REVISION_LABEL
from rollouts.api.meta import Kind, Object, Ref
from rollouts.api.model import Problem
from rollouts.api.rollout import LabelSelector, Rollout
from rollouts.api.workloads import Pod, ReplicaSet, Service, StatefulSet, Workload
from rollouts.planner.binding import PARTITION, routing_path
from rollouts.planner.cluster import Cluster, Recall, Work, forgetful
from rollouts.planner.contents import analyses_of
from rollouts.planner.injected import is_restarting, wants_metadata
from rollouts.planner.neighbours import Neighbour, overlapping
from rollouts.planner.ordinals import Ordinals, selecting
from rollouts.planner.ownership import adoptable
from rollouts.planner.reading import Plugins, Revision, read_revision, read_spec
from rollouts.planner.revisions import newest, presented
from rollouts.planner.runnames import taken
from rollouts.planner.snapshot import Snapshot
from rollouts.planner.validation.partition import held_problems, own_service_problems
from rollouts.planner.validation.references import service_problems, workload_problems
from rollouts.planner.workload import autoscaler_of, named_by
from trafficrouters.base import BoundRouter, Observed

CANARY: Final = "spec.strategy.canary"


def assemble(
    rollout: Rollout, cluster: Cluster, plugins: Plugins, *, instance_id: str = "", recall: Recall = forgetful
) -> Snapshot:
    """All that may be known when deciding about *rollout*; problems first things first."""
    reading = recall(rollout, "spec", (), lambda: read_spec(rollout, plugins))
    work = Work(rollout, reading, cluster, plugins, recall)
    workload = named_by(work)
    lost = (*held_problems(reading.spec, rollout), *workload_problems(reading.spec, rollout, workload))
    if lost or not reading.is_readable:
        unread = Revision({}, {}, "")
        kept = workload if isinstance(workload, StatefulSet) else None
        return _own(work, unread, kept, instance_id, (*lost, *reading.selection))
    revision = _revision(work, workload)
    wrong = (*reading.selection, *revision.problems, *reading.others)
    snapshot = _own(work, revision, workload, instance_id, wrong)
    return snapshot if wrong else _with_references(work, snapshot)


def _revision(work: Work, workload: Workload | StatefulSet | None) -> Revision:
    seen = (workload.metadata.uid, workload.metadata.generation) if workload else None
    stamp = (work.rollout.status.collision_count, seen)
    return work.recall(
        work.rollout, "template", stamp, lambda: read_revision(work.rollout, work.reading.spec, workload)
    )


def _own(
    work: Work,
    revision: Revision,
    workload: Workload | StatefulSet | None,
    instance_id: str,
    problems: tuple[Problem, ...],
) -> Snapshot:
    """What can be said without references."""
    if isinstance(workload, StatefulSet):
        return _partitioned(work, revision, workload, instance_id, problems)
    rollout, reading = work.rollout, work.reading
    uid = rollout.metadata.uid
    sets = work.cluster.replica_sets(uid)
    restarts = is_restarting(reading.spec, rollout)
    namesake = work.cluster.replica_set(work.key(f"{rollout.metadata.name}-{revision.hash}"))
    return Snapshot(
        rollout=rollout,
        spec=reading.spec,
        template=revision.template,
        selector=revision.selector,
        hash=revision.hash,
        step_hash=reading.step_hash,
        problems=problems,
        replica_sets=sets,
        pods=_pods(work, sets) if restarts or wants_metadata(reading.spec, sets) else {},
        budgets=work.cluster.budgets(rollout.metadata.namespace) if restarts else (),
        orphans=adoptable(revision.selector, work.cluster.orphans(rollout.metadata.namespace)),
        taken=None if namesake is None or _yields(rollout, namesake) else namesake,
        steps=reading.steps,
        routers=reading.routers,
        runs=work.cluster.runs(uid),
        workload=workload,
        autoscaler=autoscaler_of(work, workload),
        overlaps=_overlaps(work, revision),
        instance_id=instance_id,
    )


def _partitioned(
    work: Work, revision: Revision, found: StatefulSet, instance_id: str, problems: tuple[Problem, ...]
) -> Snapshot:
    """The same of a StatefulSet, whose own controller names the revisions."""
    rollout, reading, cluster = work.rollout, work.reading, work.cluster
    ordinals = _ordinals(work, found)
    return Snapshot(
        rollout=rollout,
        spec=reading.spec,
        template=revision.template,
        selector=revision.selector,
        hash=newest(ordinals, rollout.status),
        step_hash=reading.step_hash,
        problems=problems,
        replica_sets=presented(ordinals, rollout.status),
        steps=reading.steps,
        # Its own share of the traffic follows from its pods: there is nothing to write.
        routers=tuple(bound for bound in reading.routers if bound.key != PARTITION),
        runs=cluster.runs(rollout.metadata.uid),
        ordinals=ordinals,
        overlaps=_overlaps(work, revision),
        instance_id=instance_id,
    )


def _overlaps(work: Work, revision: Revision) -> tuple[Neighbour, ...]:
    selector = LabelSelector.model_validate(dict(revision.selector))
    if selector.is_empty:
        return ()
    return overlapping(selector, work.cluster.neighbours(work.rollout.metadata.key, selector.match_labels))


def _ordinals(work: Work, found: StatefulSet) -> Ordinals:
    uid = found.metadata.uid
    pods = work.cluster.pods(uid)
    budgets = work.cluster.budgets(found.metadata.namespace)
    return Ordinals(
        stateful_set=found,
        pods=pods,
        revisions=work.cluster.controller_revisions(uid),
        budgets=tuple(one for one in budgets if any(selecting((one,), pod.metadata) for pod in pods)),
        governing=work.cluster.service(work.key(found.spec.service_name)) if found.spec.service_name else None,
    )


def _pods(work: Work, sets: tuple[ReplicaSet, ...]) -> dict[str, tuple[Pod, ...]]:
    return {found.metadata.uid: work.cluster.pods(found.metadata.uid) for found in sets if found.spec.replicas}


def _yields(rollout: Rollout, found: ReplicaSet) -> bool:
    """It is ours, or a predecessor's of the same name, of whom nothing is left.

    Garbage collection takes such a one or has already made it an orphan, and what we see of it may be older than that.
    The create asks the API server; another name would be for good.
    """
    owner, metadata = found.metadata.controller, rollout.metadata
    return owner is not None and (owner.uid == metadata.uid or (owner.kind, owner.name) == ("Rollout", metadata.name))


def _with_references(work: Work, snapshot: Snapshot) -> Snapshot:
    named = _services(snapshot)
    found = {path: work.cluster.service(work.key(name)) for path, name in named.items() if name}
    problems = [
        problem
        for path, service in found.items()
        for problem in _service_problems(work, snapshot, path, named[path], service)
    ]
    services = {service.metadata.name: _by_hash(service) for service in found.values() if service is not None}
    analyses, wrong_analyses = analyses_of(work, snapshot)
    routes, wrong_routes = _routes(work, snapshot.routers)
    return replace(
        snapshot,
        problems=(*problems, *wrong_analyses, *wrong_routes),
        services=services,
        abandoned=_abandoned(work, services),
        endpoints={name: work.cluster.endpoints(work.key(name)) for name in services},
        analyses=analyses,
        taken_runs=taken(snapshot, lambda name: work.cluster.run(work.key(name))) if analyses else frozenset(),
        routes=routes,
    )


def _services(snapshot: Snapshot) -> dict[str, str]:
    """The Services that the strategy names, by the paths of its fields."""
    strategy, other = snapshot.strategy, snapshot.spec.strategy.blue_green
    if other is not None:
        path = "spec.strategy.blueGreen"
        return {f"{path}.activeService": other.active_service, f"{path}.previewService": other.preview_service}
    return {f"{CANARY}.stableService": strategy.stable_service, f"{CANARY}.canaryService": strategy.canary_service}


def _abandoned(work: Work, services: Mapping[str, Service]) -> tuple[Service, ...]:
    marked = work.cluster.services_of(work.rollout.metadata.key)
    return tuple(one for one in marked if HASH_LABEL in one.spec.selector and one.metadata.name not in services)


def _service_problems(
    work: Work, snapshot: Snapshot, path: str, name: str, service: Service | None
) -> Iterator[Problem]:
    if snapshot.ordinals is not None:
        return own_service_problems(path, service, work.rollout, snapshot.ordinals.ports)
    return service_problems(path, name, service, work.rollout, snapshot.template)


def _by_hash(service: Service) -> Service:
    """The Service as stages read it: one that selects a revision of a StatefulSet selects by a hash."""
    selector = service.spec.selector
    if REVISION_LABEL not in selector:
        return service
    read = {HASH_LABEL: selector[REVISION_LABEL]} | {k: v for k, v in selector.items() if k != REVISION_LABEL}
    return structs.replace(service, spec=structs.replace(service.spec, selector=read))


# Routes.


def _routes(work: Work, routers: tuple[BoundRouter[Any], ...]) -> tuple[Observed, list[Problem]]:
    observed: dict[Ref, Object] = {}
    problems: list[Problem] = []
    for bound in routers:
        reads = bound.reads()
        absent = sorted({ref.kind for ref in reads if not work.cluster.serves(ref.kind)})
        problems += [Problem(routing_path(bound.key), None, _not_served(kind)) for kind in absent]
        seen = _seen(work, reads)
        seen |= _seen(work, bound.router.follows(bound.config, bound.scope, seen))
        problems += bound.router.check(bound.config, bound.scope, seen)
        observed |= seen
    return observed, problems


def _not_served(kind: Kind) -> str:
    return f"this cluster does not serve kind {kind.name} of {kind.api_version}: install its CustomResourceDefinition"


def _seen(work: Work, refs: frozenset[Ref]) -> dict[Ref, Object]:
    found = ((ref, work.cluster.route(ref)) for ref in sorted(refs))
    return {ref: item for ref, item in found if item is not None}

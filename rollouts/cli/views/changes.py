"""What became different between two views, one sentence each: for logs, where nothing can be drawn twice."""

from collections.abc import Iterable, Iterator, Mapping

from rollouts.cli.views.model import ReplicaSetView, RolloutView, RunView, StepView, WeightView


def changes(before: RolloutView, after: RolloutView) -> list[str]:
    """Sentences in the order in which a reader wants them; [] when only time has passed."""
    return [*_own(before, after), *_replica_sets(before, after), *_pods(before, after), *_runs(before, after)]


def _own(before: RolloutView, after: RolloutView) -> Iterator[str]:
    if (before.phase, before.message) != (after.phase, after.message):
        yield f"status {after.phase}" + (f": {after.message}" if after.message else "")
    if after.step and after.step != before.step:
        yield _step(after.step)
    if after.weight and after.weight != before.weight:
        yield _weight(after.weight)
    for image in after.images:
        if image not in before.images:
            yield f"image {image.image}" + (f" is {', '.join(image.tags)}" if image.tags else "")


def _step(step: StepView) -> str:
    return f"step {step.index}/{step.count}" + (f": {step.current}" if step.current else "")


def _weight(weight: WeightView) -> str:
    verified = {None: "", True: ", verified", False: ", not verified yet"}[weight.verified]
    return f"weight {weight.actual}, wanted {weight.wanted}{verified}"


def _replica_sets(before: RolloutView, after: RolloutView) -> Iterator[str]:
    old = {rs.name: _replica_set(rs) for rs in _sets(before)}
    new = {rs.name: _replica_set(rs) for rs in _sets(after)}
    yield from _different("ReplicaSet", old, new)


def _replica_set(rs: ReplicaSetView) -> str:
    return " ".join((*rs.tags, f"{rs.available}/{rs.desired} available"))


def _pods(before: RolloutView, after: RolloutView) -> Iterator[str]:
    old = {pod.name: f"{pod.status} {pod.ready}/{pod.containers}" for rs in _sets(before) for pod in rs.pods}
    new = {pod.name: f"{pod.status} {pod.ready}/{pod.containers}" for rs in _sets(after) for pod in rs.pods}
    yield from _different("pod", old, new)


def _runs(before: RolloutView, after: RolloutView) -> Iterator[str]:
    old = {run.name: _run(run) for revision in before.revisions for run in revision.runs}
    new = {run.name: _run(run) for revision in after.revisions for run in revision.runs}
    yield from _different("AnalysisRun", old, new)


def _run(run: RunView) -> str:
    counts = [f"{metric.name} {metric.successful} good, {metric.failed} bad" for metric in run.metrics]
    return "; ".join((f"{run.phase} {run.message}".strip(), *counts))


def _different(kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name, text in new.items():
        if old.get(name) != text:
            yield f"{kind} {name} {text}"
    yield from (f"{kind} {name} is gone" for name in old if name not in new)


def _sets(view: RolloutView) -> Iterable[ReplicaSetView]:
    return (rs for revision in view.revisions for rs in revision.replica_sets)

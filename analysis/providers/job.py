"""job: a Kubernetes Job that succeeds or fails; its exit is the verdict, conditions are not asked.

```yaml
provider:
  job:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers: [{name: smoke, image: registry.example.com/smoke:1, args: ["--host={{args.host}}"]}]
```
An image that cannot be pulled is Inconclusive, since it says nothing of the release. Limits: a Job is looked at in
growing steps (the square root of twice its age in seconds, at least 1 s), so its end is seen a little late.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt
from typing import Final

from analysis.answers import Failure, Outcome, Pending, Reading
from analysis.providers.base import Asked, Jobs, JobsRefused, Provider, Tools
from rollouts.api import keys
from rollouts.api.analysis import Phase
from rollouts.api.kinds import ANALYSIS_RUN, JOB, POD
from rollouts.api.meta import Json, Kind
from rollouts.api.providers import JobMetadata, JobMetric

NAME: Final = "job-name"
NAMESPACE: Final = "job-namespace"
# A label value's length: the Job's pods carry its name as a label.
LONGEST: Final = 63
SHORTEST: Final = timedelta(seconds=1)
UNPULLABLE: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName"})
ENDS: Final = {"Complete": Phase.SUCCESSFUL, "Failed": Phase.FAILED}
NO_JOBS: Final = "this controller cannot run Jobs"


@dataclass(frozen=True)
class JobProvider:
    """Runs a Job for each measurement."""

    key: str = "job"
    kinds: Mapping[Kind, tuple[str, ...]] = field(
        default_factory=lambda: {JOB: ("get", "create", "delete"), POD: ("list",)}
    )
    config: type[JobMetric] = JobMetric

    async def measure(self, config: JobMetric, tools: Tools, asked: Asked) -> Outcome:
        """Start the measurement's Job, or see how it fares."""
        if tools.jobs is None:
            return Failure(NO_JOBS)
        try:
            if asked.previous is None:
                return await _start(config, tools.jobs, tools.now(), asked)
            return await _look(tools.jobs, tools.now(), asked)
        except JobsRefused as refused:
            return Failure(str(refused), _about(asked))

    async def cancel(self, config: JobMetric, tools: Tools, asked: Asked) -> Outcome:  # noqa: ARG002
        """Delete the Job with its pods: what it would have said is not known."""
        if tools.jobs is None:
            return Failure(NO_JOBS)
        about = _about(asked)
        try:
            await tools.jobs.delete(about.get(NAMESPACE, asked.namespace), about.get(NAME, ""))
        except JobsRefused as refused:
            return Failure(str(refused), about)
        return Reading(None, "", about, phase=Phase.INCONCLUSIVE)


async def _start(config: JobMetric, jobs: Jobs, now: datetime, asked: Asked) -> Outcome:
    """Create the Job, whose name derives from the measurement; one that is there already is ours if it says so."""
    name = name_of(asked, asked.number)
    found = await jobs.create(_namespace(jobs, asked), body(config, asked, name, jobs))
    if not _is_of(found, asked):
        return Failure(f'jobs.batch "{name}" already exists and belongs to somebody else')
    if asked.number > asked.kept:
        await jobs.delete(_namespace(jobs, asked), name_of(asked, asked.number - asked.kept))
    return Pending(now, {NAME: name, NAMESPACE: _namespace(jobs, asked)})


async def _look(jobs: Jobs, now: datetime, asked: Asked) -> Outcome:
    about = _about(asked)
    namespace, name = about.get(NAMESPACE, asked.namespace), about.get(NAME, "")
    found = await jobs.get(namespace, name)
    if found is None:
        return Failure(f'jobs.batch "{name}" not found', about)
    end = _end(found)
    if end is not None:
        return Reading(None, "", about, phase=end)
    if any(map(_is_unpullable, await jobs.pods(namespace, name))):
        return Reading(None, "", about, phase=Phase.INCONCLUSIVE)
    return Pending(now + _patience(asked, now), about)


def _patience(asked: Asked, now: datetime) -> timedelta:
    """Argo Rollouts behaviour: the square root of twice the age in seconds; at least a second, so as not to spin."""
    started = asked.previous.started_at if asked.previous else None
    age = max(0.0, (now - started).total_seconds()) if started else 0.0
    return max(SHORTEST, timedelta(seconds=sqrt(2 * age)))


def _end(job: Json) -> Phase | None:
    """What the Job's conditions say; None while it runs."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    true = [condition.get("type") for condition in conditions if condition.get("status") == "True"]
    return next((phase for kind, phase in ENDS.items() if kind in true), None)


def _is_unpullable(pod: Json) -> bool:
    status = pod.get("status") or {}
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    waiting = ((one.get("state") or {}).get("waiting") or {} for one in containers)
    return any(one.get("reason") in UNPULLABLE for one in waiting)


def _namespace(jobs: Jobs, asked: Asked) -> str:
    return jobs.namespace or asked.namespace


def _about(asked: Asked) -> Mapping[str, str]:
    return asked.previous.metadata if asked.previous else {}


def _is_of(job: Json, asked: Asked) -> bool:
    """Made for this run: by its label, which it has in another namespace too, where it can have no owner."""
    labels = (job.get("metadata") or {}).get("labels") or {}
    return bool(labels.get(keys.RUN_UID_LABEL) == asked.run_uid)


def name_of(asked: Asked, number: int) -> str:
    """`<uid of the run>.<metric>.<number>`, the metric's name cut so that the whole is a label value."""
    head, tail = f"{asked.run_uid}.", f".{number}"
    # a cut may leave an end that no part of a name may have
    return f"{head}{asked.metric.name[: LONGEST - len(head) - len(tail)].rstrip('-.')}{tail}"


def body(config: JobMetric, asked: Asked, name: str, jobs: Jobs) -> Json:
    """The Job as it is created; it goes with its run."""
    about = config.metadata or JobMetadata()
    label = {keys.RUN_UID_LABEL: asked.run_uid}
    backwards = {
        keys.RUN_NAME: asked.run,
        keys.RUN_NAMESPACE: asked.namespace,
        keys.METRIC_NAME: asked.metric.name,
    }
    owned = _namespace(jobs, asked) == asked.namespace
    metadata = {
        "name": name,
        "labels": {**about.labels, **label},
        "annotations": {**about.annotations, **backwards},
        "ownerReferences": [_owner(asked)] if owned else [],
    }
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.name,
        "metadata": metadata,
        "spec": {**config.spec, "template": _labelled(config.spec.get("template") or {}, label)},
    }


def _labelled(template: Json, label: Mapping[str, str]) -> Json:
    metadata = template.get("metadata") or {}
    return {**template, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), **label}}}


def _owner(asked: Asked) -> Json:
    return {
        "apiVersion": ANALYSIS_RUN.api_version,
        "kind": ANALYSIS_RUN.name,
        "name": asked.run,
        "uid": asked.run_uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


PROVIDER: Final[Provider[JobMetric]] = JobProvider()

"""What a specification refers to: Services, Deployments and the metrics of templates. Texts are Argo Rollouts'."""

from collections.abc import Collection, Iterator
from typing import Final

from analysis.templates import Flattened
from rollouts.api import keys
from rollouts.api.kinds import DEPLOYMENT, POD_TEMPLATE, REPLICA_SET, STATEFUL_SET
from rollouts.api.meta import Json
from rollouts.api.model import Problem, SpecError
from rollouts.api.rollout import Rollout, RolloutSpec, WorkloadRef
from rollouts.api.workloads import PodTemplate, Service, StatefulSet, Workload, labels_of
from rollouts.planner.validation.partition import stateful_set_problems
from rollouts.planner.validation.shown import bare, required

WORKLOAD: Final = "spec.workloadRef"
KINDS: Final = {kind.name: kind for kind in (DEPLOYMENT, REPLICA_SET, POD_TEMPLATE, STATEFUL_SET)}


def workload_problems(
    spec: RolloutSpec, rollout: Rollout, workload: Workload | StatefulSet | None
) -> Iterator[Problem]:
    """Why the template of *spec*'s workloadRef cannot be used; *workload* is what was found under its name."""
    ref = spec.workload_ref
    if ref is None:
        return
    if _has_metadata(spec.template):
        yield bare("template must be empty for workload reference rollout")
    wrong = tuple(_kind_problems(ref))
    if wrong:
        yield from wrong
    elif workload is None:
        kind = KINDS[ref.kind]
        where = f"{kind.plural}.{kind.group}".rstrip(".")
        yield bare(f'{where} "{rollout.metadata.namespace}/{ref.name}" not found')
    elif isinstance(workload, PodTemplate) and spec.selector is None:
        yield required("spec.selector", "a PodTemplate has none that the Rollout could take over")
    elif isinstance(workload, StatefulSet):
        yield from stateful_set_problems(workload, rollout)


def _has_metadata(template: Json | None) -> bool:
    metadata = (template or {}).get("metadata") or {}
    return bool(metadata.get("labels") or metadata.get("annotations"))


def _kind_problems(ref: WorkloadRef) -> Iterator[Problem]:
    if ref.kind not in KINDS:
        detail = f"must be one of {', '.join(KINDS)}"
        yield Problem(f"{WORKLOAD}.kind", ref.kind, detail, "Unsupported value")
    elif _group(ref.api_version) != KINDS[ref.kind].group:
        yield Problem(f"{WORKLOAD}.apiVersion", ref.api_version, f"must be {KINDS[ref.kind].api_version}")
    if ref.kind == STATEFUL_SET.name and ref.scale_down not in {"", "never"}:
        detail = "a StatefulSet keeps its pods: remove it"
        yield Problem(f"{WORKLOAD}.scaleDown", ref.scale_down, detail, "Unsupported value")
    elif ref.scale_down not in {"", "never", "onsuccess", "progressively"}:
        detail = 'supported values: "never", "onsuccess", "progressively"'
        yield Problem(f"{WORKLOAD}.scaleDown", ref.scale_down, detail, "Unsupported value")


def _group(api_version: str) -> str:
    return api_version.partition("/")[0] if "/" in api_version else ""


def service_problems(
    path: str, name: str, service: Service | None, rollout: Rollout, template: Json
) -> Iterator[Problem]:
    """Why the Service *name*, which stands at *path*, cannot be this Rollout's; *service* is None when not found."""
    if service is None:
        yield Problem(path, name, f'service "{name}" not found')
        return
    owner = service.metadata.annotations.get(keys.MANAGED_BY, "")
    if owner and owner != rollout.metadata.name:
        yield Problem(path, name, f'Service "{name}" is managed by another Rollout')
    labels = labels_of(template)
    for label, value in service.spec.selector.items():
        if label != keys.HASH_LABEL and labels.get(label) != value:
            yield Problem(path, name, f'Service "{name}" has unmatch label "{label}" in rollout')


def refuse_unserved_providers(content: Flattened, providers: Collection[str], path: str) -> None:
    """Raises SpecError for a metric that nobody here can measure: its run could only end in Error."""
    for source in content.sources:
        for metric in source.spec.metrics:
            for provider in metric.provider.chosen:
                if provider not in providers:
                    served = ", ".join(sorted(providers))
                    what = f"metric {metric.name} asks provider {provider}, which this version does not have"
                    raise SpecError(path, str(source), f"{what}; it has {served}")

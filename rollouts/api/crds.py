"""The five CustomResourceDefinitions, made from the models."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from rollouts.api import kinds
from rollouts.api.analysis import AnalysisRunSpec, AnalysisRunStatus, AnalysisTemplateSpec
from rollouts.api.experiment import ExperimentSpec, ExperimentStatus
from rollouts.api.meta import Kind
from rollouts.api.rollout import RolloutSpec
from rollouts.api.schema import Schema, structural
from rollouts.api.status import RolloutStatus


class Column(NamedTuple):
    """A column of `kubectl get`."""

    name: str
    path: str
    type: str
    description: str


class Definition(NamedTuple):
    """What there is to say about one kind besides its fields."""

    kind: Kind
    short_name: str
    description: str
    spec: type
    status: type | None = None
    columns: tuple[Column, ...] = ()
    subresources: Mapping[str, Any] = {}


AGE: Final = Column("Age", ".metadata.creationTimestamp", "date", "Time since it was created")
PHASE: Final = Column("Status", ".status.phase", "string", "Its phase")

DEFINITIONS: Final = (
    Definition(
        kinds.ROLLOUT,
        "ro",
        "Replaces pods of a workload step by step, or all at once beside the old ones.",
        RolloutSpec,
        RolloutStatus,
        (
            Column("Desired", ".spec.replicas", "integer", "Pods wanted"),
            Column("Current", ".status.replicas", "integer", "Pods there are"),
            Column("Up-to-date", ".status.updatedReplicas", "integer", "Pods of the newest revision"),
            Column("Available", ".status.availableReplicas", "integer", "Pods ready for minReadySeconds"),
            AGE,
        ),
        {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.HPAReplicas",
                "labelSelectorPath": ".status.selector",
            },
        },
    ),
    # Of all kinds only Rollout has subresources; status of the others is written with the object.
    Definition(
        kinds.ANALYSIS_RUN,
        "ar",
        "Measures metrics and judges them.",
        AnalysisRunSpec,
        AnalysisRunStatus,
        (PHASE, AGE),
    ),
    Definition(
        kinds.ANALYSIS_TEMPLATE,
        "at",
        "Metrics and arguments that AnalysisRuns are made from.",
        AnalysisTemplateSpec,
        columns=(AGE,),
    ),
    Definition(
        kinds.CLUSTER_ANALYSIS_TEMPLATE,
        "cat",
        "Metrics and arguments that AnalysisRuns of all namespaces are made from.",
        AnalysisTemplateSpec,
        columns=(AGE,),
    ),
    Definition(
        kinds.EXPERIMENT,
        "exp",
        "Runs pods of several revisions side by side for a while.",
        ExperimentSpec,
        ExperimentStatus,
        (PHASE, AGE),
    ),
)


def crd(definition: Definition) -> dict[str, Any]:
    """The CustomResourceDefinition of one kind."""
    kind = definition.kind
    names = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.name.lower(),
        "shortNames": [definition.short_name],
    }
    return {
        "apiVersion": kinds.CUSTOM_RESOURCE_DEFINITION.api_version,
        "kind": kinds.CUSTOM_RESOURCE_DEFINITION.name,
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "names": names,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [_version(definition)],
        },
    }


def _version(definition: Definition) -> dict[str, Any]:
    version = {
        "name": definition.kind.version,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_column(column) for column in definition.columns],
        "schema": {"openAPIV3Schema": _schema(definition)},
    }
    return {**version, "subresources": dict(definition.subresources)} if definition.subresources else version


def _column(column: Column) -> dict[str, str]:
    return {
        "name": column.name,
        "type": column.type,
        "jsonPath": column.path,
        "description": column.description,
    }


def _schema(definition: Definition) -> Schema:
    status = {"status": structural(definition.status)} if definition.status else {}
    return {
        "type": "object",
        "description": definition.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(definition.spec),
            **status,
        },
    }

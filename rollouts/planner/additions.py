"""What was added to a template after people wrote it, read from a ReplicaSet, put in and taken out again."""

from collections.abc import Mapping
from typing import Any

import msgspec

from rollouts.api import keys
from rollouts.api.meta import Json
from rollouts.api.rollout import PodTemplateMetadata
from rollouts.api.workloads import ReplicaSet
from rollouts.wire.gojson import encode

Keys = Mapping[str, Mapping[str, str]]


def noted(wanted: PodTemplateMetadata) -> str:
    """The annotation that remembers what was injected: `{"labels":…,"annotations":…}`, empty parts left out."""
    parts = (("labels", wanted.labels), ("annotations", wanted.annotations))
    return encode({name: dict(sorted(part.items())) for name, part in parts if part})


def injected(revision: ReplicaSet) -> Keys:
    """What was injected into the ReplicaSet's template, by its own note; nothing when that cannot be read."""
    try:
        read = msgspec.json.decode(revision.metadata.annotations.get(keys.EPHEMERAL_METADATA, "{}"), type=dict)
    except msgspec.DecodeError:
        return {}
    return {name: part for name, part in read.items() if isinstance(part, Mapping)}


def with_affinity(template: Json, term: Json | None) -> Json:
    """*template* with *term* as the only injected term; None: with none. What people wrote stays as they wrote it."""
    spec = dict(template.get("spec") or {})
    affinity = dict(spec.get("affinity") or {})
    written = affinity.get("podAntiAffinity") or {}
    rules = _without_injected(written)
    if term is None and rules == written:
        return template
    for name, member in (term or {}).items():
        rules[name] = [*rules.get(name, ()), member]
    kept = {name: value for name, value in (affinity | {"podAntiAffinity": rules}).items() if value}
    spec.pop("affinity", None)
    return {**template, "spec": {**spec, "affinity": kept} if kept else spec}


def _without_injected(rules: Json) -> dict[str, Any]:
    found = {name: [one for one in terms or () if not _is_injected(one)] for name, terms in rules.items()}
    return {name: terms for name, terms in found.items() if terms or not rules[name]}


def _is_injected(rule: Json) -> bool:
    """Only we ask for pods to stay away from one revision by its hash."""
    term = rule.get("podAffinityTerm") or rule
    expressions = (term.get("labelSelector") or {}).get("matchExpressions") or ()
    return any(one.get("key") == keys.HASH_LABEL for one in expressions)


def as_written(revision: ReplicaSet, template: Json) -> Json:
    """The ReplicaSet's *template* without what was injected into it."""
    found = injected(revision)
    template = with_affinity(template, None) if (template.get("spec") or {}).get("affinity") else template
    if not found:
        return template
    metadata = dict(template.get("metadata") or {})
    for part, members in found.items():
        kept = {key: value for key, value in (metadata.get(part) or {}).items() if members.get(key) != value}
        metadata[part] = kept
    return {**template, "metadata": {name: value for name, value in metadata.items() if value}}

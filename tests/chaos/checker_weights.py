"""What an object says of who gets which share of the requests, or of the pods, and where that turned. Pure."""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rollouts.api.keys import HASH_LABEL

Json = Mapping[str, Any]
WEIGHT = "nginx.ingress.kubernetes.io/canary-weight"
NUMBER = re.compile(r"\b\d+\b")


def weights(kind: str, body: Json) -> Iterator[str]:
    """The weights that an object stands for: a route's, a StatefulSet's partition, the revision of a Service."""
    spec = body.get("spec") or {}
    if kind == "Ingress" and WEIGHT in (body["metadata"].get("annotations") or {}):
        yield str(body["metadata"]["annotations"][WEIGHT])
    if kind == "HTTPRoute":
        yield " | ".join(_rule(rule) for rule in spec.get("rules", ()))
    if kind == "StatefulSet":
        partition = spec.get("updateStrategy", {}).get("rollingUpdate", {}).get("partition", 0)
        yield f"partition {partition} of {spec.get('replicas')}"
    if kind == "Service" and HASH_LABEL in (spec.get("selector") or {}):
        yield str(spec["selector"][HASH_LABEL])


def _rule(rule: Json) -> str:
    name = f"{rule['name']}: " if rule.get("name") else ""
    return name + " ".join(f"{ref['name']}={ref.get('weight', 1)}" for ref in rule.get("backendRefs", ()))


def turns(values: list[str]) -> list[str]:
    """Values without those that lie on the way: their numbers are between those before and those after."""
    kept = values[:1]
    for one, after in itertools.pairwise(values[1:]):
        if not _is_between(kept[-1], one, after):
            kept.append(one)
    return [*kept, *values[1:][-1:]]


def _is_between(before: str, one: str, after: str) -> bool:
    if len({NUMBER.sub("", value) for value in (before, one, after)}) > 1:
        return False
    first, middle, last = ([int(number) for number in NUMBER.findall(value)] for value in (before, one, after))
    return all(sorted(found)[1] == found[1] for found in zip(first, middle, last, strict=True))

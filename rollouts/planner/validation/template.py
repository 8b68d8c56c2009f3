"""The pod template, as far as a mistake in it would keep the API server from taking the ReplicaSet. Kubernetes' texts.

Not all of Kubernetes' validation: what slips through is refused when the ReplicaSet is created, and shown then.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rollouts.api.meta import Json
from rollouts.api.model import Problem
from rollouts.api.rollout import LabelSelector
from rollouts.planner.validation.labels import LONGEST, key_problems, label_problems, matches
from rollouts.planner.validation.shown import required, shown

PATH: Final = "spec.template"
_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_BAD_DNS_LABEL: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


def template_problems(template: Json, selector: LabelSelector) -> Iterator[Problem]:
    """What is wrong with *template*, in which objects and lists are some, for pods that *selector* selects."""
    metadata, spec = _object(template, "metadata"), _object(template, "spec")
    labels = metadata.get("labels")
    wrong_types = tuple(_type_problems(metadata, spec))
    if wrong_types:
        yield from wrong_types
        return
    if not matches(selector, labels or {}):
        yield Problem(f"{PATH}.metadata.labels", shown(labels), "`selector` does not match template `labels`")
    # Kubernetes leaves `metadata` out of these two paths.
    yield from label_problems(labels or {}, f"{PATH}.labels")
    yield from key_problems(metadata.get("annotations") or {}, f"{PATH}.annotations")
    if not spec.get("containers"):
        yield required(f"{PATH}.spec.containers", "a pod needs at least one container")
    yield from _container_problems(spec)
    yield from _lifetime_problems(spec)


def _object(value: Json, key: str) -> Mapping[str, Any]:
    return value.get(key) or {}


def _type_problems(metadata: Json, spec: Json) -> Iterator[Problem]:
    """Numbers and booleans where text must stand: YAML makes them of `version: 1.0` and `"on": yes`."""
    for kind in ("labels", "annotations"):
        for key, value in (metadata.get(kind) or {}).items():
            yield from _text_problems(value, f"{PATH}.metadata.{kind}.{key}")
    for kind in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(kind) or ()):
            yield from _container_type_problems(container, f"{PATH}.spec.{kind}[{index}]")
    yield from _text_problems(spec.get("restartPolicy") or "", f"{PATH}.spec.restartPolicy")


def _container_type_problems(container: Json | None, path: str) -> Iterator[Problem]:
    if container is None:
        yield required(path, "a container stands there as null: write it or remove it")
        return
    for key in ("name", "image"):
        yield from _text_problems(container.get(key) or "", f"{path}.{key}")


def _text_problems(value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield Problem(path, shown(value), "must be a string: write it in quotes")


def _container_problems(spec: Json) -> Iterator[Problem]:
    seen: set[str] = set()
    for kind in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(kind) or ()):
            path = f"{PATH}.spec.{kind}[{index}]"
            name = container.get("name") or ""
            yield from _name_problems(name, f"{path}.name", seen)
            seen.add(name)
            if not container.get("image"):
                yield required(f"{path}.image", "a container needs an image")


def _name_problems(name: str, path: str, seen: set[str]) -> Iterator[Problem]:
    if not name:
        yield required(path, "a container needs a name")
    elif len(name) > LONGEST:
        yield Problem(path, name, f"must be no more than {LONGEST} bytes")
    elif not _DNS_LABEL.fullmatch(name):
        yield Problem(path, name, _BAD_DNS_LABEL)
    elif name in seen:
        yield Problem(path, name, "each container needs a name of its own", "Duplicate value")


def _lifetime_problems(spec: Json) -> Iterator[Problem]:
    policy = spec.get("restartPolicy") or "Always"
    if policy != "Always":
        yield Problem(f"{PATH}.spec.restartPolicy", policy, 'supported values: "Always"', "Unsupported value")
    if spec.get("activeDeadlineSeconds") is not None:
        detail = "activeDeadlineSeconds in ReplicaSet is not Supported"
        yield Problem(f"{PATH}.spec.activeDeadlineSeconds", None, detail, "Forbidden")

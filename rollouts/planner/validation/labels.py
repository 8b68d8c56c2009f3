"""Label selectors and labels: what they match, and what is no selector or label at all. Texts are Kubernetes' own."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from rollouts.api.model import Problem
from rollouts.api.rollout import LabelRequirement, LabelSelector
from rollouts.planner.validation.shown import required

LONGEST: Final = 63
LONGEST_PREFIX: Final = 253
_NAME: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", re.ASCII)
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_BAD_VALUE: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_BAD_NAME: Final = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_BAD_PREFIX: Final = "prefix part must be a DNS name in lower case such as example.com, not empty, at most 253 long"
_TOO_LONG: Final = f"must be no more than {LONGEST} bytes"


def matches(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether an object with *labels* is selected."""
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        _holds(requirement, labels) for requirement in selector.match_expressions
    )


def selector_problems(selector: LabelSelector, path: str) -> Iterator[Problem]:
    """What keeps *selector* from being one."""
    for key, value in selector.match_labels.items():
        yield from _key_problems(key, f"{path}.matchLabels")
        yield from _value_problems(value, f"{path}.matchLabels")
    for index, requirement in enumerate(selector.match_expressions):
        yield from _requirement_problems(requirement, f"{path}.matchExpressions[{index}]")


def label_problems(labels: Mapping[str, str], path: str) -> Iterator[Problem]:
    """What in *labels* Kubernetes does not take."""
    for key, value in labels.items():
        yield from _key_problems(key, path)
        yield from _value_problems(value, path)


def key_problems(names: Mapping[str, str], path: str) -> Iterator[Problem]:
    """The same for annotations, whose keys are as labels' and whose values are free."""
    for key in names:
        yield from _key_problems(key, path)


def _holds(requirement: LabelRequirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value in requirement.values
        case "NotIn":
            return value not in requirement.values
        case "Exists":
            return value is not None
        case _:
            return value is None


def _requirement_problems(requirement: LabelRequirement, path: str) -> Iterator[Problem]:
    operator, values = requirement.operator, requirement.values
    if operator in {"In", "NotIn"} and not values:
        yield required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in {"Exists", "DoesNotExist"} and values:
        detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        yield Problem(f"{path}.values", None, detail, "Forbidden")
    elif operator not in {"In", "NotIn", "Exists", "DoesNotExist"}:
        yield Problem(
            f"{path}.operator", operator, "not a valid selector operator: use In, NotIn, Exists or DoesNotExist"
        )
    yield from _key_problems(requirement.key, f"{path}.key")


def _key_problems(key: str, path: str) -> Iterator[Problem]:
    prefix, slash, name = key.rpartition("/")
    if slash and not (_SUBDOMAIN.fullmatch(prefix) and len(prefix) <= LONGEST_PREFIX):
        yield Problem(path, key, _BAD_PREFIX)
    if len(name.encode()) > LONGEST:
        yield Problem(path, key, f"name part {_TOO_LONG}")
    if not _NAME.fullmatch(name):
        yield Problem(path, key, _BAD_NAME)


def _value_problems(value: str, path: str) -> Iterator[Problem]:
    if len(value.encode()) > LONGEST:
        yield Problem(path, value, _TOO_LONG)
    if value and not _NAME.fullmatch(value):
        yield Problem(path, value, _BAD_VALUE)

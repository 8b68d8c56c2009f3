"""How values and problems look in the condition's text where `Problem` alone would write them otherwise."""

from dataclasses import dataclass
from typing import Any

from rollouts.api.model import Problem
from rollouts.wire import gojson


@dataclass(frozen=True, slots=True)
class Shown:
    """A value that is shown as *text*, without quotes."""

    text: str

    def __str__(self) -> str:
        return self.text


class Bare(Problem):
    """A problem with the specification as a whole: no path, no cause, just what is wrong."""

    __slots__ = ()

    def __str__(self) -> str:
        return self.detail


def shown(value: Any) -> Shown:
    """*value* as JSON, keys sorted, as clients see objects and booleans."""
    return Shown(gojson.encode(value, sort_keys=True))


def bare(detail: str) -> Bare:
    """A problem that is nothing but its sentence."""
    return Bare("", None, detail)


def required(path: str, detail: str) -> Problem:
    """Something that must be there is not."""
    return Problem(path, None, detail, "Required value")

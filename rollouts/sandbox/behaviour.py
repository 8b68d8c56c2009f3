"""How the application of a pod behaves: words in its image tag or in an annotation. Pure."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

Pod = dict[str, Any]

BEHAVIOUR: Final = "sandbox.rollouts/behaviour"
READY_AFTER: Final = "sandbox.rollouts/ready-after"
DRAIN: Final = "sandbox.rollouts/drain"

_WORD: Final = re.compile(
    r"\berrors(?P<errors>\d+(?:\.\d+)?)|\bslow(?P<slow>\d+(?:ms|s))|\bcrash-after-(?P<crash>\d+)|"
    r"\bhang-after-(?P<hang>\d+)|\b(?P<state>crash|missing|hang)\b"
)
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
_STATES: Final[dict[str, dict[str, Any]]] = {
    "crash": {"crashes": True},
    "missing": {"missing": True},
    "hang": {"hang_after": 0},
}
_BAD_COMMAND: Final = "/bad-command"


@dataclass(frozen=True)
class Behaviour:
    """What goes wrong, and when. *errors* is a percentage, *delay* is in seconds, the *_after counts are requests."""

    errors: Fraction = Fraction(0)
    delay: float = 0.0
    crash_after: int | None = None
    hang_after: int | None = None
    crashes: bool = False
    missing: bool = False

    def fails(self, request: int) -> bool:
        """Whether request number *request* (from 1) gets a 500: evenly spread, so 5 % is every twentieth."""
        return self.errors * request // 100 > self.errors * (request - 1) // 100


def behaviour_of(pod: Pod) -> Behaviour:
    """From the tags of its images, its annotation and its commands; later words win."""
    containers = pod["spec"]["containers"]
    texts = [version_of(container["image"]) for container in containers]
    texts.append(annotation(pod, BEHAVIOUR))
    found = behaviour_in(" ".join(texts))
    if any(_BAD_COMMAND in container.get("command", ()) for container in containers):
        return Behaviour(crashes=True)
    return found


def behaviour_in(text: str) -> Behaviour:
    """The behaviour that the words of *text* ask for; words it does not know mean nothing."""
    asked: dict[str, Any] = {}
    for word in _WORD.finditer(text):
        asked |= _meaning(word)
    return Behaviour(**asked)


def _meaning(word: re.Match[str]) -> dict[str, Any]:
    if word["errors"]:
        return {"errors": Fraction(word["errors"])}
    if word["slow"]:
        return {"delay": seconds_in(word["slow"], 0.0)}
    if word["crash"]:
        return {"crash_after": int(word["crash"])}
    if word["hang"]:
        return {"hang_after": int(word["hang"])}
    return _STATES[word["state"]]


def version_of(image: str) -> str:
    """The tag of an image, "latest" when it has none."""
    last = image.partition("@")[0].rpartition("/")[2]
    return last.partition(":")[2] or "latest"


def seconds_in(text: str, otherwise: float) -> float:
    """Seconds of "5s", "200ms", "1m" or a plain number; *otherwise* when *text* is none of them."""
    found = _DURATION.fullmatch(text.strip())
    return float(found[1]) * _UNITS[found[2]] if found else otherwise


def annotation(pod: Pod, name: str) -> str:
    """An annotation's value, "" when it is not there."""
    return str((pod["metadata"].get("annotations") or {}).get(name, ""))

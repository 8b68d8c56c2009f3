"""What a load generator saw: one entry per kind of answer and phase. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """Who answered a request, and how; *status* is 0 and the rest empty when nobody did.

    *pod* is "" when the answer is the proxy's own rather than the application's.
    """

    status: int
    pod: str = ""
    version: str = ""
    hash: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the application answered without an error."""
        return bool(self.pod) and self.status < 400


class Failure(NamedTuple):
    """One request that did not get a good answer; *at* is seconds since the epoch, when it was sent."""

    at: float
    phase: str
    reason: str
    answer: Answer


@dataclass(frozen=True)
class Phase:
    """What happened to the requests sent from *began* until the next phase."""

    name: str
    began: float
    answers: Counter[Answer]
    failures: tuple[Failure, ...]

    @property
    def requests(self) -> int:
        """How many were answered or failed."""
        return self.answers.total()

    @property
    def failed(self) -> int:
        """How many did not get a good answer."""
        return sum(count for answer, count in self.answers.items() if not answer.is_good)

    @property
    def lost(self) -> int:
        """How many did not reach any pod."""
        return sum(count for answer, count in self.answers.items() if not answer.pod)

    def by(self, what: Callable[[Answer], str]) -> Counter[str]:
        """Requests by version, hash or pod: `phase.by(lambda answer: answer.version)`."""
        counts: Counter[str] = Counter()
        for answer, count in self.answers.items():
            counts[what(answer)] += count
        return counts

    def share_of(self, version: str) -> float:
        """Share of the answers, 0 to 1, that came from pods of a version."""
        return self.by(lambda answer: answer.version)[version] / max(self.requests, 1)


@dataclass(frozen=True)
class Report:
    """All phases of one load, in order."""

    phases: tuple[Phase, ...]

    @property
    def requests(self) -> int:
        """How many were answered or failed, in all phases."""
        return sum(phase.requests for phase in self.phases)

    @property
    def failures(self) -> list[Failure]:
        """The failures noted, in all phases; at most as many per phase as the load keeps."""
        return [failure for phase in self.phases for failure in phase.failures]

    def phase(self, name: str) -> Phase:
        """The last phase of that name; raises KeyError when there was none."""
        found = [phase for phase in self.phases if phase.name == name]
        if not found:
            raise KeyError(name)
        return found[-1]

    @property
    def total(self) -> Phase:
        """All phases as one."""
        answers: Counter[Answer] = Counter()
        for phase in self.phases:
            answers += phase.answers
        began = min((phase.began for phase in self.phases), default=0.0)
        return Phase("total", began, answers, tuple(self.failures))

    def as_json(self) -> list[dict[str, Any]]:
        """One object per phase, for --output json."""
        return [_described(phase) for phase in self.phases]


def answer_in(status: int, body: Any) -> Answer:
    """From an HTTP answer; *body* is what its JSON says, None when it is no JSON."""
    if not isinstance(body, dict) or not body.get("pod"):
        return Answer(status)
    return Answer(status, str(body["pod"]), str(body.get("version", "")), str(body.get("hash", "")))


def _described(phase: Phase) -> dict[str, Any]:
    return {
        "phase": phase.name,
        "requests": phase.requests,
        "failed": phase.failed,
        "lost": phase.lost,
        "versions": dict(phase.by(lambda answer: answer.version)),
        "pods": dict(phase.by(lambda answer: answer.pod)),
        "failures": _reasons(phase.failures),
    }


def _reasons(failures: Iterable[Failure]) -> dict[str, int]:
    return dict(Counter(failure.reason for failure in failures))

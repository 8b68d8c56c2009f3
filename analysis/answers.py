"""What a provider can say: a value, not yet, or why not. Judging a value is not its business."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from rollouts.api.analysis import Phase

HIDDEN: Final = "*****"


@dataclass(frozen=True, slots=True)
class Reading:
    """A value, and the text that is stored of it.

    *metadata* belongs to the measurement, *about* to the metric. A provider that judges by itself, as a Job does,
    gives its *phase*; conditions are not asked then.
    """

    value: Any
    shown: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    phase: Phase | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """Not finished: ask again at *resume_at*, with *metadata* as it is now."""

    resume_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """No value: becomes an Error measurement with this message."""

    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)


Outcome = Reading | Pending | Failure


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one query. *secrets*: values that stood in for arguments; they are in no message and no log."""

    name: str
    outcome: Outcome
    started_at: datetime
    finished_at: datetime
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """*text* with each secret replaced, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN) if secret else text
    return text


def redacted(answer: Answer) -> Answer:
    """*answer* without secrets in what would be stored."""
    secrets = answer.secrets.values()
    if not any(secrets):
        return answer
    outcome = answer.outcome
    changes: dict[str, Any] = {
        "metadata": {key: without_secrets(value, secrets) for key, value in outcome.metadata.items()},
        "about": {key: without_secrets(value, secrets) for key, value in outcome.about.items()},
    }
    if isinstance(outcome, Failure):
        changes["message"] = without_secrets(outcome.message, secrets)
    if isinstance(outcome, Reading):
        changes["shown"] = without_secrets(outcome.shown, secrets)
    return replace(answer, outcome=replace(outcome, **changes))

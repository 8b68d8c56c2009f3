"""What a metric provider is: one module with an object `PROVIDER`, which asks one question and returns what it heard.

It never judges (unless the answer *is* a judgement, as a Job's), never waits for the next time, and keeps no state.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable

import aiohttp
from pydantic import ValidationError

from analysis.answers import Failure, Outcome, Pending, Reading
from rollouts.api.analysis import Measurement, Metric
from rollouts.api.meta import Json, Kind
from rollouts.api.model import Model

__all__ = [
    "Asked", "Cancels", "Failure", "Jobs", "JobsRefused", "Outcome", "Pending", "Provider", "Reading", "Tools",
    "chosen", "config_of",
]  # fmt: skip

Config = TypeVar("Config", bound=Model)
SecretReader = Callable[[str, str, str], Awaitable[str]]


class JobsRefused(Exception):  # noqa: N818 (a refusal is no defect)
    """The API server did not do what was asked of it about a Job; the message says what and why."""


class Jobs(Protocol):
    """Jobs of the cluster; each call raises JobsRefused."""

    @property
    def namespace(self) -> str:
        """Where every Job runs; "": where its run is."""
        ...

    async def create(self, namespace: str, body: Json) -> Json:
        """Create a Job; where its name is taken, the one that is there."""
        ...

    async def get(self, namespace: str, name: str) -> Json | None:
        """A Job; None where there is none."""
        ...

    async def delete(self, namespace: str, name: str) -> None:
        """Delete a Job after its pods; nothing where there is none."""
        ...

    async def pods(self, namespace: str, name: str) -> tuple[Json, ...]:
        """The pods of a Job."""
        ...


@dataclass(frozen=True)
class Tools:
    """What a provider may use. *secret* reads one value by namespace, name and key; it raises LookupError."""

    session: aiohttp.ClientSession
    secret: SecretReader
    now: Callable[[], datetime]
    prometheus_address: str = ""
    jobs: Jobs | None = None


@dataclass(frozen=True)
class Asked:
    """For which run and metric a question is asked; *previous* is the measurement under way.

    *number* counts the metric's measurements from 1, of which the newest *kept* stay in the status.
    """

    namespace: str
    run: str
    run_uid: str
    metric: Metric
    previous: Measurement | None = None
    number: int = 1
    kept: int = 10


class Provider(Protocol[Config]):
    """One kind of question."""

    @property
    def key(self) -> str:
        """Its name in a metric's `provider`."""
        ...

    @property
    def kinds(self) -> Mapping[Kind, tuple[str, ...]]:
        """The API objects it reads or writes, with the verbs used: source of the ClusterRole."""
        ...

    @property
    def config(self) -> type[Config]:
        """What a metric may say about it."""
        ...

    async def measure(self, config: Config, tools: Tools, asked: Asked) -> Outcome:
        """Ask once. Raises nothing but what is a defect."""
        ...


@runtime_checkable
class Cancels(Protocol):
    """A provider that can stop a measurement under way."""

    async def cancel(self, config: Any, tools: Tools, asked: Asked) -> Outcome:
        """Stop it; the outcome has a phase."""
        ...


def chosen(metric: Metric, providers: Mapping[str, Provider[Any]]) -> Provider[Any] | Failure:
    """The provider that *metric* names."""
    names = metric.provider.chosen
    if len(names) != 1:
        return Failure("no provider specified" if not names else "multiple providers specified")
    if names[0] not in providers:
        return Failure(f'no provider "{names[0]}" is installed; there are: {", ".join(sorted(providers))}')
    return providers[names[0]]


def config_of(provider: Provider[Config], metric: Metric) -> Config | Failure:
    """What *metric* asks of *provider*: the contract's fields, or a plugin's own."""
    raw = metric.provider.model_dump(by_alias=True, exclude_unset=True)
    raw = raw.get("plugin", {}) | {name: member for name, member in raw.items() if name != "plugin"}
    try:
        return provider.config.model_validate(raw[provider.key])
    except ValidationError as error:
        # The input is left out: it may hold secrets.
        first = error.errors(include_input=False)[0]
        return Failure(f"provider.{provider.key}.{'.'.join(map(str, first['loc']))}: {first['msg']}")

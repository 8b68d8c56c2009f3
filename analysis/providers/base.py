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
from rollouts.api.meta import Kind
from rollouts.api.model import Model

__all__ = ["Asked", "Cancels", "Failure", "Outcome", "Pending", "Provider", "Reading", "Tools", "chosen", "config_of"]

Config = TypeVar("Config", bound=Model)
SecretReader = Callable[[str, str, str], Awaitable[str]]


@dataclass(frozen=True)
class Tools:
    """What a provider may use. *secret* reads one value by namespace, name and key; it raises LookupError."""

    session: aiohttp.ClientSession
    secret: SecretReader
    now: Callable[[], datetime]
    prometheus_address: str = ""


@dataclass(frozen=True)
class Asked:
    """For which run and metric a question is asked; *previous* is the measurement under way."""

    namespace: str
    run: str
    run_uid: str
    metric: Metric
    previous: Measurement | None = None


class Provider(Protocol[Config]):
    """One kind of question."""

    @property
    def key(self) -> str:
        """Its name in a metric's `provider`."""
        ...

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The API objects it reads or writes."""
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

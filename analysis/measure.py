"""Asking: from a query of the agenda to its answer. The only I/O between `agenda` and `conclude`."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from analysis.agenda import Query
from analysis.answers import Answer, Failure, Outcome, Reading
from analysis.arguments import ArgumentError, fill_in
from analysis.providers.base import Asked, Cancels, Provider, Tools, chosen, config_of
from rollouts.api.analysis import AnalysisRun, Argument, Phase

# No provider may take longer, whatever its own timeout says.
HARD_TIMEOUT: Final = 300.0

Providers = Mapping[str, Provider[Any]]


async def answer(query: Query, run: AnalysisRun, providers: Providers, tools: Tools) -> Answer:
    """Ask *query* on behalf of *run*. Everything that goes wrong is a Failure in the answer."""
    started = tools.now()
    secrets: dict[str, str] = {}
    try:
        async with asyncio.timeout(HARD_TIMEOUT):
            secrets.update(await _secrets(query.secrets, run.metadata.namespace, tools))
            outcome = await _outcome(query, run, providers, tools, secrets)
    except TimeoutError:
        outcome = Failure(f"no answer within {HARD_TIMEOUT:.0f}s")
    except (LookupError, ArgumentError) as error:
        outcome = Failure(str(error.args[0]) if error.args else "a Secret could not be read")
    return Answer(query.metric.name, outcome, started, tools.now(), secrets)


async def _secrets(args: tuple[Argument, ...], namespace: str, tools: Tools) -> dict[str, str]:
    found: dict[str, str] = {}
    for arg in args:
        if arg.value_from and (ref := arg.value_from.secret_key_ref):
            found[arg.name] = await tools.secret(namespace, ref.name, ref.key)
    return found


async def _outcome(
    query: Query, run: AnalysisRun, providers: Providers, tools: Tools, secrets: Mapping[str, str]
) -> Outcome:
    metric = fill_in(query.metric, secrets)
    provider = chosen(metric, providers)
    if isinstance(provider, Failure):
        return provider
    config = config_of(provider, metric)
    if isinstance(config, Failure):
        return config
    about = run.metadata
    asked = Asked(about.namespace, about.name, about.uid, metric, query.previous, query.number, query.kept)
    if not query.cancel:
        return await provider.measure(config, tools, asked)
    if isinstance(provider, Cancels):
        return await provider.cancel(config, tools, asked)
    return Reading(None, "", phase=Phase.SUCCESSFUL)

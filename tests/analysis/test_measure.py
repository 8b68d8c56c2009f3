from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest

from analysis.agenda import Query
from analysis.answers import Failure, Reading
from analysis.measure import answer
from analysis.providers.base import Tools
from rollouts.api.analysis import AnalysisRun, Argument, Measurement, Metric, Phase
from rollouts.api.meta import Metadata
from rollouts.api.model import Model

NOW = datetime(2026, 11, 21, tzinfo=UTC)
RUN = AnalysisRun(Metadata(name="run", namespace="ns", uid="u"))
TOKEN = Argument.model_validate({"name": "token", "valueFrom": {"secretKeyRef": {"name": "login", "key": "token"}}})
METRIC = Metric.model_validate({"name": "m", "provider": {"plugin": {"echo": {"text": "{{args.token}}"}}}})


class Config(Model):
    text: str = ""


class Echo:
    key, kinds, config = "echo", {}, Config

    async def measure(self, config, tools, asked):
        return Reading(config.text, f"{asked.namespace}/{asked.run} {config.text}")


class Stoppable(Echo):
    async def cancel(self, config, tools, asked):
        return Reading(None, asked.previous.metadata["job"], phase=Phase.INCONCLUSIVE)


@pytest.fixture
async def tools():
    async def secret(namespace, name, key):
        if name != "login":
            raise LookupError(f"Secret {namespace}/{name} not found")
        return "s3cret"

    async with aiohttp.ClientSession() as session:
        yield Tools(session, secret, lambda: NOW)


async def test_secrets_are_read_and_put_in(tools):
    given = await answer(Query(METRIC, (TOKEN,)), RUN, {"echo": Echo()}, tools)
    assert (given.outcome, given.secrets) == (Reading("s3cret", "ns/run s3cret"), {"token": "s3cret"})
    assert "secrets" not in repr(given)


async def test_a_secret_that_is_not_there_is_a_failure(tools):
    missing = TOKEN.model_copy(
        update={"value_from": TOKEN.value_from.model_copy(update={"secret_key_ref": replace_name()})}
    )
    given = await answer(Query(METRIC, (missing,)), RUN, {"echo": Echo()}, tools)
    assert given.outcome == Failure("Secret ns/nope not found")


def replace_name():
    return TOKEN.value_from.secret_key_ref.model_copy(update={"name": "nope"})


@pytest.mark.parametrize(
    ("provider", "outcome"),
    [(Echo(), Reading(None, "", phase=Phase.SUCCESSFUL)), (Stoppable(), Reading(None, "j", phase=Phase.INCONCLUSIVE))],
)
async def test_what_is_under_way_is_cancelled_by_those_who_can(tools, provider, outcome):
    query = Query(METRIC, (TOKEN,), Measurement(phase="Running", metadata={"job": "j"}), cancel=True)
    assert (await answer(query, RUN, {"echo": provider}, tools)).outcome == outcome


async def test_a_provider_that_never_ends_is_stopped(tools, monkeypatch):
    class Endless(Echo):
        async def measure(self, config, tools, asked):
            import asyncio

            await asyncio.Event().wait()

    monkeypatch.setattr("analysis.measure.HARD_TIMEOUT", 0.01)
    given = await answer(replace(Query(METRIC, (TOKEN,))), RUN, {"echo": Endless()}, tools)
    assert "no answer within" in given.outcome.message


async def test_only_arguments_from_secrets_are_read(tools):
    plain = Argument(name="plain", value="nope")
    given = await answer(Query(METRIC, (plain, TOKEN)), RUN, {"echo": Echo()}, tools)
    assert given.secrets == {"token": "s3cret"}


@pytest.mark.parametrize(
    ("providers", "text"),
    [({}, 'no provider "echo" is installed'), ({"echo": Stoppable()}, "provider.echo.text: ")],
    ids=["none", "another"],
)
async def test_a_metric_that_no_provider_can_measure_is_a_failure(tools, providers, text):
    listed = Metric.model_validate({"name": "m", "provider": {"plugin": {"echo": {"text": ["{{args.token}}"]}}}})
    given = await answer(Query(listed, (TOKEN,)), RUN, providers, tools)
    assert given.outcome.message.startswith(text)
    assert "s3cret" not in given.outcome.message

"""Our Prometheus provider beside an independent client, both on a real Prometheus with known samples."""

import asyncio
import contextlib
import math
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import aiohttp
import pytest
from prometheus_api_client import PrometheusConnect
from urllib3 import Retry

from analysis.providers import prometheus
from analysis.providers.base import Asked, Tools
from rollouts.api.analysis import Metric
from rollouts.api.providers import Prometheus

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("prometheus")]

ASKED = Asked("ns", "run", "uid", Metric.model_validate({"name": "m", "provider": {}}))


def program(name):
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not on PATH: install the package prometheus (apt-get install prometheus)")
    return found


def samples(end):
    """Ten minutes of a counter that grows by 5 per second, 2 % of it errors, and some gauges, every 15 s up to *end*."""
    lines = ["# TYPE requests counter"]
    for code, share in (("200", 4.9), ("500", 0.1)):
        for ago in range(600, -1, -15):
            lines.append(f'requests_total{{code="{code}"}} {(600 - ago) * share} {end - ago}')
    lines.append("# TYPE odd gauge")
    for name, value in (("nan", "NaN"), ("inf", "+Inf"), ("tiny", "1e-7"), ("third", "0.3333333333333333")):
        lines.append(f'odd{{kind="{name}"}} {value} {end}')
    return "\n".join([*lines, "# EOF", ""])


def ready(url, process, log):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"prometheus ended: {log.read_text()[-2000:]}")
        with contextlib.suppress(OSError), urlopen(f"{url}/-/ready", timeout=5) as answer:
            if answer.status == 200:
                return
    pytest.fail("prometheus was not ready within 30 s")


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[tuple[str, float]]:
    home: Path = tmp_path_factory.mktemp("prometheus")
    end = int(datetime.now(UTC).timestamp()) - 20  # noqa: TID251
    (home / "samples.txt").write_text(samples(end))
    (home / "config.yml").write_text("global: {}\n")
    made = [
        program("promtool"),
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        str(home / "samples.txt"),
        str(home / "db"),
    ]
    subprocess.run(made, check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = home / "log"
    flags = {
        "config.file": home / "config.yml",
        "storage.tsdb.path": home / "db",
        "storage.tsdb.retention.time": "30d",
        "web.listen-address": f"127.0.0.1:{port}",
    }
    with log.open("w") as out:
        process = subprocess.Popen(
            [program("prometheus"), *(f"--{name}={value}" for name, value in flags.items())],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        ready(f"http://127.0.0.1:{port}", process, log)
        yield f"http://127.0.0.1:{port}", float(end)
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
async def ask(server):
    url, end = server

    async def secret(*_):
        raise LookupError

    async with aiohttp.ClientSession() as session:
        tools = Tools(session, secret, lambda: datetime.fromtimestamp(end, UTC))

        async def asked(query, **config):
            question = Prometheus.model_validate({"address": url, "query": query, **config})
            return await prometheus.PROVIDER.measure(question, tools, ASKED)

        yield asked


@pytest.fixture
async def oracle(server):
    """The same question put by prometheus-api-client, which knows nothing of ours."""
    url, end = server
    client = PrometheusConnect(url=url, retry=Retry(0), timeout=10)
    with ThreadPoolExecutor(1) as pool:

        async def asked(query):
            run = asyncio.get_running_loop().run_in_executor
            return await run(pool, lambda: client.custom_query(query, params={"time": end}))

        yield asked
    client._session.close()


RATE = 'sum(rate(requests_total{code!~"5.."}[1m])) / sum(rate(requests_total[1m]))'


@pytest.mark.parametrize(
    "query",
    [
        RATE,
        "requests_total",
        'odd{kind="nan"}',
        'odd{kind="inf"}',
        'odd{kind="tiny"}',
        'odd{kind="third"}',
        "vector(0) / 0",
        "absent_metric",
        "sort_desc(rate(requests_total[1m]))",
    ],
)
async def test_a_vector_has_the_values_an_independent_client_sees(ask, oracle, query):
    seen = [float(series["value"][1]) for series in await oracle(query)]
    reading = await ask(query)
    assert [str(value) for value in reading.value] == [str(value) for value in seen]


@pytest.mark.parametrize("query", ["scalar(vector(3))", "1 / 3", "scalar(absent_metric)"])
async def test_a_scalar_is_a_number(ask, oracle, query):
    seen = float((await oracle(query))[1])
    value = (await ask(query)).value
    assert value == seen or (math.isnan(value) and math.isnan(seen))


async def test_the_success_rate_is_what_was_put_in(ask):
    reading = await ask(RATE)
    assert reading.value == pytest.approx([0.98])


async def test_a_range_is_one_flat_list(ask):
    span = {"start": "now() - duration('2m')", "end": "now()", "step": "60s"}
    reading = await ask('requests_total{code="200"}', rangeQuery=span)
    assert reading.value == pytest.approx([2352.0, 2646.0, 2940.0])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("sum(", 'bad_data: invalid parameter "query": 1:5: parse error: unclosed left parenthesis'),
        ('"text"', 'unmarshalerDecoder: unexpected value type "string"'),
    ],
)
async def test_what_is_no_answer_is_a_failure(ask, query, message):
    assert (await ask(query)).message.startswith(message)


async def test_a_query_longer_than_any_url_is_answered(ask):
    query = "vector(1)" + " or vector(1)" * 4000
    assert (await ask(query)).shown == "[1]"

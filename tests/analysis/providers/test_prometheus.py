import json
import math
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from analysis.answers import Failure, Reading
from analysis.measure import answer
from analysis.providers import prometheus
from analysis.providers import web as web_provider
from analysis.providers.base import Asked
from rollouts.api.analysis import AnalysisRun, Metric
from rollouts.api.meta import Metadata
from rollouts.api.providers import Prometheus
from rollouts.planner.analysisrun import RunSnapshot, agenda, conclude
from tests.analysis.conftest import NOW

PROVIDERS = {"prometheus": prometheus.PROVIDER, "web": web_provider.PROVIDER}
ROWS = [
    row for row in json.loads((Path(__file__).parents[1] / "expr" / "conditions.json").read_text()) if "query" in row
]
AT = 1795222377.957


def vector(*values):
    return {"resultType": "vector", "result": [{"metric": {}, "value": [AT, value]} for value in values]}


def matrix(*values):
    series = [{"metric": {}, "values": [[AT, value] for value in values]}] if values else []
    return {"resultType": "matrix", "result": series}


# What a Prometheus without data says to the recorded queries.
INSTANT = {
    "1": {"resultType": "scalar", "result": [AT, "1"]},
    "vector(1)": vector("1"),
    "vector(0)/0": vector("NaN"),
    "vector(1)/0": vector("+Inf"),
    "nope_metric": vector(),
    'label_replace(vector(1),"a","b","","") or vector(2)': vector("1", "2"),
    "scalar(nope_metric)": {"resultType": "scalar", "result": [AT, "NaN"]},
    '"abc"': {"resultType": "string", "result": [AT, "abc"]},
    "vector(1)[1m:10s]": matrix(*["1"] * 6),
    "vector(0.1)+0.2": vector("0.30000000000000004"),
}
RANGE = {"vector(1)": matrix("1", "1", "1"), "nope_metric": matrix()}


def ok(data, **more):
    return web.json_response(
        {"status": "success", "data": data, **more}, dumps=lambda value: json.dumps(value, separators=(",", ":"))
    )


async def instant(request, form):
    if form["query"] == "sum(":
        body = {
            "status": "error",
            "errorType": "bad_data",
            "error": 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis',
        }
        return web.json_response(body, status=400)
    return ok(INSTANT[form["query"]])


async def over_time(request, form):
    return ok(RANGE[form["query"]])


@pytest.fixture
def server(endpoint):
    endpoint.answers = {"/api/v1/query": instant, "/api/v1/query_range": over_time}
    return endpoint


ADDRESSES = {"no-address": None, "bad-address": "not a url", "refused": "http://127.0.0.1:1"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['run']}: {row['condition']}")
async def test_a_condition_on_a_query_is_judged_as_recorded(row, server, tools):
    address = ADDRESSES.get(row["run"], server.url)
    question = {"query": row["query"], "address": address, "rangeQuery": row.get("rangeQuery")}
    metric = {
        "name": "m",
        "provider": {"prometheus": {key: value for key, value in question.items() if value is not None}},
        **({"successCondition": row["condition"]} if row["condition"] is not None else {}),
    }
    run = AnalysisRun(Metadata(name="run", namespace="ns"), {"metrics": [metric]})
    answers = [await answer(query, run, PROVIDERS, tools) for query in agenda(RunSnapshot(run), NOW).queries]
    measured = conclude(RunSnapshot(run), answers, NOW).status.metric_results[0].measurements[0]
    recorded = (row["measurement"], row.get("value", ""), row.get("message", ""))
    assert (measured.phase, measured.value, measured.message) == recorded


async def ask(tools, **config):
    config = Prometheus.model_validate(config)
    asked = Asked("ns", "run", "uid", Metric.model_validate({"name": "m", "provider": {}}))
    return await prometheus.PROVIDER.measure(config, tools, asked)


async def test_the_query_travels_in_the_body_with_its_time_and_timeout(server, tools):
    await ask(tools, address=server.url + "/", query="vector(1)", headers=[{"key": "X-Scope-OrgID", "value": "a"}])
    method, path, headers, form, _ = server.asked[0]
    assert (method, path, headers["X-Scope-OrgID"]) == ("POST", "/api/v1/query", "a")
    assert form == {"query": "vector(1)", "time": "1795222377.957", "timeout": "30s"}


async def test_a_range_has_start_end_and_step(server, tools):
    span = {"start": "now() - duration('1m')", "end": "now()", "step": "1m30s"}
    await ask(tools, address=server.url, query="vector(1)", rangeQuery=span, timeout=3)
    assert server.asked[0][3] == {
        "query": "vector(1)",
        "start": "1795222317.957",
        "end": "1795222377.957",
        "step": "90",
        "timeout": "3s",
    }


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ({"step": "soon"}, "failed to parse rangeQuery.step as duration: "),
        ({"start": "yesterday"}, "failed to parse rangeQuery.start as time: unknown name yesterday"),
        ({"end": "1"}, "failed to parse rangeQuery.end as time: expected time.Time, but got int"),
    ],
)
async def test_a_range_that_cannot_be_read_is_refused_before_anything_is_asked(server, tools, span, message):
    whole = {"start": "now() - duration('1m')", "end": "now()", "step": "1m", **span}
    found = await ask(tools, address=server.url, query="vector(1)", rangeQuery=whole)
    assert found.message.startswith(message)
    assert server.asked == []


async def test_an_address_that_is_no_url_is_refused(tools):
    for address in ("http://[::1", "ftp://metrics", "http://"):
        assert await ask(tools, address=address, query="x") == Failure("prometheus address is not is url format")


async def test_the_default_address_is_the_settings(server, tools):
    found = await ask(replace(tools, prometheus_address=server.url), query="vector(1)")
    assert (found.value, found.shown, found.about) == ([1.0], "[1]", {"ResolvedPrometheusQuery": "vector(1)"})


async def test_warnings_belong_to_the_measurement(endpoint, tools):
    async def warned(request, form):
        return ok(vector("1"), warnings=["partial", "slow"])

    endpoint.answers["/api/v1/query"] = warned
    assert (await ask(tools, address=endpoint.url, query="x")).metadata == {"warnings": '"partial", "slow"'}


async def test_get_is_used_where_post_is_not_allowed(endpoint, tools):
    endpoint.answers = {("POST", "/api/v1/query"): {"status": 405}, ("GET", "/api/v1/query"): instant}

    async def by_get(request, form):
        return ok(INSTANT[request.query["query"]])

    endpoint.answers["GET", "/api/v1/query"] = by_get
    assert (await ask(tools, address=endpoint.url, query="vector(1)")).shown == "[1]"


@pytest.mark.parametrize(
    ("response", "message"),
    [
        ({"status": 503, "text": "<html>busy</html>"}, "server_error: server error: 503"),
        ({"status": 404, "text": "no"}, "client_error: client error: 404"),
        ({"status": 200, "text": "<html>"}, "bad_response: "),
        ({"status": 200, "text": '{"status":"success","data":{"resultType":"vector","result":7}}'}, "bad_response: "),
        ({"status": 200, "text": '{"status":"success"}'}, "bad_response: "),
        ({"status": 200, "text": "{}"}, "bad_response: no status in the answer"),
        ({"status": 422, "text": '{"status":"error","errorType":"execution","error":"many"}'}, "execution: many"),
    ],
)
async def test_a_bad_answer_is_a_failure(endpoint, tools, response, message):
    endpoint.answers["/api/v1/query"] = response
    found = await ask(tools, address=endpoint.url, query="x")
    assert isinstance(found, Failure)
    assert found.message.startswith(message)


async def test_native_histograms_are_refused_with_a_remedy(endpoint, tools):
    async def histogram(request, form):
        return ok({"resultType": "vector", "result": [{"metric": {}, "histogram": [AT, {"count": "1"}]}]})

    endpoint.answers["/api/v1/query"] = histogram
    assert "histogram_quantile" in (await ask(tools, address=endpoint.url, query="x")).message


async def test_a_server_that_never_answers_is_a_timeout(endpoint, tools):
    endpoint.answers["/api/v1/query"] = endpoint.hang
    found = await ask(tools, address=endpoint.url, query="x", timeout=1)
    assert "context deadline exceeded" in found.message


async def test_an_endless_body_is_refused(endpoint, tools):
    endpoint.answers["/api/v1/query"] = {"body": b" " * (6 << 20)}
    assert "larger than" in (await ask(tools, address=endpoint.url, query="x")).message


async def test_an_unknown_certificate_is_refused_unless_insecure(tls_endpoint, tools):
    tls_endpoint.answers["/api/v1/query"] = instant
    refused = await ask(tools, address=tls_endpoint.url, query="vector(1)")
    allowed = await ask(tools, address=tls_endpoint.url, query="vector(1)", insecure=True)
    assert "tls: failed to verify certificate" in refused.message
    assert isinstance(allowed, Reading)


async def test_basic_authentication(server, tools):
    account = {"basicAuth": {"username": "u", "password": "p"}, "sigv4": {}, "oauth2": {}}
    await ask(tools, address=server.url, query="vector(1)", authentication=account)
    assert server.asked[0][2]["Authorization"] == "Basic dTpw"


async def test_oauth2_gets_a_token_first(server, tools):
    server.answers["/token"] = {"text": '{"access_token":"abc"}'}
    client = {"tokenUrl": server.url + "/token", "clientId": "i", "clientSecret": "s", "scopes": ["a", "b"]}
    await ask(tools, address=server.url, query="vector(1)", authentication={"oauth2": client})
    token, query = server.asked
    assert token[3] == {"grant_type": "client_credentials", "scope": "a b"}
    assert query[2]["Authorization"] == "Bearer abc"


@pytest.mark.parametrize("status", [400, 401])
async def test_oauth2_that_refuses_fails_without_the_secret(server, tools, status):
    server.answers["/token"] = {"status": status}
    client = {"tokenUrl": server.url + "/token", "clientId": "i", "clientSecret": "hushhush"}
    found = await ask(tools, address=server.url, query="vector(1)", authentication={"oauth2": client})
    assert found.message == f"oauth2: cannot fetch token: {status}"
    assert server.asked[1][3]["client_secret"] == "hushhush"


async def test_sigv4_is_refused_in_words(server, tools):
    found = await ask(tools, address=server.url, query="1", authentication={"sigv4": {"region": "eu-west-1"}})
    assert "sigv4 is not supported" in found.message


async def test_a_password_in_the_address_is_not_shown(tools):
    found = await ask(tools, address="http://u:hush@127.0.0.1:1", query="1")
    assert (
        found.message
        == 'Post "http://u:xxxxx@127.0.0.1:1/api/v1/query": dial tcp 127.0.0.1:1: connect: connection refused'
    )


async def test_a_negative_timeout_is_refused(tools):
    assert (await ask(tools, address="http://x", query="1", timeout=-1)).message == (
        "prometheus timeout should not be negative"
    )


async def test_a_secret_reaches_the_server_and_no_message(endpoint, tools):
    endpoint.answers["/api/v1/query"] = {"status": 400, "text": '{"status":"error","error":"s3cret is bad"}'}
    spec = {
        "metrics": [
            {
                "name": "m",
                "provider": {
                    "prometheus": {
                        "address": endpoint.url,
                        "query": "up",
                        "headers": [{"key": "Authorization", "value": "Bearer {{args.token}}"}],
                    }
                },
            }
        ],
        "args": [{"name": "token", "valueFrom": {"secretKeyRef": {"name": "login", "key": "token"}}}],
    }
    run = AnalysisRun(Metadata(name="run", namespace="ns"), spec)
    given = await answer(agenda(RunSnapshot(run), NOW).queries[0], run, PROVIDERS, tools)
    status = conclude(RunSnapshot(run), [given], NOW).status
    assert endpoint.asked[0][2]["Authorization"] == "Bearer s3cret"
    assert status.metric_results[0].measurements[0].message == "bad_response: ***** is bad"
    assert "s3cret" not in msgspec.json.encode(status).decode()


def test_samples_of_every_kind_are_kept_as_they_are():
    body = {"status": "success", "data": vector("NaN", "-Inf", "1e-7", "1e+300")}
    found = prometheus.read(prometheus.Response(200, json.dumps(body).encode()))
    assert math.isnan(found.value[0])
    assert found.shown == "[NaN,-Inf,0.0000001,1" + "0" * 300 + "]"

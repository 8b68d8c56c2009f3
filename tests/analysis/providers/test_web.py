import json

import pytest

from analysis.answers import Failure, Reading
from analysis.providers import web
from analysis.providers.base import Asked
from rollouts.api.analysis import Metric
from rollouts.api.providers import Web

ASKED = Asked("ns", "run", "uid", Metric.model_validate({"name": "m", "provider": {}}))


async def ask(tools, **config):
    return await web.PROVIDER.measure(Web.model_validate(config), tools, ASKED)


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        ("{$.v}", 3.0, "3"),
        ("", {"b": "<x>", "a": [1.5, None], "v": 3.0}, '{"a":[1.5,null],"b":"\\u003cx\\u003e","v":3}'),
        ("{$.a[0]}", 1.5, "1.5"),
        ("{$.b}", "<x>", '"\\u003cx\\u003e"'),
        ("{$.a[1]}", None, "null"),
    ],
)
async def test_the_value_at_the_path_is_read_and_stored_as_go_writes_it(endpoint, tools, path, value, shown):
    endpoint.answers["/j"] = {"text": '{"b": "<x>", "a": [1.5, null], "v": 3}'}
    assert await ask(tools, url=endpoint.url + "/j", jsonPath=path) == Reading(value, shown)


@pytest.mark.parametrize("text", ["NaN", '{"v": Infinity}'])
async def test_what_python_alone_takes_for_json_is_none(endpoint, tools, text):
    endpoint.answers["/t"] = {"text": text}
    assert await ask(tools, url=endpoint.url + "/t") == Reading(text, text)


async def test_an_answer_that_is_no_json_is_a_string(endpoint, tools):
    endpoint.answers["/t"] = {"text": "no"}
    assert await ask(tools, url=endpoint.url + "/t") == Reading("no", "no")


@pytest.mark.parametrize(
    ("path", "message"),
    [("{$.nope}", "Could not find JSONPath in body: nope is not found"), ("{$.[", "unterminated array")],
)
async def test_a_path_that_finds_nothing_is_a_failure(endpoint, tools, path, message):
    endpoint.answers["/j"] = {"text": "{}"}
    assert await ask(tools, url=endpoint.url + "/j", jsonPath=path) == Failure(message)


@pytest.mark.parametrize("status", [301, 404, 500, 501])
async def test_another_status_than_2xx_is_a_failure(endpoint, tools, status):
    endpoint.answers["/s"] = {"status": status}
    assert await ask(tools, url=endpoint.url + "/s") == Failure(f"received non 2xx response code: {status}")


async def test_method_headers_and_json_body_are_sent(endpoint, tools):
    endpoint.answers["/p"] = {"text": "{}"}
    headers = [{"key": "X-A", "value": "1"}]
    await ask(tools, url=endpoint.url + "/p?q=1", method="POST", headers=headers, jsonBody={"b": [1, "x"], "a": None})
    method, path, sent, _, body = endpoint.asked[0]
    assert (method, path, sent["X-A"], sent["Content-Type"]) == ("POST", "/p?q=1", "1", "application/json")
    assert json.loads(body) == {"b": [1, "x"], "a": None}


async def test_the_method_is_not_judged(endpoint, tools):
    endpoint.answers["/p"] = {"text": "{}"}
    await ask(tools, url=endpoint.url + "/p", method="PATCH", body="x")
    assert (endpoint.asked[0][0], endpoint.asked[0][4]) == ("PATCH", b"x")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"body": "x"}, "Body/JSONBody can only be used with POST or PUT WebMetric Method types"),
        ({"jsonBody": {}}, "Body/JSONBody can only be used with POST or PUT WebMetric Method types"),
        (
            {"method": "POST", "body": "x", "jsonBody": {}},
            "use either Body or JSONBody; both cannot exists for WebMetric payload",
        ),
        ({"jsonPath": "$.v"}, "JSONPath $.v has no braces: write {$.v}"),
    ],
)
async def test_contradictions_are_refused_before_anything_is_sent(endpoint, tools, config, message):
    assert await ask(tools, url=endpoint.url, **config) == Failure(message)
    assert endpoint.asked == []


async def test_a_slow_endpoint_fails_as_recorded(endpoint, tools):
    endpoint.answers["/slow"] = endpoint.hang
    url = f"{endpoint.url}/slow?s=3"
    assert await ask(tools, url=url, timeoutSeconds=1) == Failure(
        f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/none", "not a url", "http://", "http://[::1"])
async def test_an_address_that_leads_nowhere_is_a_failure(tools, url):
    found = await ask(tools, url=url)
    assert isinstance(found, Failure)
    assert found.message.startswith('Get "')


async def test_a_header_that_cannot_be_sent_is_not_quoted(endpoint, tools):
    found = await ask(tools, url=endpoint.url, headers=[{"key": "X", "value": "hush\r\nY: 1"}])
    assert isinstance(found, Failure)
    assert "hush" not in found.message


async def test_json_without_end_is_a_failure(endpoint, tools):
    endpoint.answers["/deep"] = {"text": "[" * 200_000}
    assert isinstance(await ask(tools, url=endpoint.url + "/deep"), Failure)


async def test_a_huge_body_is_refused(endpoint, tools):
    endpoint.answers["/big"] = {"body": b"1" * (6 << 20)}
    assert "larger than" in (await ask(tools, url=endpoint.url + "/big")).message

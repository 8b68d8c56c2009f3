"""web: a request to an HTTP endpoint and a JSON path into its answer.

```yaml
provider:
  web:
    url: https://status.example.com/api/v1/health?service={{args.service}}
    headers: [{key: Authorization, value: "Bearer {{args.token}}"}]
    jsonPath: "{$.data.ok}"
```
JSON numbers are floats in conditions. An answer that is no JSON is a string. Anything but a 2xx status is an error.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from analysis.answers import Failure, Reading
from analysis.http import Request, Response, header_map, send
from analysis.jsonpath import JsonPathError, find, parse
from analysis.providers.base import Asked, Provider, Tools
from rollouts.api.meta import Kind
from rollouts.api.providers import Web
from rollouts.wire.gojson import encode

DEFAULT_TIMEOUT: Final = 10
WHOLE: Final = "{$}"


@dataclass(frozen=True)
class WebProvider:
    """Asks any HTTP endpoint."""

    key: str = "web"
    kinds: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)
    config: type[Web] = Web

    async def measure(self, config: Web, tools: Tools, asked: Asked) -> Reading | Failure:  # noqa: ARG002
        """Ask once."""
        if refusal := _refusal(config):
            return Failure(refusal)
        response = await send(tools.session, _request(config))
        return response if isinstance(response, Failure) else read(response, config.json_path or WHOLE)


def read(response: Response, path: str) -> Reading | Failure:
    """The value at *path* in the answer, and its JSON as Go writes it."""
    if response.status // 100 != 2:
        return Failure(f"received non 2xx response code: {response.status}")
    text = response.body.decode(errors="replace")
    try:
        document = json.loads(text, parse_int=float, parse_constant=_refuse_constant)
    except ValueError:
        return Reading(text, text)
    except RecursionError:
        return Failure("the answer's JSON is nested too deeply")
    try:
        value = find(path, document)
        return Reading(value, encode(value, sort_keys=True))
    except (JsonPathError, ValueError) as error:
        return Failure(f"Could not find JSONPath in body: {error}")


def _refusal(config: Web) -> str:
    if config.body and config.json_body is not None:
        return "use either Body or JSONBody; both cannot exists for WebMetric payload"
    if _method(config) == "GET" and (config.body or config.json_body is not None):
        return "Body/JSONBody can only be used with POST or PUT WebMetric Method types"
    try:
        parse(config.json_path or WHOLE)
    except JsonPathError as error:
        return str(error)
    return ""


def _method(config: Web) -> str:
    return config.method or "GET"


def _request(config: Web) -> Request:
    headers = header_map(config.headers)
    body = config.body.encode() or None
    if config.json_body is not None:
        headers["Content-Type"] = "application/json"
        body = encode(config.json_body).encode()
    return Request(
        _method(config),
        config.url,
        float(config.timeout_seconds if config.timeout_seconds > 0 else DEFAULT_TIMEOUT),
        headers=headers,
        body=body,
        insecure=config.insecure,
        authentication=config.authentication,
    )


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


PROVIDER: Final[Provider[Web]] = WebProvider()

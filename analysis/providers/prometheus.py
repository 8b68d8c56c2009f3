"""prometheus: a PromQL query, now or over a span of time.

```yaml
provider:
  prometheus:
    address: http://prometheus.monitoring:9090
    query: sum(rate(http_requests_total{code!~"5.."}[1m])) / sum(rate(http_requests_total[1m]))
```
A vector gives a list of numbers, also when it has one sample (`result[0] >= 0.95`), a range a flat list of all samples,
a scalar a number. Without `address` the controller's default is asked. Not supported: sigv4, native histograms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import msgspec
from yarl import URL

from analysis.answers import Failure, Reading
from analysis.expr.conditions import evaluate_time
from analysis.expr.errors import ExprError
from analysis.expr.types import Floats
from analysis.gofloat import plain
from analysis.http import Request, Response, header_map, send
from analysis.providers.base import Asked, Provider, Tools
from rollouts.api.meta import Kind
from rollouts.api.providers import Prometheus, RangeQuery
from rollouts.wire.durations import parse_go_duration

DEFAULT_TIMEOUT: Final = 30
QUERY_KEY: Final = "ResolvedPrometheusQuery"
API_ERRORS: Final = frozenset({400, 422})
NO_POST: Final = frozenset({405, 501})

Sample = tuple[float, str]


class _Series(msgspec.Struct):
    value: Sample | None = None
    values: list[Sample] = []


class _Data(msgspec.Struct, rename="camel"):
    result_type: str = ""
    result: Any = None


class _Body(msgspec.Struct, rename="camel"):
    status: str = ""
    data: msgspec.Raw = msgspec.Raw()
    error_type: str = ""
    error: str = ""
    warnings: list[str] = []


@dataclass(frozen=True)
class PrometheusProvider:
    """Asks the HTTP API of Prometheus, by POST, so that a query may be long."""

    key: str = "prometheus"
    kinds: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)
    config: type[Prometheus] = Prometheus

    async def measure(self, config: Prometheus, tools: Tools, asked: Asked) -> Reading | Failure:  # noqa: ARG002
        """Ask once."""
        address = config.address or tools.prometheus_address
        if refusal := _refusal(config, address):
            return Failure(refusal)
        about = {QUERY_KEY: config.query}
        parameters = _parameters(config, tools.now())
        if isinstance(parameters, Failure):
            return replace(parameters, about=about)
        response = await _ask(tools, config, address, parameters)
        if isinstance(response, Failure):
            return replace(response, about=about)
        return replace(read(response), about=about)


def read(response: Response) -> Reading | Failure:
    """What Prometheus said, as a value and as Argo Rollouts stores it."""
    if response.status // 100 != 2 and response.status not in API_ERRORS:
        side = "client" if response.status // 100 == 4 else "server"
        return Failure(f"{side}_error: {side} error: {response.status}")
    try:
        body = msgspec.json.decode(response.body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Failure(f"bad_response: {error}")
    if body.status != "success":
        return Failure(f"{body.error_type or 'bad_response'}: {body.error or 'no status in the answer'}")
    try:
        return _reading(body)
    except (msgspec.DecodeError, ValueError) as error:
        return Failure(f"bad_response: {error}")


def _refusal(config: Prometheus, address: str) -> str:
    if not address:
        return "prometheus address is not configured"
    try:
        url = URL(address)
    except ValueError:
        url = URL()
    if not (url.scheme in ("http", "https") and url.host):
        return "prometheus address is not is url format"  # Argo Rollouts' words
    if config.timeout is not None and config.timeout < 0:
        return "prometheus timeout should not be negative"
    return ""


def _parameters(config: Prometheus, now: datetime) -> dict[str, str] | Failure:
    timeout = {"timeout": f"{config.timeout or DEFAULT_TIMEOUT}s"}
    if config.range_query is None:
        return {"query": config.query, "time": _instant(now), **timeout}
    span = _span(config.range_query, now)
    return span if isinstance(span, Failure) else {"query": config.query, **span, **timeout}


def _span(span: RangeQuery, now: datetime) -> dict[str, str] | Failure:
    parameters: dict[str, str] = {}
    for edge, text in (("start", span.start), ("end", span.end)):
        try:
            parameters[edge] = _instant(evaluate_time(text, now))
        except ExprError as error:
            return Failure(f"failed to parse rangeQuery.{edge} as time: {error}")
    try:
        step = parse_go_duration(span.step)
    except ValueError as error:
        return Failure(f"failed to parse rangeQuery.step as duration: {error}")
    return {**parameters, "step": plain(step.total_seconds())}


def _instant(moment: datetime) -> str:
    return plain(moment.timestamp())


async def _ask(tools: Tools, config: Prometheus, address: str, parameters: Mapping[str, str]) -> Response | Failure:
    path = "query" if config.range_query is None else "query_range"
    request = Request(
        "POST",
        f"{address.rstrip('/')}/api/v1/{path}",
        float(config.timeout or DEFAULT_TIMEOUT),
        headers=header_map(config.headers),
        form=parameters,
        insecure=config.insecure,
        authentication=config.authentication,
    )
    response = await send(tools.session, request)
    if isinstance(response, Response) and response.status in NO_POST:
        # Old servers and some proxies take only GET.
        return await send(
            tools.session, replace(request, method="GET", form=None, url=str(URL(request.url) % dict(parameters)))
        )
    return response


def _reading(body: _Body) -> Reading | Failure:
    data = msgspec.json.decode(body.data, type=_Data)
    metadata = {"warnings": ", ".join(f'"{warning}"' for warning in body.warnings)} if body.warnings else {}
    match data.result_type:
        case "scalar":
            _, text = msgspec.convert(data.result, Sample)
            return Reading(float(text), _shown(float(text)), metadata)
        case "vector" | "matrix":
            return _list(msgspec.convert(data.result, list[_Series]), metadata)
    return Failure(_unexpected(data.result_type, bytes(body.data).decode(errors="replace")))


def _list(series: list[_Series], metadata: Mapping[str, str]) -> Reading | Failure:
    samples = [sample for one in series for sample in ((one.value,) if one.value else one.values)]
    if not samples and series:
        return Failure("the query gives native histograms: use histogram_quantile or histogram_avg to get numbers")
    values = Floats(float(text) for _, text in samples)
    return Reading(values, f"[{','.join(map(_shown, values))}]", metadata)


def _shown(value: float) -> str:
    return plain(value)


def _unexpected(kind: str, data: str) -> str:
    """The text of Argo Rollouts' decoder, which quotes the end of what it read."""
    near, around = data[-10:], data[-50:]
    return (
        f'unmarshalerDecoder: unexpected value type "{kind}", error found in #{len(near)} byte of ...|{near}|..., '
        f"bigger context ...|{around}|..."
    )


PROVIDER: Final[Provider[Prometheus]] = PrometheusProvider()

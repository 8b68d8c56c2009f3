"""What proxies do with requests: they act by routes and endpoints as they last heard of them, some time ago."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from rollouts.api.kinds import HTTP_ROUTE, INGRESS
from rollouts.api.meta import Json, Ref

NGINX = "nginx.ingress.kubernetes.io"


class DataPlane:
    """Routes and endpoints as the proxies know them; `shares` is what they make of a hundred requests."""

    def __init__(self) -> None:
        self.routes: dict[Ref, Json] = {}
        self.endpoints: dict[str, tuple[str, ...]] = {}

    def services(self) -> Iterator[Mapping[str, Fraction]]:
        """For each way in, the share of its requests that each Service gets."""
        ingresses = [raw for ref, raw in self.routes.items() if ref.kind == INGRESS]
        canaries = [raw for raw in ingresses if _annotation(raw, "canary") == "true"]
        for raw in ingresses:
            if raw not in canaries:
                yield from _ingress(raw, canaries)
        for ref, raw in self.routes.items():
            if ref.kind == HTTP_ROUTE:
                yield from _http_route(raw)

    def shares(self, revision_of: Mapping[str, str]) -> Iterator[dict[str, Fraction]]:
        """For each way in, the share of each revision; "" is the share that meets no endpoint at all.

        *revision_of* maps every pod that ever was to its revision.
        """
        for services in self.services():
            found: dict[str, Fraction] = {}
            for service, share in services.items():
                pods = self.endpoints.get(service, ())
                for pod in pods or ("",):
                    revision = revision_of.get(pod, "")
                    found[revision] = found.get(revision, Fraction()) + share / max(len(pods), 1)
            yield {revision: share for revision, share in found.items() if share}


def _annotation(raw: Json, name: str) -> str | None:
    value = (raw["metadata"].get("annotations") or {}).get(f"{NGINX}/{name}")
    return None if value is None else str(value)


def _backends(ingress: Json) -> Iterator[tuple[tuple[str, str], str]]:
    """Host and path, and the Service behind them."""
    for rule in ingress["spec"].get("rules") or ():
        for path in (rule.get("http") or {}).get("paths") or ():
            yield (rule.get("host", ""), path.get("path", "/")), path["backend"]["service"]["name"]


def _ingress(stable: Json, canaries: Iterable[Json]) -> Iterator[dict[str, Fraction]]:
    for place, service in _backends(stable):
        found = {service: Fraction(1)}
        for canary in canaries:
            beside = dict(_backends(canary)).get(place)
            if beside is not None and beside != service:
                total = int(_annotation(canary, "canary-weight-total") or 100)
                share = Fraction(int(_annotation(canary, "canary-weight") or 0), total)
                found = {service: 1 - share, beside: share}
        yield found


def _http_route(route: Json) -> Iterator[dict[str, Fraction]]:
    for rule in route["spec"].get("rules") or ():
        refs: list[dict[str, Any]] = rule.get("backendRefs") or []
        total = sum(ref.get("weight", 1) for ref in refs)
        found: dict[str, Fraction] = {}
        for ref in refs:
            share = Fraction(ref.get("weight", 1), total) if total else Fraction()
            found[ref["name"]] = found.get(ref["name"], Fraction()) + share
        yield found

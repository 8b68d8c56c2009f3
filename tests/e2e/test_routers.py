"""What the routers write, on a real API server and through a real proxy: exact shares, and the user's route given back.

Run inside a sandbox: `rollouts sandbox exec -- pytest tests/e2e/test_routers.py`.
"""

import asyncio
import itertools
import json
import os
import subprocess
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import aiohttp
import msgspec
import pytest
import yaml

from rollouts.api.kinds import DEPLOYMENT, GATEWAY, HTTP_ROUTE, INGRESS, NAMESPACE, ROLLOUT, SERVICE
from rollouts.api.meta import Key, Metadata, Object
from rollouts.api.rollout import SetHeaderRoute
from rollouts.kube.client import Client, Content
from rollouts.kube.errors import Conflict, Invalid, NotFound
from trafficrouters.base import CreateRoute, Scope, TrafficSplit
from trafficrouters.gatewayapi import ORIGINALS
from trafficrouters.gatewayapi import ROUTER as GATEWAY_API
from trafficrouters.nginx import ROUTER as NGINX

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif("ROLLOUTS_SANDBOX" not in os.environ, reason="needs a sandbox: rollouts sandbox exec -- pytest"),
]

WEB, GATES = "http://127.0.0.1:8000/", "http://127.0.0.1:80/"
STABLE, CANARY = "web-stable", "web-canary"
PATIENCE = 90
NUMBERS = itertools.count()


class Shop:
    """A namespace with two versions behind two Services, and a router at work in it."""

    def __init__(self, router, raw, user, ours, owner):
        self.router, self.user, self.ours, self.owner = router, user, ours, owner
        self.name = owner["namespace"]
        self.host = f"{self.name}.example.com"
        self.raw = raw
        self.total = None

    @property
    def scope(self):
        return Scope(Key(self.name, "web"), self.owner["uid"], STABLE, CANARY, managed=("hdr",), max_weight=self.total)

    @property
    def config(self):
        return self.router.decode(self.raw, "plugins.argoproj-labs/gatewayAPI", self.scope)

    def split(self, canary=0, routes=(), *, is_idle=False):
        return TrafficSplit(canary, self.scope.total, CANARY, STABLE, routes=routes, managed=("hdr",), is_idle=is_idle)

    async def observed(self):
        first = await self._seen(self.router.reads(self.config, self.scope))
        return first | await self._seen(self.router.follows(self.config, self.scope, first))

    async def _seen(self, refs):
        found = {}
        for ref in refs:
            try:
                raw = json.loads(await self.ours.get(ref.kind, ref.key))
            except NotFound:
                continue
            found[ref] = Object(msgspec.convert(raw["metadata"], Metadata, strict=False), raw)
        return found

    async def render(self, split):
        return self.router.render(self.config, self.scope, split, await self.observed())

    async def write(self, split):
        """Render and write until there is nothing to write; the number of writes. Status writes may come between."""
        writes = 0
        while changes := await self.render(split):
            assert writes < 4, changes
            with suppress(Conflict):
                for change in changes:
                    await self.put(change)
                    writes += 1
        return writes

    async def put(self, change):
        if isinstance(change, CreateRoute):
            return await self.ours.create(change.ref.kind, change.ref.namespace, change.body)
        metadata = {**change.patch.get("metadata", {}), "resourceVersion": change.resource_version}
        return await self.ours.patch(change.ref.kind, change.ref.key, {**change.patch, "metadata": metadata})

    async def put_one(self, split):
        """What the one write that is needed makes of its object. Status writes may come between."""
        while True:
            (change,) = await self.render(split)
            with suppress(Conflict):
                return change.ref, json.loads(await self.put(change))

    async def waits(self, split):
        return self.router.waits(self.config, self.scope, split, await self.observed())

    async def get(self, kind, name):
        return json.loads(await self.user.get(kind, Key(self.name, name)))

    async def apply(self, *manifests):
        for manifest in manifests:
            kind = {kind.name: kind for kind in (DEPLOYMENT, GATEWAY, HTTP_ROUTE, INGRESS, SERVICE)}[manifest["kind"]]
            key = Key(self.name, manifest["metadata"]["name"])
            await self.user.patch(kind, key, manifest, content=Content.APPLY, field_manager="user", force=True)

    async def answers(self, url, requests=100, **headers):
        """Who answered: versions, or the status where no pod did."""
        async with aiohttp.ClientSession(headers={"Host": self.host, **headers}) as session:
            return Counter([await answer(session, url) for _ in range(requests)])


async def answer(session, url):
    async with session.get(url) as response:
        return (await response.json())["version"] if response.status == 200 else response.status


async def comes_true(claim):
    """Ask *claim*, a coroutine function, until it is true; the last answer to show where it never is."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await claim()):  # noqa: ASYNC110 (the claim is about another process)
            await asyncio.sleep(0.05)
    return found


async def shares(shop, url, expected, requests=100, **headers):
    """Wait until exactly *expected* is answered twice in a row: proxies take a moment."""
    seen = []

    async def exact():
        seen.append(dict(await shop.answers(url, requests, **headers)))
        return seen[-2:] == [expected, expected]

    try:
        await comes_true(exact)
    except TimeoutError:
        pytest.fail(f"expected {expected}, last {seen[-3:]}")


def service(name, version):
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    spec = {"selector": {"app": "web", "version": version}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def deployment(version):
    labels = {"app": "web", "version": version}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": f"web:{version}"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": f"web-{version}"}, "spec": spec}


def ingress(shop):
    backend = {"service": {"name": STABLE, "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    spec = {"ingressClassName": "nginx", "rules": [{"host": shop.host, "http": {"paths": paths}}]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"}, "spec": spec}


def route(shop, **metadata):
    text = f"""
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    spec:
      parentRefs: [{{name: gw}}]
      hostnames: [{shop.host}]
      rules:
      - matches: [{{path: {{type: PathPrefix, value: /}}}}]
        filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{add: [{{name: x-shop, value: web}}]}}}}]
        backendRefs: [{{name: {STABLE}, port: 80}}, {{name: {CANARY}, port: 80, weight: 3}}]
      - matches: [{{path: {{type: Exact, value: /stable-only}}}}]
        backendRefs: [{{name: {STABLE}, port: 80}}]
    """
    return {**yaml.safe_load(text), "metadata": {"name": "web", **metadata}}


def gateway():
    spec = {"gatewayClassName": "traefik", "listeners": [{"name": "http", "protocol": "HTTP", "port": 80}]}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "gw"}, "spec": spec}


def owner():
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "web:v1"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template, "strategy": {"canary": {}}}
    return {"apiVersion": ROLLOUT.api_version, "kind": ROLLOUT.name, "metadata": {"name": "web"}, "spec": spec}


def header_route(**value):
    match = [{"headerName": "x-beta", "headerValue": value}]
    return (SetHeaderRoute.model_validate({"name": "hdr", "match": match}),)


@asynccontextmanager
async def opened(router, raw):
    name = f"shop-{os.getpid()}-{next(NUMBERS)}"
    async with (
        Client.connect(user_agent="user/1", qps=0) as user,
        Client.connect(user_agent="rollouts-controller/test", qps=0) as ours,
    ):
        await user.create(NAMESPACE, "", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        try:
            # Without a real owner the garbage collector takes the canary Ingress away.
            rollout = json.loads(await user.create(ROLLOUT, name, owner()))
            yield Shop(router, raw, user, ours, rollout["metadata"])
        finally:
            await user.delete(NAMESPACE, Key("", name))


async def stock(shop, *manifests):
    await shop.apply(service(STABLE, "v1"), service(CANARY, "v2"), deployment("v1"), deployment("v2"), *manifests)
    for version in ("v1", "v2"):
        await comes_true(lambda version=version: is_available(shop, version))


async def is_available(shop, version):
    found = await shop.get(DEPLOYMENT, f"web-{version}")
    return found.get("status", {}).get("availableReplicas", 0) == 2


@asynccontextmanager
async def nginx_shop():
    async with opened(NGINX, {"stableIngress": "web"}) as shop:
        await stock(shop, ingress(shop))
        yield shop


@asynccontextmanager
async def gateway_shop():
    async with opened(GATEWAY_API, {"httpRoute": "web"}) as shop:
        await stock(shop, gateway(), route(shop))
        yield shop


@pytest.fixture
async def nginx():
    async with nginx_shop() as shop:
        yield shop


@pytest.fixture
async def gate():
    async with gateway_shop() as shop:
        yield shop


async def test_nginx_weights_are_exact_and_the_stable_ingress_is_untouched(nginx):
    before = await nginx.get(INGRESS, "web")
    for canary in (0, 20, 100, 50, 0):
        assert await nginx.write(nginx.split(canary)) == 1
        await shares(nginx, WEB, {key: share for key, share in (("v1", 100 - canary), ("v2", canary)) if share})
    assert (await nginx.get(INGRESS, "web"))["metadata"]["managedFields"] == before["metadata"]["managedFields"]
    assert (await nginx.get(INGRESS, "web"))["spec"] == before["spec"]


@pytest.mark.parametrize(("total", "canary", "requests"), [(1000, 5, 1000), (50, 25, 100), (7, 1, 105)])
async def test_nginx_weights_are_of_the_total(nginx, total, canary, requests):
    nginx.total = total
    await nginx.write(nginx.split(canary))
    to_canary = requests * canary // total
    await shares(nginx, WEB, {"v1": requests - to_canary, "v2": to_canary}, requests)


@pytest.mark.parametrize(
    ("value", "right", "wrong"),
    [
        ({"exact": "yes"}, "yes", "yes!"),
        ({"prefix": "v1."}, "v1.2", "xv1.2"),
        ({"prefix": "v1."}, "v1.", "v1x2"),
        ({"regex": "^a[bc]$"}, "ac", "acb"),
    ],
)
@pytest.mark.parametrize(("opening", "url"), [(nginx_shop, WEB), (gateway_shop, GATES)], ids=["nginx", "gateway"])
async def test_header_routes_reach_the_canary_and_nothing_else_does(opening, url, value, right, wrong):
    async with opening() as shop:
        await shop.write(shop.split(0, header_route(**value)))
        await shares(shop, url, {"v2": 20}, 20, **{"X-Beta": right})
        await shares(shop, url, {"v1": 20}, 20, **{"X-Beta": wrong})
        await shares(shop, url, {"v1": 20}, 20)
        await shop.write(shop.split(50))
        await shares(shop, url, {"v1": 10, "v2": 10}, 20, **{"X-Beta": right})


async def test_nginx_other_paths_and_hosts_keep_their_services(nginx):
    second = ingress(nginx)
    second["metadata"]["name"] = "second"
    second["spec"]["rules"][0]["host"] = f"second-{nginx.host}"
    first = ingress(nginx)
    other = {"path": "/other", "pathType": "Prefix", "backend": {"service": {"name": "other", "port": {"number": 80}}}}
    first["spec"]["rules"][0]["http"]["paths"].append(other)
    await nginx.apply(service("other", "v1"), first, second)
    nginx.raw = {"stableIngresses": ["web", "second"]}
    await nginx.write(nginx.split(100))
    await shares(nginx, WEB, {"v2": 20}, 20)
    await shares(nginx, f"{WEB}other", {"v1": 20}, 20)
    nginx.host = f"second-{nginx.host}"
    await shares(nginx, WEB, {"v2": 20}, 20)


async def test_nginx_words_mean_nothing_once_a_header_value_is_set(nginx):
    await nginx.write(nginx.split(100, header_route(exact="yes")))
    await shares(nginx, WEB, {"v2": 20}, 20, **{"X-Beta": "never"})
    await nginx.write(nginx.split(0, header_route(exact="yes")))
    await shares(nginx, WEB, {"v1": 20}, 20, **{"X-Beta": "always"})


async def test_nginx_drift_is_put_right(nginx):
    await nginx.write(nginx.split(20))
    key = Key(nginx.name, "web-web-canary")
    body = {"metadata": {"annotations": {"nginx.ingress.kubernetes.io/canary-weight": "90", "theirs": "1"}}}
    await nginx.user.patch(INGRESS, key, body, field_manager="user")
    assert await nginx.write(nginx.split(20)) == 1
    await shares(nginx, WEB, {"v1": 80, "v2": 20})
    assert (await nginx.get(INGRESS, "web-web-canary"))["metadata"]["annotations"]["theirs"] == "1"


async def test_nginx_settles_after_our_own_newest_write(nginx):
    await nginx.write(nginx.split(20))
    scope = replace(nginx.scope, settle=NGINX.default_settle)
    first = NGINX.settles_at(nginx.config, scope, await nginx.observed())
    assert first is not None
    key = Key(nginx.name, "web-web-canary")
    await nginx.user.patch(INGRESS, key, {"metadata": {"labels": {"a": "b"}}}, field_manager="user")
    assert NGINX.settles_at(nginx.config, scope, await nginx.observed()) == first

    async def later_after_a_write():
        canary = next(number for number in (30, 40) if number != later_after_a_write.last)
        later_after_a_write.last = canary
        await nginx.write(nginx.split(canary))
        return NGINX.settles_at(nginx.config, scope, await nginx.observed()) > first

    later_after_a_write.last = 0
    assert await comes_true(later_after_a_write)


async def test_gateway_weights_are_exact_and_confirmed(gate):
    for canary in (0, 20, 100, 50):
        _, written = await gate.put_one(gate.split(canary))
        assert await gate.render(gate.split(canary)) == ()
        await comes_true(lambda canary=canary: confirmed(gate, canary))
        parent = (await gate.get(HTTP_ROUTE, "web"))["status"]["parents"][0]
        assert parent["conditions"][0]["observedGeneration"] >= written["metadata"]["generation"]
        await shares(gate, GATES, {key: share for key, share in (("v1", 100 - canary), ("v2", canary)) if share})
    assert GATEWAY_API.caveat(gate.config, gate.scope, await gate.observed()) == ""


async def confirmed(shop, canary):
    return await shop.waits(shop.split(canary)) == ()


async def test_a_write_is_not_confirmed_by_an_older_generation(gate):
    await gate.write(gate.split(20))
    await comes_true(lambda: confirmed(gate, 20))
    ref, raw = await gate.put_one(gate.split(60))
    route = Object(msgspec.convert(raw["metadata"], Metadata, strict=False), raw)
    (sentence,) = GATEWAY_API.waits(gate.config, gate.scope, gate.split(60), {**await gate.observed(), ref: route})
    generation = raw["metadata"]["generation"]
    assert f"for generation {generation} (last for generation {generation - 1})" in sentence


async def test_a_reference_that_does_not_resolve_is_said(gate):
    await gate.user.delete(SERVICE, Key(gate.name, CANARY))
    await gate.write(gate.split(20))

    async def said():
        return any("ResolvedRefs is False" in sentence for sentence in await gate.waits(gate.split(20)))

    assert await comes_true(said)


async def test_a_route_without_its_gateway_is_believed_with_a_caveat(gate):
    await gate.user.delete(GATEWAY, Key(gate.name, "gw"))
    await gate.write(gate.split(20))
    assert await gate.waits(gate.split(20)) == ()
    assert "no Gateway of HTTPRoute" in GATEWAY_API.caveat(gate.config, gate.scope, await gate.observed())


def users_part(found):
    """Everything of an object but what the API server counts and what the Gateway reports."""
    metadata = {key: value for key, value in found["metadata"].items() if key not in COUNTED}
    return {**{key: value for key, value in found.items() if key != "status"}, "metadata": metadata}


COUNTED = ("resourceVersion", "generation", "managedFields")


async def test_the_route_is_given_back_as_its_user_wrote_it(gate):
    before = await gate.get(HTTP_ROUTE, "web")
    assert await gate.write(gate.split(is_idle=True)) == 0
    for split in (gate.split(0), gate.split(20, header_route(exact="yes")), gate.split(100)):
        assert await gate.write(split) == 1
    assert await gate.write(gate.split(is_idle=True)) == 2
    after = await gate.get(HTTP_ROUTE, "web")
    assert users_part(after) == users_part(before)
    managers = {entry["manager"] for entry in after["metadata"]["managedFields"]}
    assert "rollouts-controller" not in managers
    assert "user" in managers
    assert await gate.write(gate.split(is_idle=True)) == 0
    await gate.apply(route(gate))
    assert users_part(await gate.get(HTTP_ROUTE, "web")) == users_part(before)
    assert await gate.write(gate.split(is_idle=True)) == 0


async def test_a_user_who_applies_in_mid_release_keeps_the_edit_and_the_weights(gate):
    await gate.write(gate.split(20))
    edited = route(gate, labels={"team": "blue"})
    edited["spec"]["rules"][0]["filters"][0]["responseHeaderModifier"]["add"][0]["value"] = "edited"
    await gate.apply(edited)
    assert [ref["weight"] for ref in (await gate.get(HTTP_ROUTE, "web"))["spec"]["rules"][0]["backendRefs"]] == [1, 3]
    assert await gate.write(gate.split(20)) == 1
    await shares(gate, GATES, {"v1": 80, "v2": 20})
    await gate.write(gate.split(is_idle=True))
    after = await gate.get(HTTP_ROUTE, "web")
    assert after["spec"]["rules"][0]["filters"] == edited["spec"]["rules"][0]["filters"]
    assert [ref["weight"] for ref in after["spec"]["rules"][0]["backendRefs"]] == [1, 3]
    assert (after["metadata"]["labels"], after["metadata"].get("annotations", {})) == ({"team": "blue"}, {})


async def test_kubectl_apply_before_during_and_after_a_release_changes_nothing_for_good(gate):
    await gate.user.delete(HTTP_ROUTE, Key(gate.name, "web"))
    kubectl_apply(gate, route(gate))
    before = await gate.get(HTTP_ROUTE, "web")
    await gate.write(gate.split(20))
    kubectl_apply(gate, route(gate))
    assert ORIGINALS in (await gate.get(HTTP_ROUTE, "web"))["metadata"]["annotations"]
    await gate.write(gate.split(60))
    await shares(gate, GATES, {"v1": 40, "v2": 60})
    await gate.write(gate.split(is_idle=True))
    assert users_part(await gate.get(HTTP_ROUTE, "web")) == users_part(before)
    kubectl_apply(gate, route(gate))
    assert users_part(await gate.get(HTTP_ROUTE, "web")) == users_part(before)


def kubectl_apply(shop, manifest):
    command = ["kubectl", "apply", "--namespace", shop.name, "--filename", "-"]
    subprocess.run(command, input=json.dumps(manifest), text=True, check=True, capture_output=True, timeout=PATIENCE)


async def test_a_write_to_a_route_that_changed_since_is_refused(gate):
    (change,) = await gate.render(gate.split(20))
    await gate.apply(route(gate, labels={"team": "blue"}))
    with pytest.raises(Conflict):
        await gate.put(change)


async def test_the_tutorials_route_is_told_what_is_wrong(gate):
    wrong = route(gate)
    stable, canary = wrong["spec"]["rules"][0]["backendRefs"]
    stable["port"], canary["port"] = 100, 0
    with pytest.raises(Invalid):
        await gate.apply(wrong)
    stable["port"], canary["port"] = 99, 1
    await gate.apply(wrong)
    (problem,) = GATEWAY_API.check(gate.config, gate.scope, await gate.observed())
    assert "rules[0].backendRefs[0].port is 99" in problem.detail
    assert await gate.render(gate.split(20)) == ()

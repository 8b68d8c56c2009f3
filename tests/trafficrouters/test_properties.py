"""What holds for every router input: written splits stay written, weights add up, and what is the user's stays."""

from copy import deepcopy

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from rollouts.api.kinds import HTTP_ROUTE, INGRESS
from rollouts.api.meta import Key, Metadata, Object, Ref
from rollouts.api.rollout import SetHeaderRoute
from rollouts.wire import mergepatch
from trafficrouters.base import CreateRoute, Scope, TrafficSplit
from trafficrouters.gatewayapi import ROUTER as GATEWAY
from trafficrouters.nginx import ROUTER as NGINX

SERVICES = ("web-stable", "web-canary")
HEADERS = SetHeaderRoute.model_validate(
    {"name": "hdr", "match": [{"headerName": "x-beta", "headerValue": {"prefix": "v1."}}]}
)


def scope(total):
    return Scope(Key("shop", "web"), "uid-of-web", *SERVICES, managed=("hdr",), max_weight=total)


@st.composite
def splits(draw, total, *, is_idle=False):
    canary = 0 if is_idle else draw(st.integers(0, total))
    routes = () if is_idle or draw(st.booleans()) else (HEADERS,)
    return TrafficSplit(
        canary,
        total,
        canary_service=SERVICES[1],
        stable_service=SERVICES[0],
        routes=routes,
        managed=("hdr",),
        is_idle=is_idle,
    )


totals = st.sampled_from([1, 7, 100, 1000])
weights = st.fixed_dictionaries({}, optional={"weight": st.integers(0, 9)})


@st.composite
def rules(draw, names=("web-stable", "web-canary", "other")):
    refs = [{"name": name, "port": 80, **draw(weights)} for name in draw(st.permutations(names))]
    path = {"path": {"type": "Exact", "value": f"/{draw(st.integers(0, 99))}"}}
    further = {
        "filters": [{"type": "X"}],
        "timeouts": {"request": "1s"},
        "name": draw(st.sampled_from(["main", "hdr-9"])),
    }
    some = {key: value for key, value in further.items() if draw(st.booleans())}
    return {"matches": [path], "backendRefs": refs, "future": {"field": [1]}, **some}


sides = st.sets(st.sampled_from(["web-stable", "web-canary", "other"]), min_size=1).map(sorted)
rule_lists = st.tuples(rules(), st.lists(sides.flatmap(rules), max_size=3)).map(lambda found: [found[0], *found[1]])


def route(rules):
    metadata = {"name": "web", "namespace": "shop", "annotations": {"their": "own"}, "labels": {"app": "web"}}
    return {"metadata": metadata, "spec": {"hostnames": ["a"], "rules": rules}, "status": {"parents": []}}


def seen(kind, *raws):
    objects = [Object(msgspec.convert(raw["metadata"], Metadata), raw) for raw in raws]
    return {Ref(kind, found.metadata.namespace, found.metadata.name): found for found in objects}


def after(kind, changes, observed):
    """The objects once *changes* are written."""
    raws = {ref: found.raw for ref, found in observed.items()}
    for change in changes:
        written = change.body if isinstance(change, CreateRoute) else mergepatch.apply(raws[change.ref], change.patch)
        raws[change.ref] = deepcopy(dict(written))
    return seen(kind, *raws.values())


def settled(router, config, split, kind, observed):
    """The objects after as many renders as it takes, which must be few."""
    for _ in range(3):
        changes = router.render(config, scope(split.total), split, observed)
        if not changes:
            return observed
        observed = after(kind, changes, observed)
    raise AssertionError("does not come to rest")


GATEWAY_CONFIG = GATEWAY.decode({"httpRoute": "web"}, "plugins.argoproj-labs/gatewayAPI", scope(100))


def only(observed):
    (found,) = observed.values()
    return found.raw


def pairs(raw):
    found = [{ref["name"]: ref.get("weight", 1) for ref in rule["backendRefs"]} for rule in raw["spec"]["rules"]]
    return [rule for rule in found if {*SERVICES} <= {*rule}]


@settings(max_examples=200, deadline=None)
@given(st.data(), rule_lists, totals)
def test_a_written_split_stays_written_and_adds_up(data, rules, total):
    split = data.draw(splits(total))
    observed = seen(HTTP_ROUTE, route(rules))
    written = after(HTTP_ROUTE, GATEWAY.render(GATEWAY_CONFIG, scope(total), split, observed), observed)
    assert GATEWAY.render(GATEWAY_CONFIG, scope(total), split, written) == ()
    assert pairs(only(written))
    for pair in pairs(only(written)):
        assert (pair["web-stable"], pair["web-canary"]) == (total - split.canary, split.canary)


@settings(max_examples=200, deadline=None)
@given(st.data(), rule_lists, totals)
def test_no_rule_is_made_to_send_nothing(data, rules, total):
    observed = settled(GATEWAY, GATEWAY_CONFIG, data.draw(splits(total)), HTTP_ROUTE, seen(HTTP_ROUTE, route(rules)))
    before = [sum(ref.get("weight", 1) for ref in rule["backendRefs"]) for rule in rules]
    now = [sum(ref.get("weight", 1) for ref in rule["backendRefs"]) for rule in only(observed)["spec"]["rules"]]
    assert now.count(0) <= before.count(0)


def services_of(rule):
    return [ref["name"] for ref in rule["backendRefs"]]


@settings(max_examples=200, deadline=None)
@given(st.data(), rule_lists, totals)
def test_after_any_release_the_route_is_what_its_user_wrote(data, rules, total):
    observed = seen(HTTP_ROUTE, route(rules))
    for _ in range(data.draw(st.integers(0, 4))):
        observed = settled(GATEWAY, GATEWAY_CONFIG, data.draw(splits(total)), HTTP_ROUTE, observed)
    idle = data.draw(splits(total, is_idle=True))
    users = [rule for rule in rules if not (rule.get("name") == "hdr-9" and services_of(rule) == ["web-canary"])]
    restored = only(settled(GATEWAY, GATEWAY_CONFIG, idle, HTTP_ROUTE, observed))
    # A rule of the user's that has a managed route's name and only the canary is ours by the contract.
    assert restored["spec"]["rules"] in (rules, users)
    assert {**restored, "spec": 0} == {**route([]), "spec": 0}


@settings(max_examples=200, deadline=None)
@given(st.data(), rule_lists, totals, st.lists(rules(), max_size=2))
def test_edits_in_mid_release_survive_it(data, rules, total, more):
    observed = settled(GATEWAY, GATEWAY_CONFIG, data.draw(splits(total)), HTTP_ROUTE, seen(HTTP_ROUTE, route(rules)))
    wrote = deepcopy(only(observed))
    wrote["spec"]["rules"] = data.draw(st.permutations([*rules, *more]))
    wrote["spec"]["hostnames"] = ["b"]
    observed = settled(GATEWAY, GATEWAY_CONFIG, data.draw(splits(total)), HTTP_ROUTE, seen(HTTP_ROUTE, wrote))
    restored = only(settled(GATEWAY, GATEWAY_CONFIG, data.draw(splits(total, is_idle=True)), HTTP_ROUTE, observed))
    assert restored["spec"]["hostnames"] == ["b"]
    assert weightless(restored) == weightless(wrote)


def weightless(raw):
    mine = [rule for rule in raw["spec"]["rules"] if not is_managed(rule)]
    return [{**rule, "backendRefs": [{**ref, "weight": 0} for ref in rule["backendRefs"]]} for rule in mine]


def is_managed(rule):
    return rule.get("name", "").startswith("hdr") and [ref["name"] for ref in rule["backendRefs"]] == ["web-canary"]


backends = st.sampled_from([{"service": {"name": name, "port": {"number": 80}}} for name in ("web-stable", "other")])
paths = st.builds(
    lambda path, backend: {"path": path, "pathType": "Exact", "backend": backend}, st.text("/a"), backends
)
STABLE_PATH = {
    "path": "/",
    "pathType": "Prefix",
    "backend": {"service": {"name": "web-stable", "port": {"name": "http"}}},
}


@st.composite
def ingresses(draw):
    further = draw(st.lists(st.lists(paths), max_size=2))
    rules = [{"host": "a", "http": {"paths": [STABLE_PATH]}}, *({"http": {"paths": found}} for found in further)]
    some = draw(
        st.fixed_dictionaries({}, optional={"ingressClassName": st.just("nginx"), "tls": st.just([{"hosts": ["a"]}])})
    )
    annotations = draw(st.dictionaries(st.sampled_from(["kubernetes.io/ingress.class", "their"]), st.just("x")))
    return {
        "metadata": {"name": "web", "namespace": "shop", "annotations": annotations},
        "spec": {**some, "rules": rules},
    }


@settings(max_examples=200, deadline=None)
@given(st.data(), ingresses(), totals)
def test_a_canary_ingress_stays_written_and_keeps_what_is_not_ours(data, stable, total):
    config = NGINX.decode({"stableIngress": "web"}, "nginx", scope(total))
    ref, canary = Ref(INGRESS, "shop", "web"), Ref(INGRESS, "shop", "web-web-canary")
    observed = settled(NGINX, config, data.draw(splits(total)), INGRESS, seen(INGRESS, stable))
    theirs = mergepatch.apply(
        observed[canary].raw, {"metadata": {"annotations": {"theirs": "1"}, "labels": {"their": "s"}}}
    )
    split = data.draw(splits(total))
    observed = settled(NGINX, config, split, INGRESS, seen(INGRESS, data.draw(ingresses()), theirs))
    assert NGINX.render(config, scope(total), split, observed) == ()
    now = observed[canary].metadata
    assert (now.annotations["theirs"], now.labels) == ("1", {"their": "s"})
    assert share(now.annotations) == split.canary / total
    assert any(key.endswith("canary-by-header") for key in now.annotations) == bool(split.routes)
    assert observed[ref].metadata.annotations.keys() <= {"kubernetes.io/ingress.class", "their"}


def share(annotations):
    """As data planes read it: a total below 100 is taken for 100."""
    prefix = "nginx.ingress.kubernetes.io/canary-weight"
    return int(annotations[prefix]) / max(int(annotations.get(f"{prefix}-total", 100)), 100)

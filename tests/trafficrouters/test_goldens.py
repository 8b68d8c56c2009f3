"""Every YAML file beside this one is a case: objects, configuration and split in, what the router says and does out.

One runner for all routers: the directory is named after the module. `UPDATE_GOLDENS=1 pytest tests/trafficrouters`
writes `expected` anew; review the difference.
"""

import importlib
import os
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import yaml

from rollouts.api import kinds
from rollouts.api.meta import Key, Kind, Metadata, Object, Ref
from rollouts.api.model import SpecError
from rollouts.api.rollout import SetHeaderRoute, SetMirrorRoute
from trafficrouters.base import CreateRoute, Scope, TrafficSplit

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("*/*.yaml"))
KINDS = {kind.name: kind for kind in vars(kinds).values() if isinstance(kind, Kind)}


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_golden(path):
    case = yaml.safe_load(path.read_text())
    found = outcome(path.parent.name, case)
    if os.environ.get("UPDATE_GOLDENS"):
        given = path.read_text().partition("\nexpected:")[0]
        path.write_text(f"{given}\n{yaml.safe_dump({'expected': found}, sort_keys=False, width=120)}")
    assert found == yaml.safe_load(path.read_text())["expected"]


def test_every_router_has_goldens():
    modules = {path.stem for path in (HERE.parents[1] / "trafficrouters").iterdir() if path.stem[0] not in "_R"}
    assert {path.parent.name for path in CASES} == modules - {"base"}


def outcome(name, case):
    """What the router says to a case; parts that say nothing are left out."""
    router = importlib.import_module(f"trafficrouters.{name}").ROUTER
    scope = scope_of(case.get("scope", {}))
    path = case.get("path", f"spec.strategy.canary.trafficRouting.{router.keys[0]}")
    split = split_of(case.get("split", {}), scope)
    try:
        config = router.decode(case["config"], path, scope)
        observed = {ref: found for raw in case["observed"] for ref, found in [object_of(raw)]}
        changes = router.render(config, scope, split, observed)
    except SpecError as error:
        return {"refused": str(error)}
    settles_at = router.settles_at(config, scope, observed)
    said = {
        "problems": [str(problem) for problem in router.check(config, scope, observed)],
        "changes": [change_of(change) for change in changes],
        "waits": list(router.waits(config, scope, split, observed)),
        "caveat": router.caveat(config, scope, observed),
        "settlesAt": settles_at.isoformat() if settles_at else None,
    }
    return {key: value for key, value in said.items() if value}


def scope_of(raw):
    return Scope(
        rollout=Key("shop", raw.get("rollout", "web")),
        uid="uid-of-web",
        stable_service=raw.get("stableService", "web-stable"),
        canary_service=raw.get("canaryService", "web-canary"),
        managed=tuple(raw.get("managed", ())),
        max_weight=raw.get("maxTrafficWeight"),
        settle=timedelta(seconds=raw.get("settle", 0)),
    )


def split_of(raw, scope):
    return TrafficSplit(
        canary=raw.get("canary", 0),
        total=scope.total,
        canary_service=scope.canary_service,
        stable_service=scope.stable_service,
        routes=tuple(map(route_of, raw.get("routes", ()))),
        managed=scope.managed,
        is_idle=raw.get("isIdle", False),
    )


def route_of(raw):
    (kind, fields), *_ = raw.items()
    return {"setHeaderRoute": SetHeaderRoute, "setMirrorRoute": SetMirrorRoute}[kind].model_validate(fields)


def object_of(raw):
    metadata = msgspec.convert(raw["metadata"], Metadata, strict=False)
    return Ref(KINDS[raw["kind"]], metadata.namespace, metadata.name), Object(metadata, raw)


def change_of(change):
    verb = "create" if isinstance(change, CreateRoute) else "patch"
    content = {"body": change.body} if verb == "create" else {"patch": change.patch, "at": change.resource_version}
    event = {"event": asdict(change.event)} if change.event else {}
    return plain({verb: str(change.ref), **content, "because": change.because, **event})


def plain(value):
    """Without tuples and shared parts, as YAML would read it back."""
    return yaml.safe_load(yaml.safe_dump(msgspec.to_builtins(value)))

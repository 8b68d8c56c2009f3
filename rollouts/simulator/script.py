"""A release told as a story: what is there, what people do and wait for; and the timeline that comes of it.

```yaml
about: A person aborts in the pause.
objects: [...]            # manifests; the first Rollout is the hero. What it refers to and is missing is made up
cluster: {neverReady: [web:2], lags: {proxy: [0, 20]}}
story:
- until: Healthy          # or a list: whichever comes first
- image: web:2
- until: Paused
- wait: 1s
- abort                   # also: promote, promote full, retry, pause, resume
- patch: {spec: {replicas: 8}}
- rest                    # until nothing more happens
```
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rollouts.api.kinds import (
    ANALYSIS_TEMPLATE,
    CLUSTER_ANALYSIS_TEMPLATE,
    DEPLOYMENT,
    GATEWAY,
    HTTP_ROUTE,
    INGRESS,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    ROLLOUT,
    SERVICE,
    STATEFUL_SET,
)
from rollouts.api.meta import Json, Kind, Ref
from rollouts.api.model import Model
from rollouts.simulator.lags import Lags
from rollouts.simulator.timeline import Simulation
from rollouts.simulator.world import Habits, World
from rollouts.wire.durations import parse_go_duration

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE: Final = timedelta(hours=24)
KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        ROLLOUT,
        SERVICE,
        INGRESS,
        HTTP_ROUTE,
        GATEWAY,
        DEPLOYMENT,
        REPLICA_SET,
        STATEFUL_SET,
        POD_DISRUPTION_BUDGET,
        ANALYSIS_TEMPLATE,
        CLUSTER_ANALYSIS_TEMPLATE,
    )
}
Entry = str | Mapping[str, Any]


class ScriptError(Exception):
    """A story that cannot be told: what is wrong, and what would be right."""


class Cluster(Model):
    """How the cluster behaves; `lags` in seconds, each [least, most]."""

    never_ready: tuple[str, ...] = ()
    verdicts: Mapping[str, tuple[str, ...]] = {}
    lags: Mapping[str, tuple[float, float]] = {}
    seed: int = 0
    settle: float | None = None

    def world(self) -> World:
        """An empty cluster that behaves so."""
        normal = Habits().verdicts
        habits = Habits(frozenset(self.never_ready), {**normal, **self.verdicts})
        return World(START, Lags(self.seed, **self.lags), habits)


class Script(Model):
    """What is there and what happens."""

    about: str = ""
    objects: tuple[Mapping[str, Any], ...] = ()
    cluster: Cluster = Cluster()
    story: tuple[str | Mapping[str, Any], ...] = ()


def begun(script: Script) -> Simulation:
    """The script's objects in a world, nothing done yet. Raises ScriptError."""
    world = script.cluster.world()
    heroes = [body for body in script.objects if body.get("kind") == ROLLOUT.name]
    if not heroes:
        raise ScriptError("there is no Rollout among the objects: give one, kind: Rollout")
    for body in script.objects:
        if body.get("kind") not in KINDS:
            raise ScriptError(f"kind {body.get('kind')!r} is not known here: one of {', '.join(sorted(KINDS))} is")
        if body is not heroes[0]:
            world.create(KINDS[body["kind"]], _in_a_namespace(body))
    for kind, body in furniture(heroes[0]):
        if world.objects.get(Ref(kind, body["metadata"]["namespace"], body["metadata"]["name"])) is None:
            world.create(kind, body)
    settle = script.cluster.settle
    ref = world.create(ROLLOUT, _in_a_namespace(heroes[0]))
    return Simulation(world, ref, None if settle is None else timedelta(seconds=settle))


def played(script: Script) -> Simulation:
    """The whole story. Raises ScriptError, Stuck or HotLoop."""
    simulation = begun(script)
    for entry in script.story:
        act(simulation, entry)
    return simulation


def default_story(rollout: Json) -> list[Entry]:
    """First deploy, then another image, then whatever comes; an endless pause is ended by nobody."""
    containers: Sequence[Json] = ((rollout["spec"].get("template") or {}).get("spec") or {}).get("containers") or ({},)
    image = str(containers[0].get("image") or "app")
    name = image.partition("@")[0]
    repository = name[: name.rindex(":")] if ":" in name.rpartition("/")[2] else name
    return [{"until": ["Healthy", "Degraded"]}, {"wait": "10s"}, {"image": f"{repository}:next"}, "rest"]


def _in_a_namespace(body: Json) -> dict[str, Any]:
    return {**body, "metadata": {"namespace": "default", **body["metadata"]}}


# What people do


def act(simulation: Simulation, entry: Entry) -> None:
    """One entry of a story. Raises ScriptError."""
    word, value = (entry, None) if isinstance(entry, str) else next(iter(entry.items()))
    if word.startswith("patch ") and "/" in word:
        _patch_other(simulation, word.removeprefix("patch "), value)
        return
    verb = VERBS.get(word)
    if verb is None:
        raise ScriptError(f"story: {word!r} is not known: one of {', '.join(VERBS)} is")
    if word not in {"until", "wait", "rest"}:
        simulation.tell(word if value is None else f"{word}: {value}")
    verb(simulation, value)


def _until(simulation: Simulation, value: Any) -> None:
    phases = frozenset([value] if isinstance(value, str) else value)
    simulation.run_to(phases, PATIENCE)


def _rest(simulation: Simulation, _: Any) -> None:
    end = simulation.world.now + PATIENCE
    simulation.rest()
    while simulation.next is not None and simulation.next <= end:
        simulation.run(simulation.next)


def _wait(simulation: Simulation, value: Any) -> None:
    simulation.run(simulation.world.now + parse_go_duration(value))


def _patch(simulation: Simulation, value: Any) -> None:
    if "status" in value:
        simulation.world.patch_status(simulation.rollout, value["status"])
    rest = {key: part for key, part in value.items() if key != "status"}
    if rest:
        simulation.world.patch(simulation.rollout, rest)


def _patch_other(simulation: Simulation, place: str, value: Any) -> None:
    kind, _, name = place.partition("/")
    simulation.tell(f"patch {place}: {value}")
    simulation.world.patch(Ref(KINDS[kind], simulation.rollout.namespace, name), value, manager="kubectl")


def _container(simulation: Simulation, value: Any) -> None:
    """Change the first container, of the Rollout or of the workload it refers to."""
    ref = _workload(simulation)
    raw = simulation.world.objects.get(ref) or {}
    first, *others = raw["spec"]["template"]["spec"]["containers"]
    changed = {key: member for key, member in {**first, **value}.items() if member is not None}
    simulation.world.patch(ref, {"spec": {"template": {"spec": {"containers": [changed, *others]}}}})


def _workload(simulation: Simulation) -> Ref:
    """What has the template: the Rollout, or the workload it refers to."""
    raw = simulation.world.objects.get(simulation.rollout) or {}
    named = raw["spec"].get("workloadRef") or {}
    if not named:
        return simulation.rollout
    return Ref(KINDS[named.get("kind", DEPLOYMENT.name)], simulation.rollout.namespace, named["name"])


def _scale(simulation: Simulation, value: Any) -> None:
    """People scale a StatefulSet itself, and else the Rollout."""
    ref = _workload(simulation)
    ref = ref if ref.kind == STATEFUL_SET else simulation.rollout
    simulation.world.patch(ref, {"spec": {"replicas": value}})


def _delete(simulation: Simulation, value: Any) -> None:
    """The Rollout, or `delete: StatefulSet/db`."""
    kind, _, name = str(value or "").partition("/")
    simulation.world.remove(Ref(KINDS[kind], simulation.rollout.namespace, name) if name else simulation.rollout)


def _status(**status: Any) -> Callable[[Simulation, Any], None]:
    return lambda simulation, _: simulation.world.patch_status(simulation.rollout, status)


def _spec(**spec: Any) -> Callable[[Simulation, Any], None]:
    return lambda simulation, _: simulation.world.patch(simulation.rollout, {"spec": spec})


def _promote(simulation: Simulation, _: Any) -> None:
    """As the clients of the contract do it: end the pause, else skip the step."""
    status = simulation.status
    snapshot = simulation.snapshot()
    count = len(snapshot.steps) if snapshot else 0
    skipped = min((status.current_step_index or 0) + 1, count)
    run = status.canary.current_step_analysis_run_status
    if run and run.status == "Inconclusive" and status.pause_conditions and status.controller_pause:
        change = {"pauseConditions": None, "controllerPause": False, "currentStepIndex": skipped}
    elif status.pause_conditions:
        change = {"pauseConditions": None}
    else:
        change = {"pauseConditions": None, "currentStepIndex": skipped}
    simulation.world.patch_status(simulation.rollout, change)


def _kill(simulation: Simulation, value: Any) -> None:
    """`kill: {stable: 1}`: pods of the stable or canary revision die."""
    status = simulation.status
    for role, number in value.items():
        simulation.world.kill(status.stable_rs if role == "stable" else status.current_pod_hash, number)


VERBS: Final[Mapping[str, Callable[[Simulation, Any], None]]] = {
    "until": _until,
    "wait": _wait,
    "rest": _rest,
    "image": lambda simulation, value: _container(simulation, {"image": value}),
    "container": _container,
    "scale": _scale,
    "delete": _delete,
    "patch": _patch,
    "promote": _promote,
    "promote full": _status(promoteFull=True),
    "abort": _status(abort=True),
    "retry": _status(abort=False),
    "pause": _spec(paused=True),
    "resume": _spec(paused=False),
    "kill": _kill,
}


# What a Rollout refers to


def furniture(rollout: Json) -> list[tuple[Kind, dict[str, Any]]]:
    """Plain Services and routes of the names that the Rollout's strategy gives."""
    strategy = rollout["spec"].get("strategy") or {}
    canary, other = strategy.get("canary") or {}, strategy.get("blueGreen") or {}
    namespace = rollout["metadata"].get("namespace", "default")
    stable, fresh = canary.get("stableService"), canary.get("canaryService")
    selector = (rollout["spec"].get("selector") or {}).get("matchLabels") or {}
    found: list[tuple[Kind, dict[str, Any]]] = []
    named: tuple[Any, ...] = (stable, fresh)
    if (rollout["spec"].get("workloadRef") or {}).get("kind") == STATEFUL_SET.name:
        # The Services of its revisions are made by the controller.
        name = rollout["metadata"]["name"]
        stable, fresh, named = stable or f"{name}-stable", fresh or f"{name}-canary", ()
    for name in filter(None, (*named, other.get("activeService"), other.get("previewService"))):
        spec = {"selector": dict(selector), "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
        found.append((SERVICE, {"metadata": {"name": name, "namespace": namespace}, "spec": spec}))
    routing = canary.get("trafficRouting") or {}
    for name in _ingresses(routing.get("nginx") or {}):
        path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": stable, "port": {"number": 80}}}}
        rules = [{"host": f"{name}.example.com", "http": {"paths": [path]}}]
        spec = {"ingressClassName": "nginx", "rules": rules}
        found.append((INGRESS, {"metadata": {"name": name, "namespace": namespace}, "spec": spec}))
    for name in _http_routes(routing):
        refs = [{"name": stable, "port": 80}, {"name": fresh, "port": 80, "weight": 0}]
        spec = {"parentRefs": [{"name": "gateway"}], "rules": [{"backendRefs": refs}]}
        found.append((HTTP_ROUTE, {"metadata": {"name": name, "namespace": namespace}, "spec": spec}))
        found.append((GATEWAY, {"metadata": {"name": "gateway", "namespace": namespace}, "spec": {}}))
    return found


def _ingresses(nginx: Json) -> list[str]:
    return [name for name in (nginx.get("stableIngress"), *(nginx.get("stableIngresses") or ())) if name]


def _http_routes(routing: Json) -> list[str]:
    configs = [routing.get("gatewayAPI"), (routing.get("plugins") or {}).get("argoproj-labs/gatewayAPI")]
    names = [name for config in configs if config for name in (config.get("httpRoute"), *_names(config)) if name]
    return list(dict.fromkeys(names))


def _names(config: Json) -> list[str]:
    return [route["name"] for route in config.get("httpRoutes") or ()]

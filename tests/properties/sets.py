"""Any release of a StatefulSet, in any cluster, disturbed by anybody; and who watches its pods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from rollouts.api import keys
from rollouts.api.kinds import POD, STATEFUL_SET
from rollouts.planner.actions import DeletePod, EvictPod
from rollouts.simulator.script import Cluster, Script, begun
from rollouts.simulator.timeline import Simulation
from rollouts.simulator.world import World
from tests.properties.judges import Judge
from tests.properties.releases import Entry

ROUTERS = ("alone", "nginx", "gatewayAPI")
ROUTING = {
    "alone": {},
    "nginx": {"nginx": {"stableIngress": "web"}},
    "gatewayAPI": {"gatewayAPI": {"httpRoute": "web"}},
}
RESET: Entry = {"patch StatefulSet/db": {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}}}
IMAGES = st.integers(1, 3).map(lambda tag: {"image": f"db:{tag}"})
SCALES = st.integers(2, 7).map(lambda count: {"scale": count})
COMMANDS = st.sampled_from(["abort", "retry", "promote", "promote full", "pause", "resume"])


@dataclass(frozen=True)
class SetRelease:
    """One Rollout of a StatefulSet, its cluster, and what people do: (seconds to wait, what)."""

    router: str
    replicas: int
    steps: Sequence[Mapping[str, Any]]
    spec: Mapping[str, Any]
    cluster: Mapping[str, Any]
    edits: Sequence[tuple[float, Entry]]

    @property
    def script(self) -> Script:
        """The release before anybody does anything."""
        canary = {"trafficRouting": {"statefulSet": {}, **ROUTING[self.router]}, "steps": list(self.steps)}
        ref = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"}
        rollout = {
            "kind": "Rollout",
            "metadata": {"name": "db"},
            "spec": {"workloadRef": ref, "strategy": {"canary": canary}},
        }
        containers = [{"name": "c", "image": "db:1", "ports": [{"containerPort": 80}]}]
        template = {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": containers}}
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
        spec = {
            "replicas": self.replicas,
            "selector": {"matchLabels": {"app": "db"}},
            "template": template,
            "updateStrategy": strategy,
            **self.spec,
        }
        metric = {"name": "m", "provider": {"web": {"url": "http://metrics.example.com"}}}
        checks = {"kind": "AnalysisTemplate", "metadata": {"name": "checks"}, "spec": {"metrics": [metric]}}
        workload = {"kind": "StatefulSet", "metadata": {"name": "db"}, "spec": spec}
        return Script(objects=(rollout, workload, checks), cluster=Cluster.model_validate(self.cluster))


def spans(least: float, most: float) -> st.SearchStrategy[list[float]]:
    number = st.integers(int(least * 10), int(most * 10)).map(lambda tenths: tenths / 10)
    return st.tuples(number, number).map(sorted)


@st.composite
def set_releases(draw: st.DrawFn, router: str, *, verbs: Sequence[Any] = (), bad: bool = False) -> SetRelease:
    """A release that begins with another image, whose steps never expose every pod."""
    weights = st.sampled_from([1, 20, 33, 50, 80, 99])
    kinds = [
        weights.map(lambda weight: {"setWeight": weight}),
        st.integers(1, 30).map(lambda seconds: {"pause": {"duration": seconds}}),
        st.integers(1, 3).map(lambda count: {"setCanaryScale": {"replicas": count}}),
        st.just({"analysis": {"templates": [{"templateName": "checks"}]}}),
    ]
    replicas = draw(st.integers(4, 6))
    lags = {"ready": draw(spans(1, 12)), "counts": draw(spans(0, 2)), "going": draw(spans(0, 4))}
    never = draw(st.sampled_from([[], ["db:2"], ["db:3"]])) if bad else []
    wait = st.sampled_from([0.0, 1.0, 3.0, 10.0, 40.0])
    edits = draw(st.lists(st.tuples(wait, st.one_of(list(verbs))), max_size=4)) if verbs else []
    spec = {"podManagementPolicy": draw(st.sampled_from(["OrderedReady", "Parallel"]))}
    cluster = {"lags": lags, "neverReady": never, "seed": draw(st.integers(0, 1000))}
    first = (0.0, {"image": "db:2"})
    return SetRelease(router, replicas, draw(st.lists(st.one_of(kinds), max_size=5)), spec, cluster, (first, *edits))


def placed(world: World) -> dict[str, tuple[str, bool]]:
    """Revision and readiness of every pod that nobody deleted."""
    return {
        raw["metadata"]["name"]: (raw["metadata"]["labels"][keys.REVISION_LABEL], is_ready(raw))
        for raw in world.objects.of(POD)
        if "deletionTimestamp" not in raw["metadata"]
    }


def is_ready(raw: Mapping[str, Any]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in raw["status"]["conditions"])


def the_set(world: World) -> dict[str, Any]:
    return world.objects.of(STATEFUL_SET)[0]


def outcome_of_set(simulation: Simulation) -> dict[str, Any]:
    """How it ended."""
    status, found = simulation.status, the_set(simulation.world)
    return {
        "phase": status.phase,
        "stable": status.stable_rs,
        "step": status.current_step_index,
        "pods": placed(simulation.world),
        "partition": found["spec"]["updateStrategy"]["rollingUpdate"]["partition"],
        "traffic": list(simulation.world.traffic()),
    }


class OneAtATime(Judge):
    """No ready pod is taken while another place has no ready one: not one pod more is missing through our doing."""

    def look(self, world: World, what: str) -> None:
        """Actions are judged before they are carried out."""

    def judge(self, world: World, action: Any) -> None:
        if not isinstance(action, EvictPod | DeletePod):
            return
        pods, replicas = placed(world), the_set(world)["spec"]["replicas"]
        _, ready = pods.get(action.target.key.name, ("", False))
        others = [pods.get(f"db-{n}", ("", False))[1] for n in range(replicas) if f"db-{n}" != action.target.key.name]
        if ready and not all(others):
            self.charges.append(f"{world.now}: {action.because} while others are not ready: {pods}")
        if ready and isinstance(action, DeletePod):
            self.charges.append(f"{world.now}: a ready pod is deleted: {action.because}")


class JudgedWorld(World):
    """A world in which every action is judged before it is carried out."""

    judge: OneAtATime = OneAtATime()

    def apply(self, action: Any, versions: Any) -> None:
        self.judge.judge(self, action)
        super().apply(action, versions)


def judged(release: SetRelease, judge: OneAtATime) -> Simulation:
    """The release at its beginning, with somebody watching."""
    simulation = begun(release.script)
    simulation.world.__class__ = JudgedWorld
    simulation.world.judge = judge  # type: ignore[attr-defined]
    return simulation

"""Any blue-green release, in any cluster, disturbed by anybody; and who watches where users are led."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from rollouts.api import keys
from rollouts.api.kinds import SERVICE
from rollouts.api.meta import Ref
from rollouts.planner.actions import SwitchService
from rollouts.simulator.script import Script, begun
from rollouts.simulator.timeline import Simulation
from rollouts.simulator.world import World
from tests.properties.judges import Judge, WatchedWorld, hero
from tests.properties.releases import IMAGES, SCALES, Release, clusters, counts, edits, merged, optional

# Less than the time that old pods stay after a switch whatever was asked for.
PROXY_LAG = 10
ASK = {"templates": [{"templateName": "checks"}]}
VERDICTS = ("Successful", "Failed", "Error", "Inconclusive")
COMMANDS = st.sampled_from(["abort", "retry", "promote", "promote full", "pause", "resume"])
TYPED = st.sampled_from(["abort", "retry", "promote", "promoteFull"]).map(
    lambda verb: {"patch": {"spec": {verb: True}}}
)
PEOPLE = (IMAGES, SCALES, COMMANDS, TYPED)


@dataclass(frozen=True)
class SidesRelease(Release):
    """The same with the blue-green strategy, led to by an Ingress."""

    @property
    def script(self) -> Script:
        plain = replace(self, canary={}, router="basic")
        rollout, checks = Release.script.fget(plain).objects  # type: ignore[attr-defined]
        strategy = {"blueGreen": {"activeService": "active", **self.canary}}
        spec = {**rollout["spec"], "strategy": strategy}
        backend = {"service": {"name": "active", "port": {"number": 80}}}
        rules = [{"host": "web.example.com", "http": {"paths": [{"path": "/", "backend": backend}]}}]
        ingress = {"kind": "Ingress", "metadata": {"name": "web"}, "spec": {"rules": rules}}
        known = Release.script.fget(plain).cluster  # type: ignore[attr-defined]
        return Script(objects=({**rollout, "spec": spec}, checks, ingress), cluster=known)


def strategies(*, manual: bool) -> st.SearchStrategy[dict[str, Any]]:
    parts = [
        optional("previewService", st.just("preview")),
        optional("previewReplicaCount", st.integers(1, 5)),
        optional("autoPromotionSeconds", st.integers(1, 30)),
        optional("scaleDownDelaySeconds", st.integers(0, 60)),
        optional("scaleDownDelayRevisionLimit", st.integers(0, 3)),
        optional("abortScaleDownDelaySeconds", st.integers(0, 60)),
        optional("prePromotionAnalysis", st.just(ASK)),
        optional("postPromotionAnalysis", st.just(ASK)),
    ]
    if manual:
        parts.append(optional("autoPromotionEnabled", st.just(False)))
    return merged(*parts)


@st.composite
def side_releases(
    draw: st.DrawFn,
    *,
    manual: bool = False,
    bad: bool = False,
    verdicts: Sequence[str] = ("Successful",),
    verbs: Sequence[Any] = PEOPLE,
) -> SidesRelease:
    """A release that begins with another image; *verbs* are what may happen during it."""
    cluster = draw(clusters(bad=bad, verdicts=verdicts))
    lag = draw(st.integers(0, PROXY_LAG)) / 10
    every = st.lists(st.sampled_from(verdicts), min_size=1, max_size=3)
    spec = (
        optional("minReadySeconds", st.integers(1, 5))
        if draw(st.booleans())
        else st.just({"rollbackWindow": {"revisions": 2}})
    )
    return SidesRelease(
        "basic",
        draw(counts),
        draw(strategies(manual=manual)),
        draw(spec),
        {
            **cluster,
            "lags": {**cluster["lags"], "endpoints": [0, 0], "proxy": [0, lag]},
            "verdicts": {"PrePromotion": draw(every), "PostPromotion": draw(every)},
        },
        ((0.0, {"image": "web:2"}), *(draw(edits(*verbs)) if verbs else ())),
    )


def watched_sides(release: SidesRelease, judge: Judge) -> Simulation:
    """The release at its beginning, with somebody watching."""
    simulation = begun(release.script)
    simulation.world.__class__ = SwitchedWorld
    simulation.world.judge = judge  # type: ignore[attr-defined]
    return simulation


def selected(world: World, service: str) -> str:
    """The revision that a Service selects."""
    raw: Mapping[str, Any] = world.objects.get(Ref(SERVICE, "default", service)) or {"spec": {"selector": {}}}
    return str(raw["spec"]["selector"].get(keys.HASH_LABEL, ""))


class Switches(Judge):
    """The active Service never goes to a revision that has fewer pods than it needs.

    Needed are all replicas, on the way back from an aborted release as many as the aborted one has, and one at least.
    """

    def __init__(self) -> None:
        super().__init__()
        self.switched = 0

    def switching(self, world: World, action: SwitchService) -> None:
        """About to be written."""
        rollout, available = hero(world), world.available()
        wanted = rollout["spec"]["replicas"]
        if action.target.key.name != "active" or not wanted:
            return
        self.switched += 1
        is_back = (rollout.get("status") or {}).get("stableRS") == action.hash
        serving = available.get(selected(world, "active"), 0)
        need = max(1, min(wanted, serving)) if is_back and serving else wanted
        if available.get(action.hash, 0) < need:
            self.charges.append(f"{world.now}: {action.because}, which has {available.get(action.hash, 0)} of {need}")


class SwitchedWorld(WatchedWorld):
    """A world in which a judge sees switches before they are written."""

    def apply(self, action: Any, versions: dict[Ref, str]) -> None:
        if isinstance(action, SwitchService) and isinstance(self.judge, Switches):
            self.judge.switching(self, action)
        super().apply(action, versions)

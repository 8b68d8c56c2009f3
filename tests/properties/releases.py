"""Any release, in any cluster, disturbed by anybody: what Hypothesis draws, and how it is lived through."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from rollouts.simulator.script import Cluster, Script, act, begun
from rollouts.simulator.timeline import Simulation

# The same draws for everybody: what a change breaks is seen on it and not on the next one. The others draw anew.
settings.register_profile(
    "default", max_examples=34, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
settings.register_profile("deep", max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
# Finds more in less time, and shows what it found as it was drawn.
settings.register_profile(
    "seek", max_examples=500, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
settings.load_profile(os.environ.get("ROLLOUTS_PROPERTIES", "default"))

ROUTERS = ("basic", "nginx", "gatewayAPI")
PROXY_LAG = 20
# Longer than any data plane of these clusters needs: an operator sets it so.
SETTLE = PROXY_LAG + 5
HOUR = timedelta(hours=1)

Entry = str | Mapping[str, Any]


@dataclass(frozen=True)
class Release:
    """One Rollout, its cluster, and what people do after the first deploy: (seconds to wait, what)."""

    router: str
    replicas: int
    canary: Mapping[str, Any]
    spec: Mapping[str, Any]
    cluster: Mapping[str, Any]
    edits: Sequence[tuple[float, Entry]] = field(default=())

    @property
    def script(self) -> Script:
        """The release before anybody does anything."""
        template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}}
        rollout = {
            "kind": "Rollout",
            "metadata": {"name": "web"},
            "spec": {
                "replicas": self.replicas,
                "selector": {"matchLabels": {"app": "web"}},
                "template": template,
                "strategy": {"canary": {**self.canary, **_routing(self.router)}},
                **self.spec,
            },
        }
        metric = {"name": "m", "provider": {"web": {"url": "http://metrics.example.com"}}}
        checks = {"kind": "AnalysisTemplate", "metadata": {"name": "checks"}, "spec": {"metrics": [metric]}}
        cluster = {**self.cluster, **({} if self.router == "basic" else {"settle": SETTLE})}
        return Script(objects=(rollout, checks), cluster=Cluster.model_validate(cluster))


def _routing(router: str) -> dict[str, Any]:
    config = {"nginx": {"nginx": {"stableIngress": "web"}}, "gatewayAPI": {"gatewayAPI": {"httpRoute": "web"}}}
    if router == "basic":
        return {}
    return {"stableService": "web-stable", "canaryService": "web-canary", "trafficRouting": config[router]}


# Drawing


weights = st.sampled_from([0, 1, 5, 20, 33, 50, 75, 99, 100]) | st.integers(0, 100)
counts = st.integers(0, 12)
durations = st.integers(1, 60)


def steps(router: str, *, manual: bool) -> st.SearchStrategy[dict[str, Any]]:
    kinds = [
        weights.map(lambda weight: {"setWeight": weight}),
        durations.map(lambda seconds: {"pause": {"duration": seconds}}),
        st.just({"analysis": {"templates": [{"templateName": "checks"}]}}),
    ]
    if manual:
        kinds.append(st.just({"pause": {}}))
    if router != "basic":
        scales = (
            st.just({"matchTrafficWeight": True})
            | counts.map(lambda count: {"replicas": count})
            | weights.map(lambda weight: {"weight": weight})
        )
        kinds.append(scales.map(lambda scale: {"setCanaryScale": scale}))
    return st.one_of(kinds)


def optional(key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.just({}) | values.map(lambda value: {key: value})


def merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda found: {key: value for part in found for key, value in part.items()})


def canaries(router: str, *, manual: bool) -> st.SearchStrategy[dict[str, Any]]:
    number = st.integers(0, 4) | st.sampled_from(["0%", "10%", "25%", "50%", "100%"])
    parts = [
        st.lists(steps(router, manual=manual), max_size=6).map(lambda found: {"steps": found}),
        optional("analysis", st.just({"templates": [{"templateName": "checks"}]})),
    ]
    if router == "basic":
        parts += [optional("maxSurge", number), optional("maxUnavailable", number)]
    else:
        parts += [
            optional("scaleDownDelaySeconds", st.integers(30, 90)),
            optional("abortScaleDownDelaySeconds", st.just(0) | st.integers(30, 90)),
            optional("minPodsPerReplicaSet", st.integers(1, 4)),
            optional("scaleDownDelayRevisionLimit", st.integers(1, 3)),
        ]
    return merged(*parts).filter(_can_move)


def _can_move(canary: Mapping[str, Any]) -> bool:
    return (
        str(canary.get("maxSurge", "25")).strip("%") != "0" or str(canary.get("maxUnavailable", "25")).strip("%") != "0"
    )


def clusters(*, bad: bool, verdicts: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    def span(least: float, most: float) -> st.SearchStrategy[list[float]]:
        number = st.integers(int(least * 10), int(most * 10)).map(lambda tenths: tenths / 10)
        return st.tuples(number, number).map(sorted)

    lags = st.fixed_dictionaries(
        {
            "ready": span(1, 15),
            "counts": st.just([0, 0]) | span(0, 2),
            "endpoints": st.just([0, 0]) | span(0, 2),
            "proxy": st.just([0, 0]) | span(0, PROXY_LAG),
            "gateway": span(0, 3),
            "runs": span(1, 30),
        }
    )
    parts = [
        lags.map(lambda found: {"lags": found}),
        st.integers(0, 1000).map(lambda seed: {"seed": seed}),
        st.lists(st.sampled_from(verdicts), min_size=1, max_size=3).map(lambda found: {"verdicts": {"Step": found}}),
    ]
    if bad:
        images = st.sampled_from([[], ["web:2"], ["web:3"]])
        parts.append(images.map(lambda found: {"neverReady": found}))
    return merged(*parts)


def edits(*verbs: Entry | st.SearchStrategy[Entry], most: int = 5) -> st.SearchStrategy[list[tuple[float, Entry]]]:
    one = st.one_of([verb if isinstance(verb, st.SearchStrategy) else st.just(verb) for verb in verbs])
    wait = st.sampled_from([0.0, 0.5, 1.0, 3.0, 10.0, 35.0, 100.0])
    return st.lists(st.tuples(wait, one), max_size=most)


IMAGES = st.integers(1, 3).map(lambda tag: {"image": f"web:{tag}"})
SCALES = counts.map(lambda count: {"scale": count})
COMMANDS = st.sampled_from(["abort", "retry", "promote", "promoteFull"]).map(
    lambda verb: {"patch": {"spec": {verb: True}}}
)
PEOPLE = (IMAGES, SCALES, COMMANDS, "abort", "retry", "promote", "promote full")


@st.composite
def releases(
    draw: st.DrawFn,
    router: str,
    *,
    manual: bool = False,
    bad: bool = False,
    verdicts: Sequence[str] = ("Successful",),
    verbs: Sequence[Entry | st.SearchStrategy[Entry]] = PEOPLE,
) -> Release:
    """A release that begins with another image; *verbs* are what may happen during it."""
    spec = merged(
        optional("minReadySeconds", st.integers(1, 5)), optional("progressDeadlineSeconds", st.integers(20, 90))
    )
    return Release(
        router,
        draw(counts),
        draw(canaries(router, manual=manual)),
        draw(spec),
        draw(clusters(bad=bad, verdicts=verdicts)),
        ((0.0, {"image": "web:2"}), *(draw(edits(*verbs)) if verbs else ())),
    )


# Living


class Told(Protocol):
    """A release of whatever kind: its beginning, and what people do."""

    @property
    def script(self) -> Script:
        """The release before anybody does anything."""
        ...

    @property
    def edits(self) -> Sequence[tuple[float, Entry]]:
        """What people do after the first deploy: (seconds to wait, what)."""
        ...


def begun_to_live(release: Told, simulation: Simulation | None = None) -> Simulation:
    """The release up to the last edit."""
    simulation = simulation or begun(release.script)
    simulation.run_to(frozenset({"Healthy"}), HOUR)
    for seconds, entry in release.edits:
        simulation.run(simulation.world.now + timedelta(seconds=seconds))
        act(simulation, entry)
    return simulation


def lived(release: Told, simulation: Simulation | None = None) -> Simulation:
    """The release from the first deploy to the end of all movement."""
    simulation = begun_to_live(release, simulation)
    act(simulation, "rest")
    return simulation

"""Scenarios of the simulator played on the real cluster: both give the same weights, counts, phases and Events.

What is compared, and what may differ without being different, is as for recordings. Where they differ, the simulator
is wrong. A scenario stays out for a reason that `why_not` gives.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.wire.durations import parse_go_duration
from tests.e2e.twins import Player, fitted
from tests.recordings.comparer import Difference, differences, is_of_progress
from tests.recordings.recorder import LATE
from tests.recordings.recording import Recording
from tests.recordings.rules import is_part
from tests.recordings.story import Row

HERE = Path(__file__).resolve().parent
SCENARIOS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((HERE.parent / "scenarios").glob("*.yaml"))}
LONGEST = 60.0
LEAST = 80
# What follows the pods.
FOLLOWING = ("weights", "ingress ", "route ", "events of traffic")
INTERIM = re.compile(r"updated from \d+ to")


# Two acts between which no controller comes.
IN_ONE_MOMENT = {"pain-abort-by-third-revision-after-abort", "pain-replicas-and-abort-in-one-moment"}
# Weights that follow the pods, as with dynamicStableScale.
FEWER_PODS = {"pain-replicas-and-image-in-one-sync"}


def why_not(name: str, scenario: dict[str, Any]) -> str:
    """Why a scenario cannot be played on a cluster; "" when it can."""
    if name in IN_ONE_MOMENT:
        return "its moment is one only in the simulator"
    cluster, objects = scenario.get("cluster") or {}, scenario["objects"]
    if any(one["kind"] == "StatefulSet" for one in objects):
        return "its StatefulSet is held against the real controller by tests of its own"
    if cluster.get("verdicts") or any("AnalysisTemplate" in one["kind"] for one in objects):
        return "its verdicts are made up"
    if set(cluster.get("lags") or {}) - {"ready"}:
        return "its lags are made up"
    if any(one["kind"] == "ReplicaSet" for one in objects):
        return "its ReplicaSets have statuses that a real controller would count anew"
    if "restartAt" in str(scenario["story"]):
        return "its restartAt is a moment of the simulator's clock"
    if length(scenario) > LONGEST:
        return f"it takes more than {LONGEST:g} s"
    return ""


def length(scenario: dict[str, Any]) -> float:
    """Seconds of the story, by its own timeline."""
    told = [line for line in scenario["timeline"].splitlines() if line.startswith("t+")]
    return parse_go_duration(told[-1].split()[0].removeprefix("t+")).total_seconds() if told else 0.0


PLAYED = [name for name, scenario in SCENARIOS.items() if not why_not(name, scenario)]


def place_of(name: str) -> str:
    return f"twin-{name}"[:50]


def test_enough_scenarios_are_played():
    assert len(PLAYED) >= LEAST


@pytest.mark.parametrize("name", PLAYED)
async def test_simulator_and_cluster_agree(name, client, controller):
    x = Recording(client, place_of(name))
    async with x.recorded():
        simulated = await Player(x, fitted(SCENARIOS[name])).play()
        await x.whole(lambda rows: not disagreements(name, simulated, rows), LATE)
        await x.look_on(2)
    found = disagreements(name, simulated, x.rows)
    assert not found, "\n".join(found)


def disagreements(name: str, simulated: list[Row], rows: list[Row]) -> list[str]:
    """What the two of a scenario tell differently."""
    real = [row for row in rows if not is_a_deployments(row)]
    found = differences(simulated, real)
    return [str(one) for one in found if not is_coalesced(name, one) and not is_of_progress(one)]


def is_a_deployments(row: Row) -> bool:
    """Whether it is about a ReplicaSet of a Deployment, which the simulator does without."""
    return row.get("kind") == "ReplicaSet" and not row["name"].startswith("web-")


def is_coalesced(name: str, one: Difference) -> bool:
    """Whether weights that follow the pods differ only in those that pods Ready in one moment leave out."""
    follows = name in FEWER_PODS or "dynamicStableScale" in str(SCENARIOS[name]["objects"])
    if not follows or not one.sequence.startswith(FOLLOWING):
        return False
    simulated, real = ([INTERIM.sub("updated to", str(value)) for value in side or ()] for side in (one.argo, one.ours))
    return is_part(real, simulated) or is_part(simulated, real)

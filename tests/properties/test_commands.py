"""A command is carried out once, and tells the same of itself, wherever in it the controller dies."""

from datetime import timedelta

import pytest

from rollouts.simulator.script import begun
from tests.properties.crashes import Crashing, outcome
from tests.properties.releases import ROUTERS, Release, lived
from tests.properties.sides import SidesRelease

DOWNTIME = timedelta(seconds=7)
STEPS = [{"setWeight": 25}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]
QUICK = {"lags": {"ready": [1, 1]}}
STRATEGIES = {
    **{
        router: lambda edits, router=router: Release(router, 4, {"steps": STEPS}, {}, QUICK, edits)
        for router in ROUTERS
    },
    "blueGreen": lambda edits: SidesRelease("basic", 4, {"autoPromotionEnabled": False}, {}, QUICK, edits),
}


def told(strategy, verbs, *crashes):
    """How a release ends to which *verbs* are said in its first pause, and how many writes that takes."""
    commands = ((100.0, {"patch": {"spec": {verb: True}}}) for verb in verbs)
    release = STRATEGIES[strategy](((0.0, {"image": "web:2"}), *commands))
    simulation = Crashing(begun(release.script), frozenset(crashes), DOWNTIME)
    lived(release, simulation)
    return outcome(simulation), simulation.writes


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("verbs", [("abort",), ("abort", "retry"), ("promote",), ("promoteFull",)])
def test_a_crash_after_any_write_changes_nothing_of_it(strategy, verbs):
    _, before = told(strategy, verbs[:-1])
    undisturbed, writes = told(strategy, verbs)
    assert writes - before > 2
    crashed = {crash: told(strategy, verbs, crash)[0] for crash in range(before, writes)}
    assert {crash: found for crash, found in crashed.items() if found != undisturbed} == {}

"""Every scenario of the campaign by name. A new one is a value in one of the modules below; nothing else changes."""

from tests.chaos import (
    scenarios_analysis,
    scenarios_bluegreen,
    scenarios_canary,
    scenarios_restarts,
    scenarios_routers,
    scenarios_statefulset,
)
from tests.chaos.scenarios_words import Scenario

MODULES = (
    scenarios_canary,
    scenarios_restarts,
    scenarios_routers,
    scenarios_analysis,
    scenarios_statefulset,
    scenarios_bluegreen,
)
SCENARIOS: dict[str, Scenario] = {one.name: one for module in MODULES for one in module.SCENARIOS}

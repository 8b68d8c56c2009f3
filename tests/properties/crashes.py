"""A controller that dies in the middle of its writes, and what must be the same afterwards."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from rollouts.api import keys
from rollouts.planner.draft import Plan
from rollouts.planner.snapshot import Snapshot
from rollouts.simulator.timeline import Moment, Simulation


class Crashing(Simulation):
    """Dies after the writes of these numbers, the status write being one, and is back after *downtime*."""

    def __init__(self, simulation: Simulation, crashes: frozenset[int], downtime: timedelta) -> None:
        super().__init__(simulation.world, simulation.rollout)
        self.sight = simulation.sight
        self.crashes = crashes
        self.downtime = downtime
        self.writes = 0

    def carry_out(self, decided: Plan, snapshot: Snapshot) -> Moment:
        wanted = len(decided.actions) + 1
        fatal = min(
            (number - self.writes for number in self.crashes if 0 <= number - self.writes < wanted), default=None
        )
        if fatal is None:
            self.writes += wanted
            return super().carry_out(decided, snapshot)
        self.writes += fatal + 1
        moment = super().carry_out(replace(decided, actions=decided.actions[:fatal], status=snapshot.status), snapshot)
        self.world.advance(self.world.now + self.downtime)
        return replace(moment, wrote=True)


def outcome(simulation: Simulation) -> dict[str, Any]:
    """How it ended, and by which weights."""
    status = simulation.status
    weights = [moment.plan.status.canary.weights for moment in simulation.moments if moment.plan and moment.wrote]
    stored = [weight.canary.weight for weight in weights if weight]
    return {
        "phase": status.phase,
        "how": status.duration.completion_status if status.duration else "",
        "stable": status.stable_rs,
        "step": status.current_step_index,
        "sizes": simulation.moments[-1].sizes,
        "weights": [weight for index, weight in enumerate(stored) if index == 0 or stored[index - 1] != weight],
        "traffic": list(simulation.world.traffic()),
        "runs": sorted(
            run.metadata.name for run in simulation.snapshot().runs if keys.STEP_INDEX_LABEL in run.metadata.labels
        ),
    }

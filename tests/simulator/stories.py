"""Stories of a Rollout of four pods after its first deploy and another image, and what came of them."""

from rollouts.api.kinds import REPLICA_SET, ROLLOUT
from rollouts.simulator.script import Script, played
from tests import given
from tests.given import CANARY, STABLE

ENVELOPE = {"selector": {"matchLabels": {"app": "web"}}, "template": given.template(1)}
NGINX = {
    "stableService": "web-stable",
    "canaryService": "web-canary",
    "trafficRouting": {"nginx": {"stableIngress": "web"}},
}
DEPLOYED = [{"until": "Healthy"}, {"image": "web:2"}]


def acted(*story, steps=(), cluster=None, spec=None, **canary):
    """The story of a Rollout of four pods after its first deploy and another image."""
    wanted = {"replicas": 4, **ENVELOPE, **(spec or {}), "strategy": {"canary": {"steps": list(steps), **canary}}}
    hero = {"kind": "Rollout", "metadata": {"name": "web"}, "spec": wanted}
    script = {"objects": [hero], "cluster": {"settle": 0, **(cluster or {})}, "story": [*DEPLOYED, *story]}
    return played(Script.model_validate(script))


def sizes(simulation):
    """Wanted pods now, of web:1 and web:2."""
    found = {one["metadata"]["name"]: one["spec"]["replicas"] for one in simulation.world.objects.of(REPLICA_SET)}
    return found[f"web-{STABLE}"], found.get(f"web-{CANARY}")


def steps_taken(simulation):
    return [moment.plan.status.current_step_index for moment in simulation.moments if moment.plan and moment.wrote]


def raw_status(simulation):
    return simulation.world.objects.of(ROLLOUT)[0]["status"]


def weights_seen(simulation):
    """Weights of the canary in all statuses since the abort."""
    plans = [moment.plan for moment in simulation.moments if moment.plan]
    begun = next(at for at, made in enumerate(plans) if made.status.abort)
    found = (made.status.canary.weights for made in plans[begun:])
    return [weights.canary.weight for weights in found if weights]


def told_in(simulation):
    """Events since the second revision, as "reason: message"."""
    told = [f"{event.reason}: {event.message}" for moment in simulation.moments for event in moment.events]
    return told[told.index("RolloutUpdated: Rollout updated to revision 2") :]

"""Every pod is made anew because a person asks for it, beside a release and without one."""

from dataclasses import dataclass

from tests.chaos.scenarios_bluegreen import BY_HAND, SHOWN, TWO, USERS_NEW
from tests.chaos.scenarios_canary import AT_25, FOUR, HEALTHY, NEW, OLD
from tests.chaos.scenarios_words import Pods, Scenario, World, at_once, canary, current, image, resume, spec, when
from tests.e2e.scene import pause, weight


@dataclass(frozen=True)
class Restarted:
    """What `spec.restartAt` asks for is done: no pod is left that is older."""

    def holds(self, world: World) -> bool:
        """Whether it is so now."""
        asked = world.found("Rollout", "web").get("spec", {}).get("restartAt")
        born = [one["metadata"]["creationTimestamp"] for one in world.all("Pod")]
        return asked is not None and current(world).get("restartedAt") == asked <= min(born, default=asked)


RESTART, ONE_PAUSE = spec(restartAt="$NOW"), (weight(50), pause())

SCENARIOS = (
    Scenario(
        "restarted",
        given=(canary(),),
        beats=(at_once(RESTART),),
        ends=(HEALTHY, OLD, Restarted()),
        writes=5,
        pods=FOUR,
    ),
    Scenario(
        "restarted-in-mid-canary",
        given=(canary(*ONE_PAUSE),),
        beats=(
            at_once(image("v2")),
            when(AT_25, Pods({"v1": 2, "v2": 2})).then(RESTART),
            when(AT_25, Pods({"v1": 2, "v2": 2}), Restarted()).then(resume()),
        ),
        ends=(HEALTHY, NEW, Restarted()),
        writes=12,
        pods=FOUR,
    ),
    Scenario(
        "blue-green-restarted",
        given=BY_HAND,
        beats=(
            at_once(image("v2")),
            when(*SHOWN).then(RESTART),
            when(*SHOWN, Restarted()).then(resume()),
        ),
        ends=(HEALTHY, NEW, USERS_NEW, Restarted()),
        writes=12,
        pods=(0, TWO[1]),
    ),
)

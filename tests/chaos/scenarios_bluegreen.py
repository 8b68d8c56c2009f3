"""Blue-green: users meet one revision or the other, as the active Service selects; never a third, never half of one."""

from dataclasses import dataclass
from typing import Any

from rollouts.api.keys import HASH_LABEL, SCALE_DOWN_DEADLINE
from tests.chaos.scenarios_analysis import ASKED, BAD, GOOD, THRICE
from tests.chaos.scenarios_words import (
    Has,
    Is,
    Json,
    Pods,
    Runs,
    Say,
    Scenario,
    World,
    at_once,
    image,
    resume,
    spec,
    status,
    when,
)
from tests.e2e.scene import rollout, service

HEALTHY, DEGRADED, PAUSED = Is("Healthy"), Is("Degraded"), Is("Paused")
NEW, OLD, BOTH = Pods({"v2": 4}), Pods({"v1": 4}), Pods({"v1": 4, "v2": 4})
# seconds: long enough that a delay that was left out is seen, and one that no controller's restart outlasts
SOON, LONG = 3, 900
SERVICES = (service("active"), service("preview"))
# users always have a whole revision, and there are two at most
TWO = (4, 8)


@dataclass(frozen=True)
class Leads:
    """A Service selects the pods of the image with that tag."""

    name: str
    tag: str

    def holds(self, world: World) -> bool:
        """Whether it is so now."""
        wanted = world.found("Service", self.name).get("spec", {}).get("selector", {}).get(HASH_LABEL)
        labels = [one["metadata"]["labels"].get(HASH_LABEL) for one in _of(world, self.tag)]
        return wanted is not None and wanted in labels


@dataclass(frozen=True)
class Delayed:
    """The pods of the image with that tag are to go, at a time that is told: until then the way back is short."""

    tag: str

    def holds(self, world: World) -> bool:
        """Whether it is so now."""
        return any(one["metadata"].get("annotations", {}).get(SCALE_DOWN_DEADLINE) for one in _of(world, self.tag))


def _of(world: World, tag: str) -> list[Json]:
    """ReplicaSets of an image."""
    images = [(one, one["spec"]["template"]["spec"]["containers"][0]["image"]) for one in world.all("ReplicaSet")]
    return [one for one, found in images if found.endswith(f":{tag}")]


def blue_green(**fields: Any) -> tuple[Json, ...]:
    """Both Services and the Rollout `web` of image `web:v1`; *fields* are the strategy's."""
    delays = {"scaleDownDelaySeconds": SOON, "abortScaleDownDelaySeconds": SOON}
    settings = {"activeService": "active", "previewService": "preview", **delays, **fields}
    return (*SERVICES, rollout({"blueGreen": settings}))


USERS_OLD, USERS_NEW = Leads("active", "v1"), Leads("active", "v2")
SHOWN = (PAUSED, BOTH, USERS_OLD, Leads("preview", "v2"))
BY_HAND = blue_green(autoPromotionEnabled=False)
BEFORE, AFTER = {"prePromotionAnalysis": ASKED}, {"postPromotionAnalysis": ASKED}

SCENARIOS = (
    Scenario(
        "blue-green",
        given=blue_green(),
        beats=(at_once(image("v2")),),
        ends=(HEALTHY, NEW, USERS_NEW, Leads("preview", "v2")),
        writes=6,
        pods=TWO,
    ),
    Scenario(
        "blue-green-promoted-by-status",
        given=BY_HAND,
        beats=(at_once(image("v2")), when(*SHOWN).then(resume())),
        ends=(HEALTHY, NEW, USERS_NEW),
        writes=8,
        pods=TWO,
    ),
    Scenario(
        "blue-green-promoted-by-spec",
        given=BY_HAND,
        beats=(at_once(image("v2")), when(*SHOWN).then(spec(promote=True))),
        ends=(HEALTHY, NEW, USERS_NEW, Has("Rollout", "web", ("spec", "promote"), None)),
        writes=9,
        pods=TWO,
    ),
    Scenario(
        "blue-green-aborted",
        given=BY_HAND,
        beats=(at_once(image("v2")), when(*SHOWN).then(spec(abort=True))),
        ends=(DEGRADED, OLD, USERS_OLD, Leads("preview", "v2")),
        writes=8,
        pods=TWO,
    ),
    Scenario(
        "blue-green-retried",
        given=BY_HAND,
        beats=(
            at_once(image("v2")),
            when(*SHOWN).then(status(abort=True)),
            when(DEGRADED, OLD).then(spec(retry=True)),
            when(*SHOWN).then(resume()),
        ),
        ends=(HEALTHY, NEW, USERS_NEW),
        writes=14,
        pods=TWO,
    ),
    Scenario(
        "blue-green-by-the-clock",
        given=blue_green(autoPromotionSeconds=4),
        beats=(at_once(image("v2")),),
        ends=(HEALTHY, NEW, USERS_NEW),
        writes=8,
        pods=TWO,
    ),
    Scenario(
        "blue-green-small-preview",
        given=blue_green(autoPromotionEnabled=False, previewReplicaCount=1),
        beats=(at_once(image("v2")), when(PAUSED, Pods({"v1": 4, "v2": 1})).then(resume())),
        ends=(HEALTHY, NEW, USERS_NEW),
        writes=8,
        pods=TWO,
    ),
    Scenario(
        "blue-green-analysed-before",
        given=(THRICE, *blue_green(**BEFORE)),
        answers=GOOD,
        beats=(at_once(image("v2")),),
        ends=(HEALTHY, NEW, USERS_NEW, Runs(("Successful",))),
        writes=10,
        pods=TWO,
    ),
    Scenario(
        "blue-green-failing-before",
        given=(THRICE, *blue_green(**BEFORE)),
        answers=BAD,
        beats=(at_once(image("v2")),),
        ends=(DEGRADED, OLD, USERS_OLD, Runs(("Failed",))),
        writes=8,
        pods=TWO,
    ),
    Scenario(
        "blue-green-analysed-after",
        given=(THRICE, *blue_green(**AFTER)),
        answers=GOOD,
        beats=(at_once(image("v2")),),
        ends=(HEALTHY, NEW, USERS_NEW, Runs(("Successful",))),
        writes=10,
        pods=TWO,
    ),
    Scenario(
        "blue-green-failing-after",
        given=(THRICE, *blue_green(**BEFORE, **AFTER, autoPromotionEnabled=False)),
        answers=GOOD,
        beats=(
            at_once(image("v2")),
            when(*SHOWN, Runs(("Successful",))).then(Say(BAD), resume()),
        ),
        ends=(DEGRADED, OLD, USERS_OLD, Runs(("Failed", "Successful"))),
        writes=14,
        pods=TWO,
    ),
    Scenario(
        "blue-green-rolled-back-within-the-delay",
        given=blue_green(autoPromotionEnabled=False, scaleDownDelaySeconds=LONG),
        beats=(
            at_once(image("v2")),
            when(*SHOWN).then(resume()),
            when(HEALTHY, BOTH, USERS_NEW, Delayed("v1")).then(image("v1")),
        ),
        ends=(HEALTHY, BOTH, USERS_OLD),
        writes=12,
        pods=TWO,
    ),
    Scenario(
        "blue-green-third-template",
        given=BY_HAND,
        beats=(
            at_once(image("v2")),
            when(*SHOWN).then(image("v3")),
            when(PAUSED, Pods({"v1": 4, "v3": 4}), USERS_OLD, Leads("preview", "v3")).then(spec(promote=True)),
        ),
        ends=(HEALTHY, Pods({"v3": 4}), Leads("active", "v3")),
        writes=12,
        pods=(4, 12),
    ),
    Scenario(
        "blue-green-back-to-the-old-template",
        given=BY_HAND,
        beats=(at_once(image("v2")), when(*SHOWN).then(image("v1"))),
        ends=(HEALTHY, OLD, USERS_OLD),
        writes=7,
        pods=TWO,
    ),
)

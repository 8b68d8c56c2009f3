"""Canaries whose pods are the only weight there is, and Deployments that Rollouts refer to."""

from typing import Any

from rollouts.api.kinds import DEPLOYMENT, ROLLOUT
from tests.chaos.scenarios_words import (
    Apply,
    Delete,
    Gone,
    Has,
    Is,
    Patch,
    Pods,
    Scenario,
    at_once,
    canary,
    image,
    resume,
    spec,
    status,
    when,
)
from tests.e2e.scene import pause, weight

TWO_PAUSES = (weight(25), pause(), weight(50), pause())
NEW, OLD = Pods({"v2": 4}), Pods({"v1": 4})
HEALTHY, DEGRADED = Is("Healthy"), Is("Degraded")
# of 4 pods: maxUnavailable 25 % rounded down, maxSurge 25 % rounded up
FOUR = (3, 5)
AT_25, AT_50 = Is("Paused", 1), Is("Paused", 3)
REPLACED = Has("Deployment", "web", ("spec", "replicas"), 0)
SERVED = Has("Deployment", "web", ("status", "availableReplicas"), 4)


def deployment(replicas: int) -> dict[str, Any]:
    """The Deployment `web` of image `web:v1`."""
    made = canary(replicas=replicas)
    made["spec"].pop("strategy")
    return {**made, "apiVersion": "apps/v1", "kind": "Deployment"}


def referring(scale_down: str, *steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A Rollout whose template and selector are the Deployment's."""
    made = canary(*steps, **fields)
    made["spec"].pop("template")
    made["spec"].pop("selector")
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "scaleDown": scale_down}
    return {**made, "spec": {**made["spec"], "workloadRef": ref}}


def bad_image(*, good: str = "") -> Patch:
    """A command that crashes; with *good* back to an image that does not."""
    path = "/spec/template/spec/containers/0/"
    if good:
        return Patch([{"op": "remove", "path": path + "command"}, *image(good).patch])
    return Patch([{"op": "add", "path": path + "command", "value": ["/bad-command"]}, *image("v2").patch])


SCENARIOS = (
    Scenario(
        "deploy",
        given=(),
        begins=(),
        beats=(at_once(Apply((canary(*TWO_PAUSES),))),),
        ends=(HEALTHY, OLD),
        writes=3,
    ),
    Scenario(
        "promoted-by-status",
        given=(canary(*TWO_PAUSES),),
        beats=(at_once(image("v2")), when(AT_25).then(resume()), when(AT_50).then(resume())),
        ends=(HEALTHY, NEW),
        writes=10,
        pods=FOUR,
    ),
    Scenario(
        "promoted-by-spec",
        given=(canary(*TWO_PAUSES),),
        beats=(
            at_once(image("v2")),
            when(AT_25).then(spec(promote=True)),
            when(AT_50).then(spec(promote=True)),
        ),
        ends=(HEALTHY, NEW),
        writes=14,
        pods=FOUR,
    ),
    Scenario(
        "timed-pauses",
        given=(canary(weight(25), pause(2), weight(75), pause(2)),),
        beats=(at_once(image("v2")),),
        ends=(HEALTHY, NEW),
        writes=12,
        pods=FOUR,
    ),
    Scenario(
        "one-pod-at-a-time",
        given=(canary(*map(weight, (20, 40, 60, 80)), replicas=5, maxSurge=1, maxUnavailable=0),),
        beats=(at_once(image("v2")),),
        ends=(HEALTHY, Pods({"v2": 5})),
        writes=14,
        pods=(5, 6),
    ),
    Scenario(
        "aborted-by-status",
        given=(canary(*TWO_PAUSES),),
        beats=(at_once(image("v2")), when(AT_25).then(status(abort=True))),
        ends=(DEGRADED, OLD),
        writes=7,
        pods=FOUR,
    ),
    Scenario(
        "aborted-by-spec",
        given=(canary(*TWO_PAUSES),),
        beats=(at_once(image("v2")), when(AT_25).then(resume()), when(AT_50).then(spec(abort=True))),
        ends=(DEGRADED, OLD, Has("Rollout", "web", ("spec", "abort"), None)),
        writes=10,
        pods=FOUR,
    ),
    Scenario(
        "retried",
        given=(canary(*TWO_PAUSES),),
        beats=(
            at_once(image("v2")),
            when(AT_25).then(spec(abort=True)),
            when(DEGRADED, OLD).then(spec(retry=True)),
            when(AT_25).then(spec(promoteFull=True)),
        ),
        ends=(HEALTHY, NEW),
        writes=20,
        pods=FOUR,
    ),
    Scenario(
        "retried-by-status",
        given=(canary(*TWO_PAUSES),),
        beats=(
            at_once(image("v2")),
            when(AT_25).then(status(abort=True)),
            when(DEGRADED, OLD).then(status(abort=False)),
        ),
        ends=(AT_25, Pods({"v1": 3, "v2": 1})),
        writes=10,
        pods=FOUR,
    ),
    Scenario(
        "fixed-forward",
        given=(canary(*TWO_PAUSES),),
        beats=(
            at_once(image("v2")),
            when(AT_25).then(status(abort=True)),
            when(DEGRADED, OLD).then(image("v3")),
            when(AT_25).then(status(promoteFull=True)),
        ),
        ends=(HEALTHY, Pods({"v3": 4})),
        writes=14,
        pods=FOUR,
    ),
    Scenario(
        "promoted-fully-by-status",
        given=(canary(*TWO_PAUSES),),
        beats=(at_once(image("v2")), when(AT_25).then(status(promoteFull=True))),
        ends=(HEALTHY, NEW),
        writes=8,
        pods=FOUR,
    ),
    Scenario(
        "back-to-the-old-template",
        given=(canary(weight(50), pause()),),
        beats=(at_once(image("v2")), when(AT_25).then(image("v1"))),
        ends=(HEALTHY, OLD),
        writes=7,
        pods=FOUR,
    ),
    Scenario(
        "third-template",
        given=(canary(weight(50), pause()),),
        beats=(
            at_once(image("v2")),
            when(AT_25).then(image("v3")),
            when(AT_25, Pods({"v1": 2, "v3": 2})).then(resume()),
        ),
        ends=(HEALTHY, Pods({"v3": 4})),
        writes=14,
        pods=FOUR,
    ),
    Scenario(
        "scaled-in-mid-canary",
        given=(canary(weight(25), pause()),),
        beats=(
            at_once(image("v2")),
            when(AT_25).then(spec(replicas=8)),
            when(AT_25, Pods({"v1": 6, "v2": 2})).then(spec(replicas=4)),
            when(AT_25, Pods({"v1": 3, "v2": 1})).then(resume()),
        ),
        ends=(HEALTHY, NEW),
        writes=12,
    ),
    Scenario(
        "paused-by-spec",
        given=(canary(weight(25), pause(1)),),
        beats=(at_once(spec(paused=True), image("v2")), when(Is("Paused")).then(spec(paused=None))),
        ends=(HEALTHY, NEW),
        writes=8,
        pods=FOUR,
    ),
    Scenario(
        "other-steps",
        given=(canary(weight(25), pause(), weight(50)),),
        beats=(
            at_once(image("v2")),
            when(AT_25).then(spec(strategy={"canary": {"steps": [weight(50), pause(2)]}})),
        ),
        ends=(HEALTHY, NEW),
        writes=10,
        pods=FOUR,
    ),
    Scenario(
        "deadline-passed",
        given=(canary(weight(25), pause(1), more={"progressDeadlineSeconds": 6, "progressDeadlineAbort": True}),),
        beats=(at_once(bad_image()),),
        ends=(DEGRADED, OLD),
        writes=6,
        pods=FOUR,
    ),
    Scenario(
        "mended-after-the-deadline",
        given=(canary(weight(25), pause(1), more={"progressDeadlineSeconds": 12}),),
        beats=(at_once(bad_image()), when(DEGRADED).then(bad_image(good="v3"))),
        ends=(HEALTHY, Pods({"v3": 4})),
        writes=10,
        pods=FOUR,
    ),
    Scenario(
        "commands-at-once",
        given=(canary(*TWO_PAUSES),),
        beats=(at_once(image("v2")), when(AT_25).then(spec(abort=True, promote=True, promoteFull=True))),
        ends=(DEGRADED, OLD),
        writes=8,
        pods=FOUR,
    ),
    Scenario(
        "two-releases",
        given=(canary(weight(50), pause(1)),),
        beats=(at_once(image("v2")), when(HEALTHY, NEW).then(image("v1"))),
        ends=(HEALTHY, OLD),
        writes=14,
        pods=FOUR,
    ),
    Scenario(
        "no-pods-wanted",
        given=(canary(weight(50), pause(), replicas=0),),
        beats=(
            at_once(image("v2")),
            when(AT_25).then(spec(replicas=2)),
            when(AT_25, Pods({"v1": 1, "v2": 1})).then(resume()),
        ),
        ends=(HEALTHY, Pods({"v2": 2})),
        writes=8,
    ),
    Scenario(
        "deleted-in-mid-canary",
        given=(canary(weight(50), pause()),),
        beats=(at_once(image("v2")), when(AT_25).then(Delete(ROLLOUT, "web"))),
        ends=(Gone("Rollout"), Gone("ReplicaSet")),
        writes=4,
    ),
    Scenario(
        "made-anew-over-its-pods",
        given=(canary(weight(25), pause()),),
        beats=(
            at_once(Delete(ROLLOUT, "web", "Orphan")),
            when(Gone("Rollout")).then(Apply((canary(weight(25), pause()),))),
            when(HEALTHY).then(image("v2")),
        ),
        ends=(AT_25, Pods({"v1": 3, "v2": 1})),
        writes=7,
        pods=FOUR,
    ),
    Scenario(
        "deployment-taken-over",
        given=(deployment(4),),
        begins=(SERVED,),
        beats=(
            at_once(Apply((referring("onsuccess", weight(50), pause()),))),
            when(HEALTHY, Has("Deployment", "web", ("status", "replicas"), None)).then(image("v2", kind=DEPLOYMENT)),
            when(AT_25).then(resume()),
        ),
        ends=(HEALTHY, NEW),
        writes=12,
    ),
    Scenario(
        "deployment-replaced-progressively",
        given=(deployment(4),),
        begins=(SERVED,),
        beats=(at_once(Apply((referring("progressively"),))),),
        ends=(HEALTHY, OLD, REPLACED),
        writes=6,
        pods=FOUR,
    ),
    Scenario(
        "deployment-replaced-progressively-then-released",
        given=(deployment(4),),
        begins=(SERVED,),
        beats=(
            at_once(Apply((referring("progressively", weight(50), pause()),))),
            when(HEALTHY, OLD, REPLACED).then(image("v2", kind=DEPLOYMENT)),
            when(AT_25, Pods({"v1": 2, "v2": 2})).then(spec(promote=True)),
        ),
        ends=(HEALTHY, NEW, REPLACED),
        writes=16,
        pods=FOUR,
    ),
)

"""Analyses that belong to a release."""

from tests.recordings.objects import (
    NEVER,
    WORKED,
    analysis,
    analysis_template,
    canary,
    job_metric,
    pause,
    rollout,
    web_metric,
    weight,
)
from tests.recordings.recording import Recording


async def analysis_inline_good(x: Recording) -> None:
    """Two good measurements as a step."""
    await x.provide(analysis_template("ok", web_metric(*WORKED, count=2, interval="1s")))
    await x.create(rollout(canary(weight(25), analysis("ok"))))
    await x.phase("Healthy")
    await x.image("2")
    await x.look_on(4)
    await x.phase("Healthy")


async def analysis_inline_bad(x: Recording) -> None:
    """One bad measurement too many."""
    await x.provide(analysis_template("no", web_metric(*NEVER, count=3, interval="1s", failureLimit=1)))
    await x.create(rollout(canary(weight(25), analysis("no"))))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Degraded")
    await x.look_on(4)


async def analysis_error(x: Recording) -> None:
    """Nobody answers, again and again."""
    metric = web_metric("http://127.0.0.1:1/none", WORKED[1], count=10, interval="1s")
    await x.provide(analysis_template("err", metric))
    await x.create(rollout(canary(weight(25), analysis("err"))))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Degraded", within=90)
    await x.look_on(2)


async def analysis_inline_without_count(x: Recording) -> None:
    """A step that would never end."""
    await x.provide(analysis_template("endless", web_metric(*WORKED, interval="1s")))
    await x.create(rollout(canary(weight(25), analysis("endless"))))
    await x.phase("Degraded")
    await x.look_on(1)


async def analysis_inconclusive(x: Recording) -> None:
    """Neither condition holds: a pause, ended by hand, and the same again."""
    limits = {"failureCondition": "result == 'nor this'", "count": 5, "interval": "1s", "inconclusiveLimit": 1}
    await x.provide(analysis_template("inc", web_metric(*NEVER, **limits)))
    await x.create(rollout(canary(weight(25), analysis("inc"), weight(50), pause(1))))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Paused")
    await x.look_on(3)
    await x.promote()
    await x.look_on(2)
    # it never is: this only gives the second run its time
    await x.phase("Healthy", within=10)


async def analysis_background(x: Recording) -> None:
    """Measured from the second step to the end."""
    await x.provide(analysis_template("ok", web_metric(*WORKED, interval="1s")))
    watching = {"templates": [{"templateName": "ok"}], "startingStep": 1}
    await x.create(rollout(canary(weight(25), pause(3), weight(50), pause(2), analysis=watching)))
    await x.phase("Healthy")
    await x.image("2")
    await x.look_on(5)
    await x.phase("Healthy")


async def analysis_background_fails(x: Recording) -> None:
    """A background analysis that ends the release at a pause."""
    limits = {"interval": "1s", "initialDelay": "3s", "failureLimit": 1}
    await x.provide(analysis_template("no", web_metric(*NEVER, **limits)))
    watching = {"templates": [{"templateName": "no"}]}
    await x.create(rollout(canary(weight(25), pause(), weight(50), analysis=watching)))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Paused")
    await x.phase("Degraded")
    await x.look_on(4)


async def analysis_args(x: Recording) -> None:
    """Arguments from hashes, a label and a default, in a name, a URL and a condition."""
    metric = web_metric("/gist?h={{args.hash}}&s={{args.stable}}", "result == '{{args.word}}'")
    wanted = [{"name": name} for name in ("hash", "stable", "label")]
    args = [*wanted, {"name": "word", "value": "It worked!"}]
    await x.provide(analysis_template("args", {**metric, "name": "m-{{args.label}}"}, args=args))
    sources = {
        "hash": {"podTemplateHashValue": "Latest"},
        "stable": {"podTemplateHashValue": "Stable"},
        "label": {"fieldRef": {"fieldPath": "metadata.labels['team']"}},
    }
    given = [{"name": name, "valueFrom": source} for name, source in sources.items()]
    made = rollout(canary(weight(25), analysis("args", args=given)), 2)
    made["metadata"]["labels"] = {"team": "blue"}
    await x.create(made)
    await x.good_release(4)


async def analysis_job(x: Recording) -> None:
    """A Job that succeeds, then one that fails."""
    await x.provide(
        analysis_template("good", job_metric("sleep 1 && exit 0")),
        analysis_template("bad", job_metric("sleep 1 && exit 1")),
    )
    await x.create(rollout(canary(weight(25), analysis("good"), weight(50), analysis("bad"))))
    await x.phase("Healthy")
    await x.image("2")
    await x.phase("Degraded")
    await x.look_on(4)

"""Analyses of canaries that end otherwise than by themselves, or say more than good and bad."""

from rollouts.api.kinds import ANALYSIS_RUN
from tests.recordings.objects import (
    Manifest,
    analysis,
    analysis_template,
    canary,
    job_metric,
    pause,
    rollout,
    weight,
)
from tests.recordings.recording import Recording
from tests.recordings.situations.conditions import in_turn
from tests.recordings.situations.ours.words import (
    aborted,
    heard,
    judging,
    paused_at,
    released,
    run_is,
    runs,
    said_last,
    sized,
    status,
)

ONE = {"successCondition": "result == 1"}
EITHER = {**ONE, "failureCondition": "result == 0"}
# A run of which the Rollout hears before its verdict: what is told of it is then the same on any machine.
HEARD = {"initialDelay": "3s"}


def judged(x: Recording, values: str, **settings: object) -> Manifest:
    """A metric whose measurements are *values* in turn: 1 is good."""
    return {**in_turn(x, "own", values), **ONE, **HEARD, **settings}


def endless(x: Recording) -> Manifest:
    """A metric that is good, and to be measured again much later."""
    return judged(x, "1", count=100, interval="1h")


def by_job(script: str, **settings: object) -> Manifest:
    """A metric whose Job runs *script*."""
    return {**job_metric(script), **HEARD, **settings}


def watching(template: str, **more: object) -> Manifest:
    """A background analysis."""
    return {"templates": [{"templateName": template}], **more}


async def _released_to_2(x: Recording, *steps: Manifest, template: Manifest, replicas: int = 2, **spec: object) -> None:
    """Revision 2 begins, judged by *template*."""
    background = spec.pop("analysis", None)
    await x.provide(template)
    await x.create(rollout(canary(*steps, **({"analysis": background} if background else {})), replicas, **spec))
    await released(x, 1)
    await x.image("2")


async def step_inconclusive_promoted(x: Recording) -> None:
    """Neither good nor bad: a person goes on, and the second opinion is good."""
    metric = {**judged(x, "0.5,1"), **EITHER}
    await _released_to_2(x, weight(50), analysis("t"), template=analysis_template("t", metric))
    await paused_at(x, 1)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def step_inconclusive_aborted(x: Recording) -> None:
    """Neither good nor bad: a person gives up."""
    metric = {**judged(x, "0.5"), **EITHER}
    await _released_to_2(x, weight(50), analysis("t"), template=analysis_template("t", metric))
    await paused_at(x, 1)
    await x.abort()
    await aborted(x)
    await sized(x, 2, 0)


async def step_dry_run(x: Recording) -> None:
    """A bad metric that only pretends, beside a good one that decides."""
    metrics = ({**judged(x, "1"), "name": "good"}, {**in_turn(x, "dry", "0"), **ONE, **HEARD, "name": "bad"})
    step = analysis("t", dryRun=[{"metricName": "bad"}])
    await _released_to_2(x, weight(50), step, template=analysis_template("t", *metrics))
    await released(x, 2)
    await sized(x, 1, 0)


async def step_retention(x: Recording) -> None:
    """Six measurements of which two are kept; labels of the run's own."""
    metric = judged(x, "1", count=6, interval="300ms")
    more = {
        "measurementRetention": [{"metricName": "m", "limit": 2}],
        "analysisRunMetadata": {"labels": {"team": "blue"}, "annotations": {"why": "because"}},
    }
    await _released_to_2(x, weight(50), analysis("t", **more), template=analysis_template("t", metric))
    await released(x, 2)
    await sized(x, 1, 0)


async def step_job_fails(x: Recording) -> None:
    """A Job that ends with 1, and is asked again by a retry."""
    failing = analysis_template("t", by_job("exit 1"))
    await _released_to_2(x, weight(50), analysis("t"), template=failing)
    await aborted(x)
    await sized(x, 2, 0)
    await x.retry()
    await run_is(x, "Failed", 2)
    await aborted(x)
    await sized(x, 2, 0)


async def step_job_good(x: Recording) -> None:
    """Three Jobs one after the other that end with 0."""
    metric = by_job("exit 0", count=3, interval="1s")
    await _released_to_2(x, weight(50), analysis("t"), template=analysis_template("t", metric))
    await released(x, 2)
    await sized(x, 1, 0)


async def step_run_superseded(x: Recording) -> None:
    """A third image while the second is measured."""
    metric = endless(x)
    await _released_to_2(x, weight(50), analysis("t"), pause(), template=analysis_template("t", metric))
    await judging(x)
    await x.image("3")
    await run_is(x, "Successful")
    await judging(x, 2)
    await x.promote_fully()
    await released(x, 3)
    await run_is(x, "Successful", 2)
    await sized(x, 1, 0)


async def step_run_aborted(x: Recording) -> None:
    """Aborted by hand while it is measured."""
    metric = endless(x)
    await _released_to_2(x, weight(50), analysis("t"), template=analysis_template("t", metric))
    await judging(x)
    await x.abort()
    await aborted(x)
    await run_is(x, "Successful")
    await sized(x, 2, 0)


async def step_run_ended_by_hand(x: Recording) -> None:
    """A run whose end is asked for counts as good, and the release goes on."""
    metric = endless(x)
    await _released_to_2(x, weight(50), analysis("t"), template=analysis_template("t", metric))
    await judging(x)
    await x.patch({"spec": {"terminate": True}}, next(iter(runs(x)), ""), ANALYSIS_RUN)
    await released(x, 2)
    await sized(x, 1, 0)


async def step_run_while_paused(x: Recording) -> None:
    """`spec.paused` while it is measured: measured to the end, and the release waits."""
    metric = judged(x, "1", count=2, interval="4s")
    await _released_to_2(x, weight(50), analysis("t"), template=analysis_template("t", metric))
    await heard(x, "Running")
    await x.patch({"spec": {"paused": True}})
    await x.phase("Paused")
    await run_is(x, "Successful")
    await x.look_on(2)
    await x.patch({"spec": {"paused": False}})
    await released(x, 2)
    await sized(x, 1, 0)


async def background_starts_later(x: Recording) -> None:
    """Measured from the third step on, and bad from the second measurement on."""
    steps = (weight(25), pause(), pause(), weight(50))
    metric = judged(x, "1,0", interval="1s")
    template = analysis_template("t", metric)
    await _released_to_2(x, *steps, template=template, replicas=4, analysis=watching("t", startingStep=2))
    await paused_at(x, 1)
    await said_last(x, "RolloutPaused")
    await x.promote()
    await aborted(x)
    await run_is(x, "Failed")
    await sized(x, 2, 0)


async def background_ended_by_hand(x: Recording) -> None:
    """The watch is called off at a pause; the release goes on without it."""
    template = analysis_template("t", endless(x))
    await _released_to_2(x, weight(50), pause(), template=template, analysis=watching("t"))
    await paused_at(x, 1)
    await judging(x)
    await x.patch({"spec": {"terminate": True}}, next(iter(runs(x)), ""), ANALYSIS_RUN)
    await heard(x, "Successful")
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def background_aborted(x: Recording) -> None:
    """Aborted by hand under a good background analysis, which ends; retried, it begins anew."""
    template = analysis_template("t", endless(x))
    await _released_to_2(x, weight(50), pause(), template=template, analysis=watching("t"))
    await paused_at(x, 1)
    await judging(x)
    await x.abort()
    await aborted(x)
    await run_is(x, "Successful")
    await sized(x, 2, 0)
    await x.retry()
    await paused_at(x, 1)
    await judging(x, 2)
    await x.promote()
    await released(x, 2)
    await run_is(x, "Successful", 2)
    await sized(x, 1, 0)


async def background_inconclusive(x: Recording) -> None:
    """Neither good nor bad at a pause: two reasons to wait, ended at once; the next run is good."""
    metric = {**judged(x, "0.5,1", count=100, interval="1h"), **EITHER}
    template = analysis_template("t", metric)
    steps = (weight(50), pause(), pause())
    await _released_to_2(x, *steps, template=template, analysis=watching("t", startingStep=1))
    await paused_at(x, 1)
    await x.sees("two reasons to wait", lambda: len(status(x).get("pauseConditions") or ()) == 2)
    await x.promote()
    await paused_at(x, 2)
    await judging(x, 2)
    await x.promote()
    await released(x, 2)
    await sized(x, 1, 0)


async def runs_forgotten(x: Recording) -> None:
    """One successful run is kept, of two releases."""
    spec = {"analysis": {"successfulRunHistoryLimit": 1, "unsuccessfulRunHistoryLimit": 1}}
    await x.provide(analysis_template("t", judged(x, "1")))
    await x.create(rollout(canary(weight(50), analysis("t")), 2, **spec))
    await released(x, 1)
    for revision in (2, 3):
        await x.image(str(revision))
        await released(x, revision)
        await sized(x, revision - 1, 0)
    await x.sees("one run", lambda: len(runs(x)) == 1)

"""What situations of ours wait for before the next act: always something seen, never a time."""

from collections.abc import Iterator
from typing import Any

from rollouts.api.keys import REVISION
from tests.recordings.recording import Recording
from tests.recordings.story import story

Raw = dict[str, Any]
LONGEST = 90.0


def hero(x: Recording) -> Raw:
    """The Rollout `web` as last seen."""
    return x.states.get(("Rollout", "web"), {})


def status(x: Recording) -> Raw:
    """Its status."""
    found: Raw = hero(x).get("status", {})
    return found


def is_current(x: Recording) -> bool:
    """Whether the status was computed for what is asked now."""
    return str(status(x).get("observedGeneration")) == str(hero(x).get("metadata", {}).get("generation"))


def revision_of(raw: Raw) -> str | None:
    """The number that a Rollout or ReplicaSet carries."""
    number: str | None = raw.get("metadata", {}).get("annotations", {}).get(REVISION)
    return number


def is_of(x: Recording, revision: int) -> bool:
    """Whether the status is about this revision, and not only the number on the Rollout, which is written before it."""
    newest = status(x).get("currentPodHash", "")
    if pods := x.states.get(("ReplicaSet", f"web-{newest}")):
        return revision_of(pods) == revision_of(hero(x)) == str(revision)
    found = x.states.get(("StatefulSet", "db"), {"metadata": {}})
    told = found.get("status", {})
    is_seen = told.get("observedGeneration", 0) == found["metadata"].get("generation")
    return is_seen and told.get("updateRevision") == newest and revision_of(hero(x)) == str(revision)


async def paused_at(x: Recording, step: int, revision: int = 2) -> None:
    """Wait for the pause that is this step of this revision."""

    def is_there() -> bool:
        found = status(x)
        at = found.get("phase"), found.get("currentStepIndex")
        is_paused = at == ("Paused", step) and bool(found.get("pauseConditions"))
        return is_paused and is_current(x) and is_of(x, revision)

    await x.sees(f"step {step} of revision {revision} paused", is_there, LONGEST)


async def released(x: Recording, revision: int) -> None:
    """Wait until this revision is Healthy and stable."""

    def is_there() -> bool:
        found = status(x)
        is_stable = found.get("stableRS") == found.get("currentPodHash")
        return is_stable and found.get("phase") == "Healthy" and is_current(x) and is_of(x, revision)

    await x.sees(f"revision {revision} Healthy", is_there, LONGEST)


async def aborted(x: Recording) -> None:
    """Wait until the release is aborted and Degraded."""
    await x.sees(
        "the abort",
        lambda: is_current(x) and bool(status(x).get("abort")) and status(x)["phase"] == "Degraded",
        LONGEST,
    )


async def sized(x: Recording, revision: int, pods: int) -> None:
    """Wait until the ReplicaSet of this revision wants and has so many available pods."""

    def is_so() -> bool:
        return any(
            (raw["spec"]["replicas"], *counts(raw)) == (pods, pods, pods)
            for raw in of_web(x)
            if revision_of(raw) == str(revision)
        )

    await x.sees(f"{pods} pods of revision {revision}", is_so, LONGEST)


def counts(raw: Raw) -> tuple[int, int]:
    """Pods there are, and available ones."""
    found = raw.get("status", {})
    return found.get("replicas", 0), found.get("availableReplicas", 0)


def of_web(x: Recording) -> Iterator[Raw]:
    """The ReplicaSets of the Rollout `web`."""
    yield from (raw for (kind, name), raw in list(x.states.items()) if kind == "ReplicaSet" and name.startswith("web-"))


def runs(x: Recording) -> dict[str, Raw]:
    """The AnalysisRuns there are, by name."""
    return {name: raw for (kind, name), raw in x.states.items() if kind == "AnalysisRun"}


async def run_is(x: Recording, phase: str, number: int = 1) -> str:
    """Wait until *number* runs are in a phase; the name of one of them."""

    def found() -> list[str]:
        return sorted(name for name, raw in runs(x).items() if raw.get("status", {}).get("phase") == phase)

    await x.sees(f"{number} runs {phase}", lambda: len(found()) >= number, LONGEST)
    return next(reversed(found()), "")


def judge(x: Recording) -> Raw:
    """What the status says of the run that decides now: its name and status."""
    found: list[Raw] = []
    for part in ("canary", "blueGreen"):
        said = status(x).get(part, {})
        found += [ref for name, ref in said.items() if name.endswith("RunStatus") and ref.get("name")]
    return found[-1] if found else {}


async def judging(x: Recording, number: int = 1) -> None:
    """Wait until the release knows of its *number*th run, and that has measured and goes on."""

    def is_so() -> bool:
        run = runs(x).get(judge(x).get("name", ""), {}).get("status", {})
        has_measured = any(metric.get("measurements") for metric in run.get("metricResults", ()))
        is_known = judge(x).get("status") == run.get("phase") == "Running"
        return is_known and has_measured and len(runs(x)) >= number

    await x.sees(f"run {number} at work", is_so, LONGEST)


async def heard(x: Recording, phase: str) -> None:
    """Wait until the release knows that its run is in this phase."""
    await x.sees(f"a run known to be {phase}", lambda: judge(x).get("status") == phase, LONGEST)


async def said_last(x: Recording, reason: str) -> None:
    """Wait until this is the last Event of the release: what is said again before it was written is told once."""

    def is_so() -> bool:
        events = story(x.rows).get("events of release", [""])
        return str(events[-1]).startswith(f"Normal {reason}: ")

    await x.sees(f"{reason} said", is_so, LONGEST)


async def tells(x: Recording, sequence: str, *values: Any) -> None:
    """Wait until a sequence of the recording's story is this."""
    await x.sees(f"{sequence} {values}", lambda: story(x.rows).get(sequence) == list(values), LONGEST)

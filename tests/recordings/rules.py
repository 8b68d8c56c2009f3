"""Where two controllers may differ without being different: each rule is for some sequences and says why.

A rule brings both sequences to a form that keeps what must agree: order, safety, ends and wording.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from math import gcd
from typing import Any

from tests.recordings.story import SAID, Story

Sequence = list[Any]
Rule = Callable[[Sequence, Sequence], tuple[Sequence, Sequence]]

# Clients of Argo Rollouts' kind send no more events of one object than these.
SENT_AT_MOST = 25
TRANSITIONAL = re.compile("Progressing: ")
STARTED = re.compile(r"Normal RolloutNotCompleted: .* started update to revision ")
NUMBERED = re.compile(r"Normal RolloutUpdated: ")
SCALED = re.compile(r"Normal ScalingReplicaSet: Scaled (?:up|down) ReplicaSet (.*) from (\d+) to (\d+)")


@dataclass(frozen=True)
class Allowed:
    """What *rule* forgives in the sequences whose whole name matches *pattern*."""

    pattern: str
    rule: Rule
    reason: str


def each(brought: Callable[[Sequence], Sequence]) -> Rule:
    """A rule that looks at one sequence at a time."""
    return lambda argo, ours: (brought(argo), brought(ours))


def turns(values: Sequence) -> Sequence:
    """First, last, and where a count stops rising or falling."""
    kept = [values[0]] if values else []
    for value, following in zip_longest(values[1:], values[2:]):
        if following is None or (value > kept[-1]) != (following > value):
            kept.append(value)
    return kept


def ends(values: Sequence) -> Sequence:
    """First and last."""
    return [*values[:1], *values[-1:]]


def scalings(events: Sequence) -> Sequence:
    """For each ReplicaSet, its scalings with those in one direction as one."""
    counts: dict[str, list[int]] = {}
    other = []
    for event in events:
        if found := SCALED.fullmatch(event):
            replica_set, before, after = found[1], int(found[2]), int(found[3])
            counts.setdefault(replica_set, [before]).append(after)
        else:
            other.append(event)
    return [*other, *sorted(f"{name}: {turns(values)}" for name, values in counts.items())]


def by_rests(argo: Sequence, ours: Sequence) -> tuple[Sequence, Sequence]:
    """Between two rests, messages of progress that only one of the two wrote are left out, if the other's fit."""
    if [v for v in argo if is_rest(v)] != [v for v in ours if is_rest(v)]:
        return argo, ours
    pairs = list(zip(gaps(argo), gaps(ours), strict=True))
    if all(is_part(a, b) or is_part(b, a) for a, b in pairs):
        return [], []
    return argo, ours


def is_rest(phase: str) -> bool:
    """Whether a phase stays until something happens."""
    return not TRANSITIONAL.match(phase)


def gaps(phases: Sequence) -> Iterator[Sequence]:
    """What stands before, between and after the rests."""
    gap: Sequence = []
    for phase in phases:
        if is_rest(phase):
            yield gap
            gap = []
        else:
            gap.append(phase)
    yield gap


def is_part(some: Sequence, whole: Sequence) -> bool:
    """Whether *some* is *whole* with values left out."""
    rest = iter(whole)
    return all(value in rest for value in some)


def by_shares(splits: Sequence) -> Sequence:
    """Splits as the shares they make, told once where they stay; the last exactly."""
    told: Sequence = []
    for split in splits:
        shared = [[weight and weight // gcd(*filter(None, rule)) for weight in rule] for rule in split]
        if told[-1:] != [shared]:
            told.append(shared)
    return [*told, *splits[-1:]]


def told_late(events: Sequence) -> Sequence:
    """Without the Warning that a specification is invalid."""
    return [event for event in events if not event.startswith("Warning InvalidSpec: ")]


def alone(events: Sequence) -> Sequence:
    """Without the Warning that others have the same labels."""
    return [event for event in events if not event.startswith("Warning SelectorOverlap: ")]


def numbered_first(events: Sequence) -> Sequence:
    """With the number of a revision before its start."""
    ordered = list(events)
    for place, (one, following) in enumerate(pairwise(events)):
        if STARTED.match(one) and NUMBERED.match(following):
            ordered[place : place + 2] = [following, one]
    return ordered


def deleted_last(events: Sequence) -> Sequence:
    """With the end of the Rollout after all else."""
    return sorted(events, key=lambda event: event.startswith("Normal RolloutDeleted: "))


def without_start(phases: Sequence) -> Sequence:
    """Without the first `Running`."""
    return phases[1:] if phases[:1] == ["Running: "] and len(phases) > 1 else phases


def unordered(values: Sequence) -> Sequence:
    """Sorted."""
    return sorted(values)


def uncounted(metrics: Sequence) -> Sequence:
    """Metrics without what depends on how often they were measured."""
    read = (json.loads(metric) for metric in metrics)
    return [json.dumps({name: metric[name] for name in (*SAID, "oldest")}) for metric in read]


def uncounted_when_successful(metrics: Sequence) -> Sequence:
    """Without the counts of a metric that did not end by its own."""
    done = json.dumps({"phase": "Successful"})[1:-1]
    return [told for metric in metrics for told in (uncounted([metric]) if done in metric else [metric])]


def uncounted_while_running(metrics: Sequence) -> Sequence:
    """Without the counts of a metric that is still measured; all by name."""
    running = json.dumps({"phase": "Running"})[1:-1]
    return sorted(told for metric in metrics for told in (uncounted([metric]) if running in metric else [metric]))


RULES = (
    Allowed(
        "replicas .*",
        each(turns),
        "a change of size may take more or fewer writes, as pods become available; sizes when paused must agree",
    ),
    Allowed("events of scaling.*", each(scalings), "the same of what is said about sizes, and between ReplicaSets"),
    Allowed(
        "phase.*",
        by_rests,
        "one status write a pass (decision 6), and how pods come up decides which messages of progress are seen",
    ),
    Allowed("events of release.*", each(told_late), "ours also tells of an invalid specification by an event"),
    Allowed(
        r"events of release i\d+",
        each(alone),
        "the Rollouts of `invalid-specs` have one selector: ours warns of that (decision 19), and serves them all the same",
    ),
    Allowed(
        "events of release",
        each(deleted_last),
        "a deletion is told of as soon as it is seen, what the last pass did when that is over",
    ),
    Allowed(
        "events of release",
        each(numbered_first),
        "the number of a StatefulSet's revision comes by another watch than its start",
    ),
    Allowed(
        "weights by places.*",
        each(ends),
        "they follow the pods of a StatefulSet, of which several may come and go between two passes; at pauses they agree",
    ),
    Allowed(
        "route .*",
        each(by_shares),
        "where the stable Service hears of its pods late, the route is given back at once instead of by way of 100 to 0",
    ),
    Allowed("run .*", each(without_start), "a run of one measurement may be written once, with its verdict"),
    Allowed(
        "last metrics of interval-no-count",
        each(uncounted),
        "ended by hand after some seconds; Argo Rollouts measured without pause, ours as often as is asked for",
    ),
    Allowed(
        r"last metrics of web-\w+-\d+",
        each(uncounted_when_successful),
        "a background run ends with its release: how often it was measured depends on how long that took",
    ),
    Allowed(
        "last metrics of .*",
        each(uncounted_while_running),
        "the recording's end decides how often an unfinished metric was measured; metrics are measured side by side",
    ),
    Allowed("events of (?!release|scaling|services|traffic).*", each(unordered), "metrics of a run end side by side"),
)


def forgiven(name: str, argo: Sequence, ours: Sequence) -> tuple[Sequence, Sequence]:
    """Both sequences as the rules for *name* leave them."""
    for allowed in RULES:
        if re.fullmatch(allowed.pattern, name):
            argo, ours = allowed.rule(argo, ours)
    return argo, ours


def cut_short(argo: Story, ours: Story) -> tuple[Story, Story]:
    """Where Argo Rollouts' client stopped sending events of `web`, ours are compared as far as it went.

    That client drops what exceeds its budget, so a missing late event says nothing. Scalings, whose number may
    differ, are left out then: sizes say the same.
    """
    every = argo.get("every event", [])
    kept, shortened = ({k: v for k, v in told.items() if not k.startswith("every event")} for told in (argo, ours))
    if len(every) < SENT_AT_MOST:
        return kept, shortened
    for name in ("events of release", "events of services", "events of traffic"):
        heard = len(kept.get(name, []))
        shortened[name] = shortened.get(name, [])[:heard]
    for story in (kept, shortened):
        story.pop("events of scaling", None)
    return kept, {name: values for name, values in shortened.items() if values}


__all__ = ["RULES", "Allowed", "cut_short", "forgiven"]

"""What of a run must be as in the undisturbed run of the same scenario, and what no run may do. Pure.

Compared one by one:
- *weights* at each route, as written there: the canary Ingress's annotation, the HTTPRoute's backends, a StatefulSet's
  partition, the revision that a Service selects. So none is skipped, moved back or passed through twice.
- *steps* of each revision; pods wanted of each revision whenever a step is done (*sizes*).
- *pauses*: one for each time that a release began to wait.
- *commands* of `spec.abort` and the like, aborts, stable revisions, one after the other.
- *created* and *deleted* objects, each time counted; pods of StatefulSets in their order.
- the *end* state of every object.

Tolerated, each for a reason:
- Writes that change nothing are no change: who died before the answer writes again. Sequences tell changes.
- Times, uids, versions, `collisionCount`: they differ between undisturbed runs.
- Between two steps without a router ReplicaSets grow and shrink in batches, as pods become ready: only *sizes* and the
  bounds of `Expected.pods` are looked at.
- How often a metric without `count`, or of a run that was ended early, was measured: as often as there was time.
- Weights in a Rollout's status on the way: they are what somebody saw who looked, and a crash keeps from telling. Of a
  StatefulSet they count pods.
- Where weights follow pods or pods weights (`Expected.is_gradual`): weights on the way from one turn to the next, and
  when old pods go. What each step ends with is looked at instead.
- Events: a crash between a change and telling of it leaves it untold.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from rollouts.api.keys import COMMAND, HASH_LABEL
from rollouts.wire.durations import parse_pause_duration
from tests.chaos.checker_bluegreen import shortcuts
from tests.chaos.checker_weights import turns, weights

Json = Mapping[str, Any]
ROUTES = ("Ingress ", "HTTPRoute ")
MADE = frozenset({"ReplicaSet", "AnalysisRun", "Ingress", "HTTPRoute", "Service", "Deployment", "StatefulSet"})


class Row(NamedTuple):
    """One version of one object; *at* is the wall clock's, when it was seen."""

    version: int
    at: float
    kind: str
    name: str
    change: str
    body: Json


class Expected(NamedTuple):
    """What a scenario says of itself: see `Scenario`."""

    pods: tuple[int, int] | None = None
    hurried: tuple[int, ...] = ()
    is_gradual: bool = False


class Record(msgspec.Struct):
    """A run without what may differ. *wrong* is what no run may do."""

    weights: dict[str, list[str]]
    steps: list[str]
    sizes: list[str]
    pauses: list[str]
    commands: list[str]
    aborts: list[str]
    stable: list[str]
    created: dict[str, int]
    deleted: dict[str, int]
    pods: list[str]
    end: dict[str, Any]
    wrong: list[str]
    stuck: str = ""


def record(rows: Sequence[Row], begun: int, expected: Expected, *, stuck: str = "") -> Record:
    """What *rows*, in the order of their versions, say of a run whose story began after version *begun*."""
    told = _Told(is_gradual=expected.is_gradual)
    for row in rows:
        if row.version <= begun:
            told.known(row)
        else:
            told.take(row)
    routes = {name: _changes(values) for name, values in sorted(told.weights.items())}
    return Record(
        weights={name: turns(values) for name, values in routes.items()} if expected.is_gradual else routes,
        steps=_changes(told.steps),
        sizes=told.sizes,
        pauses=_changes(dict.fromkeys(told.pauses)),
        commands=[one.partition("@")[0] for one in _changes(told.commands) if one],
        aborts=_changes(told.aborts),
        stable=_changes(told.stable),
        created=dict(sorted(told.created.items())),
        deleted=dict(sorted(told.deleted.items())),
        pods=told.pods,
        end={f"{kind} {name}": plain(kind, body) for (kind, name), body in sorted(told.objects.items())},
        wrong=[
            *bounds(rows, begun, expected),
            *cut_short(rows, begun, expected),
            *shortcuts(rows, begun),
            *left_over(rows),
        ],
        stuck=stuck,
    )


class _Told:
    """Rows, taken in one after the other."""

    def __init__(self, *, is_gradual: bool) -> None:
        self._is_gradual = is_gradual
        self.objects: dict[tuple[str, str], Json] = {}
        self.weights: dict[str, list[str]] = {}
        self.steps: list[str] = []
        self.sizes: list[str] = []
        self.pauses: list[str] = []
        self.commands: list[str] = []
        self.aborts: list[str] = []
        self.stable: list[str] = []
        self.created: Counter[str] = Counter()
        self.deleted: Counter[str] = Counter()
        self.pods: list[str] = []
        self._at: tuple[str, int | None] = ("", None)

    def known(self, row: Row) -> None:
        """How things stood at the beginning."""
        self._put(row)
        self._tell(row)

    def take(self, row: Row) -> None:
        """One change."""
        if row.kind in MADE and row.change == "ADDED":
            self.created[f"{row.kind} {row.name}"] += 1
        if row.kind in MADE and row.change == "DELETED":
            self.deleted[f"{row.kind} {row.name}"] += 1
        if row.kind == "Pod" and row.change == "ADDED" and _owner(row.body) == "StatefulSet":
            self.pods.append(f"{row.name} {row.body['metadata']['labels'].get('controller-revision-hash')}")
        self._put(row)
        self._tell(row)

    def _put(self, row: Row) -> None:
        if row.kind == "Pod":
            return
        if row.change == "DELETED":
            self.objects.pop((row.kind, row.name), None)
        else:
            self.objects[row.kind, row.name] = row.body

    def _tell(self, row: Row) -> None:
        if row.change == "DELETED":
            return
        for weight in weights(row.kind, row.body):
            self.weights.setdefault(f"{row.kind} {row.name}", []).append(weight)
        if row.kind == "Rollout":
            self._tell_rollout(row.name, row.body)

    def _tell_rollout(self, name: str, body: Json) -> None:
        status = body.get("status") or {}
        revision = status.get("currentPodHash", "")
        step = f"{name} {revision} step {status.get('currentStepIndex')}"
        if self.steps[-1:] != [step] and revision:
            if self._is_done(status):
                self.sizes.append(f"{step}: {self._sizes(revision)}")
            self.steps.append(step)
        self._at = (revision, status.get("currentStepIndex"))
        for pause in status.get("pauseConditions") or ():
            self.pauses.append(f"{step} {pause['reason']} since {pause['startTime']}")
        self.commands.append(status.get("lastCommand", ""))
        self.aborts.append(f"{status.get('abort', False)} {status.get('abortedAt', '')}")
        self.stable.append(status.get("stableRS", ""))

    def _is_done(self, status: Json) -> bool:
        """Whether the step before is done just now: none is by an abort, a full promotion or another template."""
        revision, index = self._at
        return index is not None and (status["currentPodHash"], status.get("currentStepIndex")) == (revision, index + 1)

    def _sizes(self, newest: str) -> str:
        """Pods wanted of each revision; where weights and pods follow each other: of the newest, and the weights."""
        found = (body for (kind, _), body in sorted(self.objects.items()) if kind == "ReplicaSet")
        sizes = {one["metadata"].get("labels", {}).get(HASH_LABEL, "none"): one["spec"]["replicas"] for one in found}
        told = [f"{revision}={size}" for revision, size in sizes.items() if revision == newest or not self._is_gradual]
        routed = [values[-1] for name, values in sorted(self.weights.items()) if name.startswith(ROUTES)]
        return "; ".join([" ".join(told), *(routed if self._is_gradual else ())])


def _owner(body: Json) -> str:
    return next((str(one["kind"]) for one in body["metadata"].get("ownerReferences", ()) if one.get("controller")), "")


def _changes(values: Iterable[str]) -> list[str]:
    """Each value once as long as it lasts; what tells repetitions apart by its time is then told without it."""
    kept: list[str] = []
    for value in values:
        if kept[-1:] != [value]:
            kept.append(value)
    return [TIME.sub("TIME", value) for value in kept]


TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")

# the end state

DROPPED = frozenset(
    {
        "uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink", "collisionCount", "measurements",
        "totalManualPauseDurationSeconds", "lastTransitionTime", "lastUpdateTime", "clusterIP", "clusterIPs",
    }
)  # fmt: skip
COUNTED = frozenset(
    {"count", "successful", "failed", "inconclusive", "error", "consecutiveError", "consecutiveSuccess"}
)
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def plain(kind: str, body: Json) -> Any:
    """An object without what may differ between undisturbed runs."""
    metadata = {name: value for name, value in body["metadata"].items() if name not in {"generation", "namespace"}}
    metadata["annotations"] = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != LAST_APPLIED}
    kept = {"metadata": metadata, "spec": body.get("spec"), "status": _status(kind, body)}
    return _without(kept)


def _status(kind: str, body: Json) -> Json:
    status = dict(body.get("status") or {})
    if kind != "Rollout":
        status.pop("observedGeneration", None)
    if kind == "AnalysisRun":
        status.pop("runSummary", None)
        is_early = body["spec"].get("terminate", False)
        counts = {metric["name"]: "count" in metric and not is_early for metric in body["spec"]["metrics"]}
        results = status.get("metricResults", ())
        status["metricResults"] = [_result(one, is_counted=counts.get(one["name"], False)) for one in results]
    if "parents" in status:
        status["parents"] = [_parent(one) for one in status["parents"]]
    return status


def _result(result: Json, *, is_counted: bool) -> Json:
    return {name: value for name, value in result.items() if is_counted or name not in COUNTED}


def _parent(parent: Json) -> Json:
    conditions = [{k: v for k, v in one.items() if k != "observedGeneration"} for one in parent["conditions"]]
    return {**parent, "conditions": conditions}


def _without(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without(inner) for name, inner in sorted(value.items()) if name not in DROPPED}
    if isinstance(value, list | tuple):
        items = [_without(one) for one in value]
        is_typed = all(isinstance(one, dict) and "type" in one and "status" in one for one in items)
        return sorted(items, key=lambda one: str(one["type"])) if items and is_typed else items
    return TIME.sub("TIME", value) if isinstance(value, str) else value


# what no run may do


def bounds(rows: Sequence[Row], begun: int, expected: Expected) -> Iterator[str]:
    """Moments at which fewer pods were available, or more wanted, than the spec allows; the first of each."""
    if expected.pods is None:
        return
    least, most = expected.pods
    sets: dict[str, Json] = {}
    told: set[str] = set()
    for row in rows:
        if row.kind != "ReplicaSet":
            continue
        sets[row.name] = {} if row.change == "DELETED" else row.body
        if row.version <= begun:
            continue
        available = sum(one.get("status", {}).get("availableReplicas", 0) for one in sets.values())
        wanted = sum(one.get("spec", {}).get("replicas", 0) for one in sets.values())
        if available < least and "few" not in told:
            told.add("few")
            yield f"{available} pods available where at least {least} must be: {_named(sets)}"
        if wanted > most and "many" not in told:
            told.add("many")
            yield f"{wanted} pods wanted where at most {most} may be: {_named(sets)}"


def _named(sets: Mapping[str, Json]) -> str:
    return ", ".join(
        f"{name} {one['status'].get('availableReplicas', 0)}/{one['spec']['replicas']}"
        for name, one in sorted(sets.items())
        if one
    )


def cut_short(rows: Sequence[Row], begun: int, expected: Expected) -> Iterator[str]:
    """Timed pauses that were over before their time."""
    since: dict[tuple[str, str, int], datetime] = {}
    for row in rows:
        status = (row.body.get("status") or {}) if row.kind == "Rollout" else {}
        index, revision = status.get("currentStepIndex"), status.get("currentPodHash", "")
        if index is None or row.change == "DELETED":
            continue
        for pause in status.get("pauseConditions") or ():
            since[row.name, revision, index] = datetime.fromisoformat(pause["startTime"])
        began = since.pop((row.name, revision, index - 1), None)
        steps = row.body["spec"]["strategy"].get("canary", {}).get("steps", [])
        if began is None or row.version <= begun or index - 1 in expected.hurried or index > len(steps):
            continue
        length = _seconds(steps[index - 1].get("pause", {}).get("duration"))
        if length and row.at < began.timestamp() + length:
            yield f"{row.name}: the pause of step {index - 1} lasted {row.at - began.timestamp():.1f} s, not {length:g}"


def _seconds(duration: Any) -> float:
    return 0.0 if duration is None else parse_pause_duration(duration).total_seconds()


def left_over(rows: Sequence[Row]) -> list[str]:
    """Commands that were taken out of a spec and never put away."""
    last = {row.name: row for row in rows if row.kind == "Rollout"}
    return [
        f"{name}: the command {row.body['metadata']['annotations'][COMMAND]} is still noted"
        for name, row in last.items()
        if COMMAND in (row.body["metadata"].get("annotations") or {}) and row.change != "DELETED"
    ]


# the comparison


def differences(found: Record, reference: Record) -> list[str]:
    """Everything in which a run differs from the undisturbed one, and what no run may do; a sentence each."""
    if found.stuck:
        return [f"it never ended: {found.stuck}", *found.wrong, *_sequences(found, reference)]
    counted = [*_counts("created", found, reference), *_counts("deleted", found, reference)]
    ended = list(_values("end", reference.end, found.end))
    return [*found.wrong, *_sequences(found, reference), *counted, *ended]


def _sequences(found: Record, reference: Record) -> list[str]:
    said = []
    for name in ("steps", "sizes", "pauses", "commands", "aborts", "stable", "pods"):
        said += _sequence(name, getattr(found, name), getattr(reference, name))
    for route in sorted(found.weights.keys() | reference.weights.keys()):
        said += _sequence(f"weights of {route}", found.weights.get(route, []), reference.weights.get(route, []))
    return said


def _sequence(name: str, found: list[str], reference: list[str]) -> list[str]:
    if found == reference:
        return []
    at = next((i for i, (one, other) in enumerate(zip(found, reference, strict=False)) if one != other), None)
    place = min(len(found), len(reference)) if at is None else at
    return [f"{name}: {_shown(found, place)} where it was {_shown(reference, place)}"]


def _shown(values: list[str], place: int) -> str:
    """What is around the first difference, which is at *place*."""
    first = max(0, place - 2)
    shown = [*(["…"] if first else []), *values[first : place + 3], *(["…"] if place + 3 < len(values) else [])]
    return f"[{', '.join(shown)}]" + ("" if place < len(values) else " and no more")


def _counts(name: str, found: Record, reference: Record) -> list[str]:
    mine, theirs = Counter(getattr(found, name)), Counter(getattr(reference, name))
    more, less = mine - theirs, theirs - mine
    return [
        *(f"{what} was {name} {mine[what]} times where it was {theirs[what]}" for what in sorted(more)),
        *(f"{what} was {name} {mine[what]} times where it was {theirs[what]}" for what in sorted(less)),
    ]


def _values(path: str, reference: Any, found: Any) -> Iterator[str]:
    """Paths at which two values differ."""
    if isinstance(reference, dict) and isinstance(found, dict):
        for name in sorted(reference.keys() | found.keys()):
            yield from _values(f"{path}.{name}", reference.get(name), found.get(name))
    elif isinstance(reference, list) and isinstance(found, list) and len(reference) == len(found):
        for index, (one, other) in enumerate(zip(reference, found, strict=True)):
            yield from _values(f"{path}[{index}]", one, other)
    elif reference != found:
        yield f"{path} is {found!r} where it was {reference!r}"

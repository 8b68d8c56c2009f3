"""A recording without its times: what clients saw, as sequences by name, consecutive repetitions told once."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rollouts.api.keys import EPHEMERAL_METADATA, HASH_LABEL
from rollouts.wire import mergepatch

Row = Mapping[str, Any]
Raw = Mapping[str, Any]
Story = dict[str, list[Any]]
States = dict[tuple[str, str], Raw]
Told = Iterator[tuple[str, Any]]

HERO = "web"
COMBINED = "(combined from similar events): "
COUNTS = ("count", "successful", "failed", "inconclusive", "error", "consecutiveError", "consecutiveSuccess")
SAID = ("name", "phase", "message", "dryRun", "metadata")
MEASURED = ("phase", "value", "message", "metadata")
LAST = (
    "phase", "message", "stableRS", "currentPodHash", "currentStepIndex", "currentStepHash", "abort",
    "controllerPause", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "HPAReplicas", "selector",
)  # fmt: skip
# Prometheus' sample times in a message that quotes its answer, whole and cut off.
TIME = re.compile(r"\d{10}\.\d+|(?<=\.\.\.\|)\d*\.?\d+")
# When a pause began, in a message.
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
# Where such a quotation begins: at a fixed number of bytes before its end, so it moves with the digits of the time.
EDGE = re.compile(r"(?<=bigger context \.\.\.\|)\w+")
# Of a run, in the names of its Jobs.
UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FAILURES = re.compile("refused|never|recording ended")
GROUPS = (
    (re.compile("ScalingReplicaSet"), "scaling"),
    (re.compile("SwitchService"), "services"),
    (re.compile("TrafficWeightUpdated|(Patching|Creating)CanaryIngress"), "traffic"),
    (re.compile(""), "release"),
)


def story(rows: Iterable[Row]) -> Story:
    """Every sequence of a recording; a story's events are told in groups, since each says what was done to one thing."""
    sequences: Story = {}
    states: States = {}
    for row in rows:
        for name, value in _told(row, states):
            _add(sequences.setdefault(name, []), value)
    sequences |= _ends(states)
    return {name: values for name, values in sequences.items() if values}


def _add(sequence: list[Any], value: Any) -> None:
    if value is not None and (not sequence or sequence[-1] != value):
        sequence.append(value)


def _told(row: Row, states: States) -> Told:
    """What one row says; *states* is brought up to date."""
    if "did" in row:
        if FAILURES.match(row["did"]):
            yield "failures", row["did"]
    elif "event" in row:
        yield from _event(row["event"])
    elif row.get("deleted"):
        yield from _deletion(row["kind"], row["name"], states)
    else:
        key = (row["kind"], row["name"])
        before = states.get(key, {})
        states[key] = row["object"] if "object" in row else mergepatch.apply(before, row["patch"])
        yield from TELL.get(key[0], _nothing)(key[1], states[key])
        if key == ("Rollout", HERO) and _is_paused(states[key]) and not _is_paused(before):
            yield "sizes when paused", _sizes(states)
            yield from _weights_when_paused(states[key])


def _deletion(kind: str, name: str, states: States) -> Told:
    """What is deleted; but after its Rollout a ReplicaSet goes whenever the cluster's garbage collector comes."""
    if (kind, name) == ("Rollout", HERO):
        states.pop((kind, name), None)
    if kind != "ReplicaSet" or ("Rollout", HERO) in states:
        yield f"{kind} {name}", "deleted"


def times_said(rows: Iterable[Row]) -> dict[str, Counter[str]]:
    """How often each text of each sequence of Events was said: what is said again may be told by a count alone."""
    counts: dict[tuple[str, str, str], int] = {}
    for row in rows:
        if event := row.get("event"):
            for sequence, text in _event(event):
                counts[sequence, event["message"] or "", text] = event.get("count") or 1
    said: dict[str, Counter[str]] = {}
    for (sequence, _, text), count in counts.items():
        said.setdefault(sequence, Counter())[text] += count
    return said


def _event(event: Raw) -> Told:
    kind, _, name = event["regarding"].partition("/")
    text = f"{event['type']} {event['reason']}: {timeless((event['message'] or '').removeprefix(COMBINED))}"
    if kind == "Rollout":
        group = next(group for pattern, group in GROUPS if pattern.match(event["reason"]))
        yield _named(f"events of {group}", name), text
        yield _named("every event", name), text
    elif kind == "AnalysisRun":
        yield f"events of {name}", text


def _rollout(name: str, raw: Raw) -> Told:
    status = raw.get("status") or {}
    is_current = str(status.get("observedGeneration")) == str(raw["metadata"].get("generation"))
    if status.get("phase") and (is_current or name != HERO):
        yield _named("phase", name), f"{status['phase']}: {timeless(status.get('message', ''))}"
    yield _named("step", name), status.get("currentStepIndex")
    weights = (status.get("canary") or {}).get("weights")
    has_places = ((raw.get("spec") or {}).get("workloadRef") or {}).get("kind") == "StatefulSet"
    yield (
        _named("weights by places" if has_places else "weights", name),
        weights and [weights["canary"]["weight"], weights["stable"]["weight"]],
    )
    if wanted := (raw.get("spec") or {}).get("restartAt"):
        yield _named("restarted", name), status.get("restartedAt") == wanted


def _scalable(name: str, raw: Raw) -> Told:
    yield f"replicas {name}", (raw.get("spec") or {}).get("replicas")


def _replica_set(name: str, raw: Raw) -> Told:
    yield from _scalable(name, raw)
    # what was injected, by the note of it and in fact
    metadata = ((raw.get("spec") or {}).get("template") or {}).get("metadata") or {}
    note = (raw["metadata"].get("annotations") or {}).get(EPHEMERAL_METADATA, "")
    yield f"injected {name}", [note, metadata.get("labels") or {}, metadata.get("annotations") or {}]
    yield f"affinity {name}", (((raw.get("spec") or {}).get("template") or {}).get("spec") or {}).get("affinity")


def _stateful_set(name: str, raw: Raw) -> Told:
    yield from _scalable(name, raw)
    yield f"partition {name}", (raw["spec"]["updateStrategy"].get("rollingUpdate") or {}).get("partition")
    # nobody but its owner changes it
    yield f"images {name}", [container["image"] for container in raw["spec"]["template"]["spec"]["containers"]]


def _service(name: str, raw: Raw) -> Told:
    yield f"selector {name}", (raw["spec"].get("selector") or {}).get(HASH_LABEL, "-")


def _ingress(name: str, raw: Raw) -> Told:
    annotations = raw["metadata"].get("annotations") or {}
    weight, others = {}, {}
    for key, text in annotations.items():
        (weight if key.endswith("canary-weight") else others)[key] = text
    yield f"ingress {name}", next(iter(weight.values()), None)
    yield f"annotations {name}", others


def _route(name: str, raw: Raw) -> Told:
    rules = raw["spec"].get("rules", [])
    yield f"route {name}", [[ref.get("weight") for ref in rule.get("backendRefs", [])] for rule in rules]


def _run(name: str, raw: Raw) -> Told:
    status = raw.get("status") or {}
    yield f"run {name}", f"{status['phase']}: {status.get('message', '')}" if status.get("phase") else None
    yield f"terminated {name}", (raw.get("spec") or {}).get("terminate")


def _nothing(_name: str, _raw: Raw) -> Told:
    yield from ()


def _has_places(raw: Raw) -> bool:
    return ((raw.get("spec") or {}).get("workloadRef") or {}).get("kind") == "StatefulSet"


def _weights_when_paused(raw: Raw) -> Told:
    """Of a StatefulSet, whose weights follow its pods."""
    weights = ((raw.get("status") or {}).get("canary") or {}).get("weights")
    if _has_places(raw) and weights:
        yield "weights when paused", weights["canary"]["weight"]


def timeless(text: str) -> str:
    """The text without moments."""
    return MOMENT.sub("MOMENT", text)


def _named(sequence: str, name: str) -> str:
    """Sequences of the Rollout `web` carry no name."""
    return sequence if name == HERO else f"{sequence} {name}"


def _is_paused(raw: Raw) -> bool:
    return (raw.get("status") or {}).get("phase") == "Paused"


def _sizes(states: States) -> dict[str, int]:
    """Wanted pods of the Rollout's ReplicaSets that have any."""
    sizes = {name: raw["spec"].get("replicas") for (kind, name), raw in states.items() if kind == "ReplicaSet"}
    return {name: sizes[name] for name in sorted(sizes) if name.startswith(f"{HERO}-") and sizes[name]}


def _ends(states: States) -> Story:
    """How everything stood when the recording ended."""
    hero = states.get(("Rollout", HERO), {}).get("status", {})
    conditions = (
        f"{c['type']}={c['status']} {c['reason']}: {timeless(c['message'])}" for c in hero.get("conditions", ())
    )
    ends: Story = {"last conditions": sorted(conditions)}
    if hero:
        ends["last status"] = [timeless(f"{name}: {json.dumps(hero.get(name))}") for name in LAST]
    for (kind, name), raw in states.items():
        if kind == "AnalysisRun":
            status = raw.get("status") or {}
            ends[f"last metrics of {name}"] = [_counted(metric) for metric in status.get("metricResults", ())]
            ends[f"summary of {name}"] = sorted(f"{count}: {n}" for count, n in status.get("runSummary", {}).items())
    return ends


def _counted(metric: Raw) -> str:
    """A metric: what is said of it, its oldest measurement, and how often what was measured."""
    measured = metric.get("measurements", [])
    said = {name: metric.get(name) for name in SAID}
    oldest = {name: measured[0].get(name) for name in MEASURED} if measured else {}
    counts = {count: metric[count] for count in COUNTS if count in metric}
    told = json.dumps({**said, "oldest": oldest, "kept": len(measured), **counts})
    return UID.sub("UID", EDGE.sub("", TIME.sub("TIME", told)))


TELL = {
    "Rollout": _rollout,
    "ReplicaSet": _replica_set,
    "Deployment": _scalable,
    "StatefulSet": _stateful_set,
    "Service": _service,
    "Ingress": _ingress,
    "HTTPRoute": _route,
    "AnalysisRun": _run,
}

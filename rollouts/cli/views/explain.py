"""A plan in words: what each stage says, what would be written, when the next look is due."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from rollouts.cli.views.text import Line, Span, Style, columns
from rollouts.planner.draft import Plan
from rollouts.planner.snapshot import Snapshot
from rollouts.wire.durations import rfc3339

LONGEST_VALUE: Final = 90
VERDICT_STYLES: Final = {
    "act": Style.BUSY,
    "hold": Style.HELD,
    "wait": Style.HELD,
    "pass": Style.GOOD,
    "warn": Style.HELD,
    "refuse": Style.BAD,
}


class Write(Protocol):
    """One request that would be sent."""

    @property
    def verb(self) -> str:
        """create, patch or delete."""

    @property
    def kind(self) -> str:
        """The plural."""

    @property
    def namespace(self) -> str:
        """The object's namespace."""

    @property
    def name(self) -> str:
        """The object's name."""

    @property
    def subresource(self) -> str:
        """`status`, or ""."""

    @property
    def body(self) -> Mapping[str, Any]:
        """What is sent."""


def verdict(snapshot: Snapshot, writes: Sequence[Write]) -> str:
    """`invalid`, `act` (something would be written) or `settled`."""
    if snapshot.problems:
        return "invalid"
    return "act" if writes else "settled"


def explained(snapshot: Snapshot, plan: Plan, writes: Sequence[Write]) -> list[Line]:
    """The whole text."""
    return [
        (Span("rollout "), Span(str(snapshot.key), Style.STRONG), Span(_place(snapshot))),
        *_reasons(plan, snapshot),
        *_writes(writes),
        (Span(f"next look: {_next_look(plan.wake_at)}"),),
    ]


def _place(snapshot: Snapshot) -> str:
    revision = f"   revision {snapshot.revision}" if snapshot.revision else ""
    index, steps = snapshot.status.current_step_index, snapshot.steps
    if index is None or not steps:
        return revision
    current = f"  {steps[index].describe()}" if index < len(steps) else ""
    return f"{revision}   step {min(index, len(steps))}/{len(steps)}{current}"


def _reasons(plan: Plan, snapshot: Snapshot) -> list[Line]:
    """What each stage says; then what is wrong beside the first problem, which a stage has named."""
    rows = [
        (Span(reason.stage), Span(reason.verdict, VERDICT_STYLES.get(reason.verdict, Style.PLAIN)), Span(reason.text))
        for reason in plan.reasons
    ]
    rows += [(Span(""), Span("also", Style.BAD), Span(str(problem))) for problem in snapshot.problems[1:]]
    return [(Span("  "), *line) for line in columns(rows, gap="   ")]


def _writes(writes: Sequence[Write]) -> Iterator[Line]:
    yield (Span("would write:" if writes else "would write nothing"),)
    for write in writes:
        what = f"{write.kind}/{write.subresource}" if write.subresource else write.kind
        where = "/".join(part for part in (write.namespace, write.name) if part)
        yield Span("  "), Span(f"{write.verb} {what} {where}", Style.BUSY)
        if write.verb == "patch":
            yield from ((Span(f"    {path}: {_shown(value)}"),) for path, value in _leaves(write.body, ""))


def _leaves(patch: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    """What a merge patch changes, by path; a key with a dot or slash stands in brackets."""
    for key, value in patch.items():
        simple = "." not in key and "/" not in key
        path = (f"{above}.{key}" if above else key) if simple else f"{above}[{key}]"
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, path)
        else:
            yield path, value


def _shown(value: Any) -> str:
    if value is None:
        return "(removed)"
    if isinstance(value, list) and value and all(isinstance(one, Mapping) and "type" in one for one in value):
        return "; ".join(" ".join(str(one.get(key, "")) for key in ("type", "status", "reason")) for one in value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def _next_look(wake_at: datetime | None) -> str:
    return f"on change, or {rfc3339(wake_at)}" if wake_at else "on change"


def explanation(snapshot: Snapshot, plan: Plan, writes: Sequence[Write]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "namespace": snapshot.key.namespace,
        "name": snapshot.key.name,
        "revision": snapshot.revision,
        "stepIndex": snapshot.status.current_step_index,
        "stepCount": len(snapshot.steps),
        "verdict": verdict(snapshot, writes),
        "problems": [str(problem) for problem in snapshot.problems],
        "reasons": [reason._asdict() for reason in plan.reasons],
        "writes": [_written(write) for write in writes],
        "events": [{"reason": event.reason, "message": event.message} for event in plan.events],
        "phase": plan.status.phase,
        "message": plan.status.message,
        "wakeAt": rfc3339(plan.wake_at) if plan.wake_at else None,
    }


def _written(write: Write) -> dict[str, Any]:
    names = ("verb", "kind", "namespace", "name", "subresource", "body")
    return {name: getattr(write, name) for name in names}

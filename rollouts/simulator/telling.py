"""A simulation as text for people and as values for programs: what happened when, and why."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rollouts.planner.draft import Reason
from rollouts.simulator.timeline import Moment, Simulation

# Verdicts that tell of something: that all is as it should be (`pass`) does not.
MARKS = {"act": "+", "hold": "-", "wait": "-", "refuse": "!"}


def told(simulation: Simulation, *, events: bool = False) -> list[str]:
    """The timeline, line by line: state, then what was done (+), what waits (-), what is refused (!), Events (*)."""
    lines: list[str] = []
    header = ""
    for moment_header, rest in _paragraphs(simulation.moments, len(_steps(simulation)), events):
        lines += rest if moment_header == header else [moment_header, *rest]
        header = moment_header
    return lines


def _steps(simulation: Simulation) -> Sequence[Any]:
    snapshot = simulation.snapshot()
    return snapshot.steps if snapshot else ()


def _paragraphs(moments: Sequence[Moment], steps: int, events: bool) -> Iterator[tuple[str, list[str]]]:
    waiting: frozenset[Reason] = frozenset()
    for moment in moments:
        since = f"t+{_seconds(moments[0].at, moment.at):g}s"
        if moment.plan is None:
            yield f"{since:<8} > {moment.told}", []
            continue
        waits = frozenset(reason for reason in moment.plan.reasons if reason.verdict in {"hold", "wait"})
        if not moment.wrote and (not waits or waits == waiting):
            continue
        marked = [(MARKS[r.verdict], r.text) for r in moment.plan.reasons if r.verdict in MARKS and r not in waiting]
        marked += [("*", f"{event.reason}: {event.message}") for event in moment.events if events]
        marked += [("!", moment.refused)] if moment.refused else []
        yield f"{since:<8} {_state(moment, steps)}", [f"{'':<10} {mark} {text}" for mark, text in marked]
        waiting = waits


def _seconds(start: datetime, at: datetime) -> float:
    return round((at - start).total_seconds(), 3)


def _state(moment: Moment, steps: int) -> str:
    assert moment.plan is not None
    status = moment.plan.status
    weights = status.canary.weights
    parts = [
        f"{status.phase:<11}",
        "" if status.current_step_index is None else f"step {status.current_step_index}/{steps}",
        f"weight {weights.canary.weight}" if weights else "",
        *(f"{name} {available}/{wanted}" for name, (wanted, available) in moment.sizes.items() if wanted or available),
        status.message,
    ]
    return "  ".join(part for part in parts if part)


def values(simulation: Simulation) -> list[dict[str, Any]]:
    """The timeline as JSON values; `at` in seconds from its beginning."""
    moments = simulation.moments
    return [_value(moment, moments[0].at) for moment in moments if moment.wrote or moment.plan is None]


def _value(moment: Moment, start: datetime) -> dict[str, Any]:
    at = {"at": _seconds(start, moment.at)}
    if moment.plan is None:
        return {**at, "told": moment.told}
    status = moment.plan.status
    weights = status.canary.weights
    return {
        **at,
        "phase": status.phase,
        "message": status.message,
        "step": status.current_step_index,
        "weight": weights.canary.weight if weights else None,
        "sizes": {name: {"wanted": wanted, "available": ready} for name, (wanted, ready) in moment.sizes.items()},
        "reasons": [reason._asdict() for reason in moment.plan.reasons],
        "actions": [type(action).__name__ for action in moment.plan.actions],
        "events": [{"reason": event.reason, "message": event.message} for event in moment.events],
        **({"refused": moment.refused} if moment.refused else {}),
    }

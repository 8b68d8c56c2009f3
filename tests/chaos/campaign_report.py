"""What a campaign tells: how far it is, a table, the failures and how each is had again; or JSON."""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, TextIO

import msgspec

from tests.chaos.campaign import Result

WIDTH = 30
KINDS = ("none", "crash", "late", "skip")


class Bar:
    """How far it is; a line anew on a terminal, else one whenever something fails."""

    def __init__(self, out: TextIO = sys.stderr) -> None:
        self._out = out
        self._done, self._bad = 0, 0

    def tell(self, result: Result) -> None:
        """One run more."""
        self._done += 1
        self._bad += not result.is_good
        line = f"{self._done} runs, {self._bad} not as undisturbed; last {result.only}"
        if self._out.isatty():
            self._out.write(f"\r{line:<100.100}")
        elif not result.is_good or self._done % 25 == 0:
            self._out.write(f"{line}{f': {result.said[0]:.300}' if result.said else ''}\n")
        self._out.flush()

    def over(self) -> None:
        """No line after this one is written over it."""
        if self._out.isatty():
            self._out.write("\n")


def table(results: Sequence[Result], seed: int) -> str:
    """A line for each scenario: its writes, and of each kind of perturbation how many runs were good."""
    lines = [f"{'scenario':<{WIDTH + 8}}{'writes':>7}  " + "".join(f"{kind:>9}" for kind in KINDS)]
    for scenario, found in groupby(results, key=lambda one: one.scenario):
        lines.append(_line(scenario, list(found)))
    bad = [one for one in results if not one.is_good]
    lines += ["", f"seed {seed}: {len(results)} runs, {len(bad)} not as undisturbed"]
    return "\n".join([*lines, *failures(bad, seed)]) + "\n"


def _line(scenario: str, results: Iterable[Result]) -> str:
    good, all_, writes = Counter[str](), Counter[str](), 0
    for one in results:
        writes = one.writes if one.is_reference else writes
        kind = one.perturbation.partition("-")[0]
        all_[kind] += 1
        good[kind] += one.is_good
    shares = "".join(f"{f'{good[kind]}/{all_[kind]}' if all_[kind] else '-':>9}" for kind in KINDS)
    return f"{scenario:<{WIDTH + 8}}{writes:>7}  {shares}"


def failures(bad: Iterable[Result], seed: int) -> list[str]:
    """What was wrong with each, and the command that shows it again."""
    lines: list[str] = []
    for one in bad:
        lines += [
            "",
            f"{one.only}{' (undisturbed)' if one.is_reference else ''}",
            *(f"  - {said}" for said in one.said),
        ]
        lines += [f"  again: make chaos SEED={seed} ONLY={one.only}"]
    return lines


def as_json(results: Sequence[Result], seed: int) -> str:
    """All of it, for programs."""
    found: list[dict[str, Any]] = [
        {**msgspec.to_builtins(one), "good": one.is_good, "again": f"make chaos SEED={seed} ONLY={one.only}"}
        for one in results
    ]
    return msgspec.json.format(msgspec.json.encode({"seed": seed, "runs": found}), indent=1).decode()

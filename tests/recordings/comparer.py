"""Holds a recording of ours against Argo Rollouts' of the same situation, and what differs against the list.

A situation of our own invention is held against our own earlier recording, and nothing may differ.

`python -m tests.recordings.comparer DIR [SITUATION...]` for the recordings in DIR; exit code 1 where something
differs that is not listed, or no longer differs although it is.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.recordings.rules import cut_short, forgiven, is_part, is_rest
from tests.recordings.story import Row, Story, story, times_said

HERE = Path(__file__).parent
ARGO = HERE / "argo"
OURS = HERE / "ours"
LISTED = HERE / "differences.yaml"


class Difference(NamedTuple):
    """One sequence that differs; None where a side has none."""

    sequence: str
    argo: list[Any] | None
    ours: list[Any] | None

    def __str__(self) -> str:
        """What Argo Rollouts has and ours lacks (-), and the reverse (+)."""
        changes = difflib.unified_diff(lines(self.argo), lines(self.ours), n=1, lineterm="")
        return "\n    ".join([self.sequence, *list(changes)[2:]])


class Listed(NamedTuple):
    """A difference that is wanted; *ours* is what ours does instead."""

    situation: str
    sequence: str
    ours: list[Any] | None
    reason: str


def lines(values: list[Any] | None) -> list[str]:
    """A line for each value; counts and weights in one."""
    if values and all(isinstance(value, str) for value in values):
        return values
    return [json.dumps(values)]


def differences(argo: Iterable[Row], ours: Iterable[Row]) -> list[Difference]:
    """The sequences that differ, with what the rules forgive left out."""
    rows = list(ours)
    return differing(*cut_short(story(argo), story(rows)), times_said(rows))


def differing(theirs: Story, mine: Story, said: Mapping[str, Mapping[str, int]]) -> list[Difference]:
    """The sequences of two stories that differ by more than the rules forgive; *said*: how often mine said what."""
    found = []
    for name in sorted(theirs | mine):
        left, right = theirs.get(name), mine.get(name)
        a, b = forgiven(name, left or [], right or [])
        if a != b and not (name in said and are_counted(a, b, said[name])):
            found.append(Difference(name, left, right))
    return found


def are_counted(theirs: list[Any], mine: list[Any], said: Mapping[str, int]) -> bool:
    """Whether *mine* lacks nothing but what it had told before, and says again by a count.

    What is said again while its Event still waits to be written raises that one's count, in the place where it stands.
    """
    is_in_order = is_part(mine, theirs) and list(dict.fromkeys(mine)) == list(dict.fromkeys(theirs))
    return is_in_order and all(theirs.count(text) <= said.get(text, 0) for text in theirs)


def complaints(situation: str, rows: Iterable[Row]) -> list[str]:
    """What is wrong with our recording of a situation: differs and is not listed, or is listed and does not differ."""
    if not (ARGO / f"{situation}.jsonl").exists():
        return [f"differs: {difference}" for difference in departures(read(OURS / f"{situation}.jsonl"), rows)]
    found = {difference.sequence: difference for difference in differences(argo(situation), rows)}
    wanted = {entry.sequence: entry for entry in listed() if entry.situation == situation}
    new = [f"differs: {difference}" for name, difference in found.items() if name not in wanted]
    return new + [complaint for entry in wanted.values() if (complaint := against(entry, found.get(entry.sequence)))]


def departures(golden: Iterable[Row], rows: Iterable[Row]) -> list[Difference]:
    """The sequences of *rows* that differ from our earlier recording, whose Events are all there.

    What is said between two rests of the phase is left out: whether an old pod goes or a new one comes first.
    """
    kept = list(rows)
    told = (
        {name: v for name, v in story(side).items() if not name.startswith("every event")} for side in (golden, kept)
    )
    return [one for one in differing(*told, times_said(kept)) if not is_of_progress(one)]


def is_of_progress(one: Difference) -> bool:
    """Whether phases differ only in what is said between rests."""
    if one.sequence != "phase":
        return False
    theirs, mine = ([phase for phase in side or () if is_rest(phase)] for side in (one.argo, one.ours))
    return theirs == mine


def against(entry: Listed, found: Difference | None) -> str:
    """What is wrong with an entry of the list; "" when it is as found."""
    if found is None:
        return f"listed, but differs no longer: {entry.sequence}"
    wanted, ours = forgiven(entry.sequence, entry.ours or [], found.ours or [])
    return "" if wanted == ours and bool(entry.ours) == bool(found.ours) else f"differs, but not as listed: {found}"


def argo(situation: str) -> list[Row]:
    """Argo Rollouts' recording."""
    return read(ARGO / f"{situation}.jsonl")


def read(path: Path) -> list[Row]:
    """A recording."""
    return [json.loads(line) for line in path.read_text().splitlines()]


@cache
def listed() -> list[Listed]:
    """The list of differences."""
    entries = yaml.safe_load(LISTED.read_text())
    return [Listed(e["situation"], name, e["ours"], e["reason"]) for e in entries for name in named(e["sequence"])]


def named(sequence: str | list[str]) -> list[str]:
    """An entry may name several sequences that are the same for the same reason."""
    return [sequence] if isinstance(sequence, str) else sequence


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.recordings.comparer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("ours", type=Path, metavar="DIR", help="where the recorder wrote to")
    parser.add_argument("situations", nargs="*", metavar="SITUATION", help="else all that are in DIR")
    options = parser.parse_args()
    situations = options.situations or sorted(path.stem for path in options.ours.glob("*.jsonl"))
    wrong = {name: complaints(name, read(options.ours / f"{name}.jsonl")) for name in situations}
    for name, found in wrong.items():
        print(f"{name}:" if found else f"{name}: as wanted", *found, sep="\n  ")  # noqa: T201
    return 1 if any(wrong.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

"""Says how much of each file tests reach, by lines and by branches, and names what they do not.

`python tests/reach.py coverage.json`, where `coverage json` wrote the file; `make coverage` does both.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, order=True)
class Gap:
    """A line no test comes to, or (with *instead*) a way out of a line that no test takes."""

    path: str
    line: int
    function: str
    instead: str = ""

    def told(self, source: str) -> str:
        """One line of the list; *source* is the text of the line."""
        where = f"{self.path}:{self.line}  {self.function or 'module'}"
        return f"{where}:  {source.strip()}" + (f"   (never goes {self.instead})" if self.instead else "")


def share(reached: int, every: int) -> str:
    """Hundredths, never rounded up to all of them."""
    return f"{1000 * reached // every / 10 if every else 100.0:.1f}%"


def row(name: str, summary: Mapping[str, Any]) -> str:
    """One line of the table."""
    lines, of_lines = summary["covered_lines"], summary["num_statements"]
    branches, of_branches = summary["covered_branches"], summary["num_branches"]
    counted = (f"{lines}/{of_lines}", share(lines, of_lines), f"{branches}/{of_branches}", share(branches, of_branches))
    return "{:>11} {:>6}  {:>11} {:>6}".format(*counted) + f"  {name}"


def gaps(path: str, found: Mapping[str, Any]) -> Iterator[Gap]:
    """What is not reached; a branch is named where the line it leads to is reached by another way, or is the end."""
    missing = set(found["missing_lines"])
    inside = {line: name for name, part in found["functions"].items() for line in every_line(part)}
    for line in missing:
        yield Gap(path, line, inside.get(line, ""))
    for begin, end in found["missing_branches"]:
        if begin not in missing and end not in missing:
            yield Gap(path, begin, inside.get(begin, ""), "to the end" if end < 0 else f"to line {end}")


def every_line(part: Mapping[str, Any]) -> tuple[int, ...]:
    """Lines of a function, reached or not."""
    return (*part["executed_lines"], *part["missing_lines"])


def report(measured: Mapping[str, Any], root: Path) -> Iterator[str]:
    """The table, its total, and the list."""
    files: Mapping[str, Any] = measured["files"]
    yield f"{'lines':>18}  {'branches':>18}  file"
    for path, found in sorted(files.items()):
        yield row(path, found["summary"])
    yield row("all of these", measured["totals"])
    left = sorted(gap for path, found in files.items() for gap in gaps(path, found))
    yield f"\nNot reached: {len(left)}" if left else "\nEvery line and every branch is reached."
    for gap in left:
        yield "  " + gap.told((root / gap.path).read_text().splitlines()[gap.line - 1])


if __name__ == "__main__":
    print(*report(json.loads(Path(sys.argv[1]).read_text()), Path.cwd()), sep="\n")  # noqa: T201

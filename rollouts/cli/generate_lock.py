"""Prints the part of requirements.lock that some roots need: `python rollouts/cli/generate_lock.py ROOT...`.

A root is a package of the lock file, or this project (`rollouts`, `rollouts[sandbox]`), which stands for what
pyproject.toml says it depends on. Versions, markers and hashes stay as they are. Runs without anything installed,
because images are built with it: only the standard library may be imported here.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT: Final = "rollouts"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRAS: Final = re.compile(r"\[(.*)\]")


class Entry(NamedTuple):
    """One package of a lock file: who asked for it, and its lines."""

    name: str
    asked_by: frozenset[str]
    text: str


def main(roots: Sequence[str]) -> int:
    """The command; returns its exit code."""
    if not roots:
        print(__doc__, file=sys.stderr)
        return 2
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    try:
        print(needed(lock, wanted(roots, project)), end="")
    except LookupError as error:
        print(f"error: {error.args[0]}", file=sys.stderr)
        return 1
    return 0


def needed(lock: str, roots: Iterable[str]) -> str:
    """The entries of *lock* that *roots* need, themselves included; raises LookupError for one that is not in it."""
    found = {entry.name: entry for entry in entries(lock)}
    reached = set(roots)
    if absent := sorted(reached - set(found)):
        raise LookupError(f"{', '.join(absent)}: not in requirements.lock, which is older than pyproject.toml")
    before = 0
    while len(reached) > before:
        before = len(reached)
        reached |= {entry.name for entry in found.values() if entry.asked_by & reached}
    return "".join(entry.text for entry in found.values() if entry.name in reached)


def entries(lock: str) -> Iterator[Entry]:
    """The packages of a lock file with "# via" comments, in its order."""
    for text in re.split(r"(?m)^(?=[A-Za-z0-9])", lock):
        name, _, rest = text.partition("==")
        if rest:
            yield Entry(_normal(name), frozenset(_asked_by(rest)), text)


def wanted(roots: Iterable[str], project: Mapping[str, Any]) -> Iterator[str]:
    """The packages that *roots* name; this project stands for its dependencies and those of the extras given."""
    for root in roots:
        name = _normal(root)
        if name != PROJECT:
            yield name
            continue
        found = _EXTRAS.search(root)
        yield from map(_normal, project["dependencies"])
        for extra in found[1].split(",") if found else ():
            yield from map(_normal, project["optional-dependencies"][extra.strip()])


def _asked_by(text: str) -> Iterator[str]:
    _, _, comment = text.partition("# via")
    for line in comment.splitlines():
        word = line.lstrip(" #")
        if word and "(pyproject.toml)" not in word:
            yield _normal(word)


def _normal(requirement: str) -> str:
    """The name in a requirement as package registries compare it: `Google_RE2>=1` → `google-re2`."""
    found = _NAME.match(requirement.strip())
    assert found is not None, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

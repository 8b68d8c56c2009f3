"""How AnalysisRuns of a release are named (contract §5.8), and which of these names somebody else's runs have."""

from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Final

from rollouts.api.analysis import AnalysisRun
from rollouts.planner.snapshot import Snapshot, revision_of

# What is added for the analyses before and after a blue-green promotion.
PRE_PROMOTION: Final = "-pre"
POST_PROMOTION: Final = "-post"


def stem(snapshot: Snapshot) -> str:
    """How names of this release's runs begin; the background run's name is this alone."""
    return f"{snapshot.key.name}-{snapshot.canary_hash}-{revision(snapshot)}"


def revision(snapshot: Snapshot) -> int:
    """The revision that is measured."""
    return revision_of(snapshot.canary.metadata) if snapshot.canary else snapshot.revision


def of_step(index: int) -> str:
    """What is added for the analysis of step *index*."""
    return f"-{index}"


def numbered(name: str) -> Iterator[str]:
    """*name*, and what it becomes as long as it is taken."""
    yield name
    count = 0
    while True:
        count += 1
        yield f"{name}.{count}"


def taken(snapshot: Snapshot, find: Callable[[str], AnalysisRun | None]) -> frozenset[str]:
    """Names this release could want for its runs that are those of runs of somebody else; *find* knows all runs."""
    own = {run.metadata.name for run in snapshot.runs}
    begin = stem(snapshot)
    steps = enumerate(snapshot.strategy.steps)
    wanted = [begin, *(begin + of_step(index) for index, step in steps if step.analysis is not None)]
    if snapshot.spec.strategy.blue_green is not None:
        wanted = [begin + PRE_PROMOTION, begin + POST_PROMOTION]
    return frozenset(name for one in wanted for name in _foreign(one, own, find))


def _foreign(wanted: str, own: set[str], find: Callable[[str], AnalysisRun | None]) -> Iterator[str]:
    others = (name for name in numbered(wanted) if name not in own)
    return takewhile(lambda name: find(name) is not None, others)

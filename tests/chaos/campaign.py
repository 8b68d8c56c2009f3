"""Every scenario undisturbed, then disturbed, several at a time; each held against its undisturbed run."""

import asyncio
import itertools
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from rollouts.runtime.lifecycle import leaves
from tests.chaos.campaign_draw import Perturbation, whole
from tests.chaos.campaign_play import House, Run, play
from tests.chaos.checker import Record, differences
from tests.chaos.scenarios_words import Scenario

NUMBERS = itertools.count(1)


class Result(msgspec.Struct, frozen=True):
    """What came of one run. *said*: everything that is not as it should be. *struck*: how often it was killed."""

    scenario: str
    perturbation: str
    said: list[str]
    writes: int = 0
    struck: int = 0
    seconds: float = 0.0
    is_reference: bool = False

    @property
    def is_good(self) -> bool:
        """Whether nothing is to be said."""
        return not self.said

    @property
    def only(self) -> str:
        """By which it is had again."""
        return f"{self.scenario}:{self.perturbation}"


class Task(msgspec.Struct, frozen=True):
    """One scenario and what is done to it; *wanted* None: everything."""

    scenario: Scenario
    wanted: list[Perturbation] | None


class Campaign:
    """Plays tasks, at most *parallel* runs at a time; *tell* hears of each result as it comes.

    Scenarios take turns, each with its runs in an order drawn: who ends a campaign early has seen some of everything.
    """

    def __init__(
        self, house: House, seed: int, *, parallel: int, tell: Callable[[Result], None], keep: Path | None = None
    ) -> None:
        self._house, self._seed, self._keep = house, seed, keep
        self._parallel, self._turn = parallel, asyncio.Semaphore(parallel)
        self._share = parallel
        self._tell = tell
        self.results: list[Result] = []

    async def run(self, tasks: Sequence[Task]) -> list[Result]:
        """Every task. Results in the order of the tasks."""
        self._share = self._parallel // max(len(tasks), 1) + 2
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(self._scenario(task), name=task.scenario.name)
        order = {task.scenario.name: place for place, task in enumerate(tasks)}
        return sorted(self.results, key=lambda one: order[one.scenario])

    async def _scenario(self, task: Task) -> None:
        run = await self._play(task.scenario, Perturbation(), None)
        if run is None:
            return
        wanted = list(whole(self._seed, task.scenario, run.writes) if task.wanted is None else task.wanted)
        random.Random(f"{self._seed} {task.scenario.name} order").shuffle(wanted)
        share = asyncio.Semaphore(self._share)
        async with asyncio.TaskGroup() as group:
            for one in wanted:
                name = f"{task.scenario.name}:{one.name}"
                group.create_task(self._disturbed(task.scenario, one, run.record, share), name=name)

    async def _disturbed(
        self, scenario: Scenario, perturbation: Perturbation, reference: Record, share: asyncio.Semaphore
    ) -> None:
        async with share:
            await self._play(scenario, perturbation, reference)

    async def _play(self, scenario: Scenario, perturbation: Perturbation, reference: Record | None) -> Run | None:
        """One run and what is to be said of it; None where there is nothing to hold others against."""
        async with self._turn:
            began = asyncio.get_running_loop().time()
            try:
                run = await play(self._house, scenario, perturbation, self._namespace(scenario), reference)
            except Exception as error:  # noqa: BLE001 (of one run of many: told, and the others go on)
                said = [f"the run itself failed: {type(one).__name__}: {one}" for one in leaves(error)]
                self._note(Result(scenario.name, perturbation.name, said, is_reference=reference is None))
                return None
            took = asyncio.get_running_loop().time() - began
        said = judged(scenario, perturbation, run, reference)
        self._note(
            Result(scenario.name, perturbation.name, said, run.writes, run.crashes, round(took, 1), reference is None)
        )
        if self._keep is not None and (said or reference is None):
            self._write(scenario, perturbation, run, reference)
        return run if reference is not None or not run.record.stuck else None

    def _namespace(self, scenario: Scenario) -> str:
        return f"{scenario.name[:40]}-{os.getpid()}-{next(NUMBERS)}"

    def _note(self, result: Result) -> None:
        self.results.append(result)
        self._tell(result)
        if self._keep is not None:
            with (self._keep / "results.jsonl").open("ab") as file:
                file.write(msgspec.json.encode(result) + b"\n")

    def _write(self, scenario: Scenario, perturbation: Perturbation, run: Run, reference: Record | None) -> None:
        assert self._keep is not None
        name = f"{scenario.name}.{'reference' if reference is None else perturbation.name}.json"
        (self._keep / name).write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1))


def judged(scenario: Scenario, perturbation: Perturbation, run: Run, reference: Record | None) -> list[str]:
    """What is to be said of a run: of the undisturbed one, whether it is fit to hold others against."""
    found = run.record
    if reference is None:
        stuck = [f"undisturbed it never ended: {found.stuck}"] if found.stuck else []
        few = [f"undisturbed it took {run.writes} writes, and is said to need {scenario.writes}"]
        return [*stuck, *found.wrong, *(few if run.writes < scenario.writes and not stuck else [])]
    # by how its pods get ready a run has a write more or less: one that was over before is an undisturbed one
    missed = perturbation.crash and not run.crashes and perturbation.crash <= max(run.writes, scenario.writes)
    unstruck = [f"it was to be killed after write {perturbation.crash} and took {run.writes} only"] if missed else []
    return [*unstruck, *differences(found, reference)]

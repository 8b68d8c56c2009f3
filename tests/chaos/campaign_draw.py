"""What is done to a run, by name, and what a seed makes of the scenarios. Pure: the same seed draws the same.

A perturbation's name says all of it, so that a failure can be had again by it:

    none                nothing: a second undisturbed run, held against the first
    crash-7             killed once the API server has accepted its 7th write, before it hears of it
    crash-every         killed after every write
    late-2.5            it hears of every change 2.5 s late
    skip-1.5            of what an object goes through within 1.5 s it hears the last only
    crash-7+late-2.5    both; likewise every other pair
"""

import random
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tests.chaos.faults import Faults
from tests.chaos.scenarios_words import Scenario

EVERY = -1
PART = re.compile(r"(crash)-(\d+|every)|(late|skip)-(\d+(?:\.\d+)?)")
# seconds
LATE, SKIP, SOON = (1.0, 5.0), (0.5, 4.0), (1.0, 2.0)


class Perturbation(NamedTuple):
    """What is done to a run. *crash*: after which write, EVERY, or 0 for none; *late* and *skip* in seconds."""

    crash: int = 0
    late: float = 0.0
    skip: float = 0.0

    @property
    def name(self) -> str:
        """By which it is drawn again."""
        parts = [f"crash-{'every' if self.crash == EVERY else self.crash}"] if self.crash else []
        parts += [f"late-{self.late:g}"] if self.late else []
        parts += [f"skip-{self.skip:g}"] if self.skip else []
        return "+".join(parts) or "none"

    @property
    def faults(self) -> Faults:
        """For the proxy, from the beginning of the story."""
        first = 1 if self.crash == EVERY else self.crash
        return Faults(kill_after=first, delay=self.late, window=self.skip)

    @property
    def is_any(self) -> bool:
        """Whether anything is done at all."""
        return self != Perturbation()

    @property
    def lag(self) -> float:
        """How long the controller may not know what has happened, in seconds."""
        return self.late + self.skip


def parsed(name: str) -> Perturbation:
    """The perturbation of that name. Raises ValueError for what is none."""
    found = Perturbation()
    for part in name.split("+") if name != "none" else ():
        match = PART.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no perturbation: none, crash-N, crash-every, late-SECONDS or skip-SECONDS")
        if match[1]:
            found = found._replace(crash=EVERY if match[2] == "every" else int(match[2]))
        else:
            found = found._replace(**{match[3]: float(match[4])})
    return found


def whole(seed: int, scenario: Scenario, writes: int) -> list[Perturbation]:
    """Everything that is done to a scenario whose undisturbed run took so many *writes*."""
    chance = random.Random(f"{seed} {scenario.name}")
    late, late2 = (seconds(chance, LATE) for _ in range(2))
    skip, skip2 = (seconds(chance, SKIP) for _ in range(2))
    both = Perturbation(crash=chance.randint(1, scenario.writes), late=seconds(chance, LATE))
    blind = Perturbation(late=seconds(chance, LATE), skip=seconds(chance, SKIP))
    return [
        Perturbation(),
        *(Perturbation(crash=number) for number in range(1, writes + 1)),
        Perturbation(crash=EVERY),
        *(Perturbation(late=one) for one in (late, late2)),
        *(Perturbation(skip=one) for one in (skip, skip2)),
        both,
        blind,
    ]


def shorter(seed: int, groups: Sequence[Sequence[Scenario]], count: int) -> dict[str, list[Perturbation]]:
    """*count* scenarios of each group, each with a crash and with late or skipped news: those that are over soon."""
    chance = random.Random(f"{seed} shorter")
    drawn = [one for group in groups for one in chance.sample(list(group), min(count, len(group)))]
    return {one.name: list(_few(chance, one, place)) for place, one in enumerate(drawn)}


def _few(chance: random.Random, scenario: Scenario, place: int) -> Iterable[Perturbation]:
    yield Perturbation(crash=chance.randint(1, scenario.writes))
    is_late = place % 2 == 0
    yield Perturbation(late=seconds(chance, SOON)) if is_late else Perturbation(skip=seconds(chance, SOON))


def seconds(chance: random.Random, within: tuple[float, float]) -> float:
    """A time, to the tenth of a second."""
    return round(chance.uniform(*within), 1)

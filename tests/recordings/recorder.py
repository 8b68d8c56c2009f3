"""Records what the controller at work on this cluster does in the situations, each in its own namespace, side by side.

Inside a sandbox with `--empty-prometheus` and a controller whose routers settle at once:
`rollouts sandbox exec -- python -m tests.recordings.recorder --out DIR [--ours] [SITUATION...]`
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType

from rollouts.kube.client import Client
from tests.recordings.recording import Recording, Row
from tests.recordings.situations import analyses, bluegreen, canary, conditions, limits, routers, specs, workloads
from tests.recordings.situations.ours import measured, mended, paced, partitions, previewed, referred, weighed
from tests.recordings.urls import served

Situation = Callable[[Recording], Awaitable[None]]


def written_in(*modules: ModuleType) -> dict[str, Situation]:
    """The situations of some modules by name."""
    return {
        name.replace("_", "-"): found
        for module in modules
        for name, found in vars(module).items()
        if asyncio.iscoroutinefunction(found) and found.__module__ == module.__name__ and not name.startswith("_")
    }


# those that take longest first
SITUATIONS = written_in(limits, analyses, bluegreen, routers, canary, workloads, specs, conditions)
# of our own invention
OURS = written_in(partitions, measured, previewed, weighed, referred, paced, mended)
LONGEST = 200.0
AFTERWARDS = 2.0
# What a busy machine has not shown by then it will not show; the comparison says what.
LATE = 60.0


def anything(_rows: list[Row]) -> bool:
    """No matter what has been seen."""
    return True


async def record(client: Client, situation: str, is_whole: Callable[[list[Row]], bool] = anything) -> list[Row]:
    """What happened in one situation, until *is_whole*, at the latest a minute later, and in the two seconds after.

    One of our own invention ends when nothing has happened for two seconds: the Events of a busy controller come late.
    """
    recording = Recording(client, situation)
    async with recording.recorded():
        try:
            async with asyncio.timeout(LONGEST):
                await (SITUATIONS | OURS)[situation](recording)
        except TimeoutError:
            recording.note(f"recording ended after {LONGEST:g} s")
        await recording.whole(is_whole, LATE)
        if situation in OURS:
            await recording.settle(AFTERWARDS)
        else:
            await recording.look_on(AFTERWARDS)
    return recording.rows


def write(rows: list[Row], path: Path) -> None:
    """One JSON object a line."""
    path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))


async def record_into(out: Path, situations: list[str]) -> None:
    """Record side by side; a file each."""

    async def one(client: Client, situation: str) -> None:
        rows = await record(client, situation)
        write(rows, out / f"{situation}.jsonl")
        print(f"{situation}: {len(rows)} rows, {rows[-1]['t']} s", flush=True)  # noqa: T201

    async with Client.connect(user_agent="rollouts-recorder", qps=0) as client, asyncio.TaskGroup() as group:
        for situation in situations:
            group.create_task(one(client, situation), name=f"record {situation}")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.recordings.recorder",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="directory for the recordings, SITUATION.jsonl each")
    parser.add_argument("situations", nargs="*", metavar="SITUATION", help="else all: " + ", ".join(SITUATIONS))
    parser.add_argument("--ours", action="store_true", help="all of our own invention: " + ", ".join(OURS))
    options = parser.parse_args()
    if unknown := [name for name in options.situations if name not in SITUATIONS | OURS]:
        parser.error(f"no such situation: {', '.join(unknown)}")
    options.out.mkdir(parents=True, exist_ok=True)
    with served(Path(os.environ["ROLLOUTS_SANDBOX"])):
        asyncio.run(record_into(options.out, options.situations or list(OURS if options.ours else SITUATIONS)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

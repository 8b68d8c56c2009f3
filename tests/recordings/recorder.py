"""Records what the controller at work on this cluster does in the situations, each in its own namespace, side by side.

Inside a sandbox with `--empty-prometheus` and a controller whose routers settle at once:
`rollouts sandbox exec -- python -m tests.recordings.recorder --out DIR [SITUATION...]`
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from rollouts.kube.client import Client
from tests.recordings.recording import Recording, Row
from tests.recordings.situations import analyses, bluegreen, canary, conditions, limits, routers, specs, workloads
from tests.recordings.urls import served

Situation = Callable[[Recording], Awaitable[None]]

# those that take longest first
MODULES = (limits, analyses, bluegreen, routers, canary, workloads, specs, conditions)
SITUATIONS: dict[str, Situation] = {
    name.replace("_", "-"): found
    for module in MODULES
    for name, found in vars(module).items()
    if asyncio.iscoroutinefunction(found) and not name.startswith("_")
}
LONGEST = 200.0
AFTERWARDS = 2.0


async def record(client: Client, situation: str) -> list[Row]:
    """What happened in one situation, and in the two seconds after it."""
    recording = Recording(client, situation)
    async with recording.recorded():
        try:
            async with asyncio.timeout(LONGEST):
                await SITUATIONS[situation](recording)
        except TimeoutError:
            recording.note(f"recording ended after {LONGEST:g} s")
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
    options = parser.parse_args()
    if unknown := [name for name in options.situations if name not in SITUATIONS]:
        parser.error(f"no such situation: {', '.join(unknown)}")
    options.out.mkdir(parents=True, exist_ok=True)
    with served(Path(os.environ["ROLLOUTS_SANDBOX"])):
        asyncio.run(record_into(options.out, options.situations or list(SITUATIONS)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

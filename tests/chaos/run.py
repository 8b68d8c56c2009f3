"""Every end-to-end scenario again, disturbed: crashes after writes, late news, states that are never seen.

    python tests/chaos/run.py [--seed N] [--only SCENARIO[:PERTURBATION]]... [--short] [--output table|json]

After Sieve (OSDI 2022): each scenario is played undisturbed, then with a crash after each of its writes, with watch
events delayed and with intermediate states skipped; end state and sequence of weights must be as undisturbed. The
seed decides everything that is drawn. Exit code 1 when any run differs.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from rollouts.kube.client import Client
from rollouts.sandbox import cluster
from rollouts.sandbox.places import VARIABLE
from rollouts.sandbox.state import Options
from tests.chaos.campaign import Campaign, Result, Task
from tests.chaos.campaign_draw import parsed, shorter
from tests.chaos.campaign_play import House
from tests.chaos.campaign_report import Bar, as_json, table
from tests.chaos.nursery import nursery
from tests.chaos.scenarios import MODULES, SCENARIOS

ROOT = Path(__file__).resolve().parents[2]
# of `make test`: so many scenarios of each module, always the same
SHORT, SHORT_SEED = 2, 20261121


def main() -> int:
    """In a sandbox play, else bring one up and do it there."""
    options = arguments()
    if VARIABLE in os.environ:
        return asyncio.run(campaign(options))
    role = ROOT / "charts/rollouts/templates/clusterrole.yaml"
    wanted = Options(crds=ROOT / "crds", cluster_role=role)
    place = cluster.up(f"chaos-{os.getpid()}", wanted, say)
    try:
        inside = [sys.executable, "-m", "tests.chaos.run", *sys.argv[1:], f"--seed={options.seed}"]
        return subprocess.run(place.command(inside), cwd=ROOT, env=place.environment(), check=False).returncode
    finally:
        if not options.keep_sandbox:
            place.down()


async def campaign(options: argparse.Namespace) -> int:
    """Play, and say what came of it."""
    say(f"seed {options.seed}")
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
    bar = Bar()
    async with nursery() as born, Client.connect(user_agent="rollouts-chaos", qps=0) as client:
        play = Campaign(House(client, born), options.seed, parallel=options.parallel, tell=bar.tell, keep=options.keep)
        results = await play.run(tasks(options))
    bar.over()
    shown = as_json if options.output == "json" else table
    print(shown(results, options.seed))  # noqa: T201
    return exit_code(results)


def exit_code(results: list[Result]) -> int:
    """1 when any run is not as it should be, or none was made."""
    return 0 if results and all(one.is_good for one in results) else 1


def tasks(options: argparse.Namespace) -> list[Task]:
    """What is to be played."""
    if options.short:
        drawn = shorter(options.seed, [one.SCENARIOS for one in MODULES], SHORT)
        return [Task(SCENARIOS[name], wanted) for name, wanted in drawn.items()]
    if not options.only:
        return [Task(scenario, None) for scenario in SCENARIOS.values()]
    named: dict[str, list[str]] = {}
    for only in options.only:
        name, _, perturbation = only.partition(":")
        named.setdefault(name, []).append(perturbation)
    return [
        Task(SCENARIOS[name], None if "" in wanted else [parsed(one) for one in wanted])
        for name, wanted in named.items()
    ]


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None, help="what is drawn; a new one each time unless given")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[], action="extend",
                        help="SCENARIO or SCENARIO:PERTURBATION; several with commas")  # fmt: skip
    parser.add_argument("--short", action="store_true", help=f"{SHORT} scenarios of each kind, two disturbed runs each")
    parser.add_argument("--parallel", type=int, default=max(2, (os.cpu_count() or 2) * 2), help="runs at a time")
    parser.add_argument("--output", choices=("table", "json"), default="table")
    parser.add_argument("--keep", type=Path, default=None, help="a folder for everything that failed runs went through")
    parser.add_argument("--keep-sandbox", action="store_true", help="leave the sandbox up afterwards")
    options = parser.parse_args(given)
    if options.seed is None:
        options.seed = SHORT_SEED if options.short else time.time_ns() % 1_000_000
    for only in options.only:
        check(parser, only)
    return options


def check(parser: argparse.ArgumentParser, only: str) -> None:
    """Refuse what names nothing."""
    name, _, perturbation = only.partition(":")
    if name not in SCENARIOS:
        parser.error(f"no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    try:
        parsed(perturbation or "none")
    except ValueError as error:
        parser.error(str(error))


def say(sentence: str) -> None:
    """Tell what is going on, beside the results."""
    sys.stderr.write(f"── {sentence}\n")


if __name__ == "__main__":
    sys.exit(main())

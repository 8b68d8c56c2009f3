"""What a release costs: N Rollouts bumped at once on a sandbox of its own, beside as many Deployments.

    python tests/bench/run.py [--rollouts 200] [--output table|json]

It prints how long releases take against the least possible and against the built-in Deployment controller, what they
cost in API requests, CPU and memory, how fast an abort is, and what an idle controller does. A missed aim is said and
is no failure: the exit code is 0 unless something did not work at all.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from rollouts.sandbox import cluster
from rollouts.sandbox.state import Options

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 1.0


def main() -> int:
    """Bring a sandbox up, measure inside it, and end it."""
    options = arguments()
    name = f"bench-{os.getpid()}"
    role = ROOT / "charts/rollouts/templates/clusterrole.yaml"
    wanted = Options(pod_ready_seconds=READY_SECONDS, crds=ROOT / "crds", cluster_role=role)
    place = cluster.up(name, wanted, say)
    try:
        inside = [sys.executable, "-m", "tests.bench.inside", *forwarded(options)]
        return subprocess.run(place.command(inside), cwd=ROOT, env=place.environment(), check=False).returncode
    finally:
        if not options.keep:
            place.down()


def say(sentence: str) -> None:
    """Tell what is going on, beside the results."""
    sys.stderr.write(f"── {sentence}\n")


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=positive, default=200, help="how many at once (200)")
    parser.add_argument("--output", choices=("table", "json"), default="table")
    parser.add_argument("--idle", type=positive, default=30, help="seconds of watching it do nothing (30)")
    parser.add_argument("--interpreter", default="", help="runs the controller instead of this Python: a profiler")
    parser.add_argument("--only-release", action="store_true", help="no Deployments, no idle time, no aborts")
    parser.add_argument("--keep", action="store_true", help="leave the sandbox up afterwards")
    return parser.parse_args()


def forwarded(options: argparse.Namespace) -> list[str]:
    """The same for the part that runs inside."""
    flags = [f"--rollouts={options.rollouts}", f"--output={options.output}", f"--idle={options.idle}"]
    flags += [f"--interpreter={options.interpreter}", f"--ready={READY_SECONDS}"]
    return [*flags, "--only-release"] if options.only_release else flags


def positive(text: str) -> int:
    """A number of at least one."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())

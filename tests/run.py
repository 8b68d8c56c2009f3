"""Runs every test: those that need nothing, then those on a sandbox of their own. `python tests/run.py --help`."""

import argparse
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from rollouts.sandbox import cluster
from rollouts.sandbox.state import Options

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PARTS = ("unit", "sandbox", "e2e")


def main() -> int:
    """Run the parts asked for; the exit code is the first part's that failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part; may be repeated")
    parser.add_argument("--keep", action="store_true", help="leave the sandbox up afterwards")
    options, more = parser.parse_known_args()
    codes = [PART[part](more, options.keep) for part in options.part or PARTS]
    return next((code for code in codes if code), 0)


def pytest(*arguments: str) -> list[str]:
    """The command line of a test run."""
    return [sys.executable, "-m", "pytest", *arguments]


def unit(more: list[str], keep: bool) -> int:
    """Everything that needs no cluster, on all cores."""
    say("unit tests, properties and scenarios")
    return subprocess.run(pytest("-n", "auto", "-m", "not e2e", str(HERE), *more), cwd=ROOT, check=False).returncode


def sandbox(more: list[str], keep: bool) -> int:
    """The sandbox itself: tests that start and end sandboxes of their own."""
    say("the sandbox: started, used, killed, ended")
    return subprocess.run(pytest("-m", "e2e", str(HERE / "sandbox"), *more), cwd=ROOT, check=False).returncode


def e2e(more: list[str], keep: bool) -> int:
    """End-to-end tests, many at a time, on one sandbox with one controller; each test has its own namespace."""
    with running_sandbox(f"test-{os.getpid()}", keep) as place, controller(place):
        say(f"end-to-end tests on sandbox {place.name}")
        workers = os.environ.get("E2E_WORKERS", "12")
        command = pytest("-m", "e2e", "-n", workers, "--dist", "worksteal", str(HERE / "e2e"), *more)
        environment = place.environment({**os.environ, "ROLLOUTS_E2E_CONTROLLER": "running"})
        return subprocess.run(place.command(command), cwd=ROOT, env=environment, check=False).returncode


@contextmanager
def running_sandbox(name: str, keep: bool):
    """A sandbox that is gone afterwards."""
    place = cluster.up(name, Options(crds=ROOT / "crds", cluster_role=clusterrole(), empty_prometheus=True), say)
    try:
        yield place
    finally:
        if not keep:
            place.down()


@contextmanager
def controller(place: cluster.Sandbox):
    """The controller under test, with its own account; its log is shown when it ends before the tests do."""
    log = Path(place.directory) / "controller-under-test.log"
    environment = place.environment({**os.environ, "KUBECONFIG": str(place.controller_kubeconfig)})
    command = [sys.executable, "-m", "rollouts", "controller", *FLAGS]
    with log.open("wb") as out:
        process = subprocess.Popen(place.command(command), env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            ended = process.poll()
            process.terminate()
            process.wait(timeout=30)
    if ended is not None:
        sys.stderr.write(f"the controller ended with {ended} during the tests; the end of its log:\n")
        sys.stderr.write(log.read_text()[-5000:])
        raise SystemExit(1)


# The sandbox's proxy takes changes up within 0.1 s; the defaults are for proxies that take two.
FLAGS = ("--loglevel", "debug", "--logformat", "json", "--nginx-settle", "1s", "--gateway-settle", "1s",
         "--qps", "400", "--burst", "800", "--healthzPort", "18080", "--metricsPort", "18090")  # fmt: skip


def clusterrole() -> Path:
    """The role that the chart gives the controller."""
    return ROOT / "charts/rollouts/templates/clusterrole.yaml"


def say(text: str) -> None:
    """Tell what is going on."""
    print(f"── {text}", flush=True)  # noqa: T201


PART = {"unit": unit, "sandbox": sandbox, "e2e": e2e}

if __name__ == "__main__":
    sys.exit(main())

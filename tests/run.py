"""Runs every test: those that need nothing, then those on sandboxes of their own. `python tests/run.py --help`."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rollouts.sandbox import cluster
from rollouts.sandbox.state import Options

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
E2E = HERE / "e2e"
PARTS = ("unit", "sandbox", "e2e")
SEEN = 5_000
# What decides: its tests say which of its lines and branches they reach.
CORE = "rollouts/planner,rollouts/steps,trafficrouters,analysis"
OF_THE_CORE = tuple(HERE / name for name in ("planner", "steps", "trafficrouters", "analysis", "scenarios"))
MEASURED = ".coverage.json"


@dataclass(frozen=True)
class Group:
    """End-to-end tests that share a sandbox and mostly a controller; 0 *workers*: one test after the other."""

    name: str
    paths: tuple[Path, ...]
    workers: int
    settle: str
    without: tuple[Path, ...] = ()
    shares_a_controller: bool = True

    @property
    def selection(self) -> list[str]:
        """Arguments that select the tests."""
        parallel = ["-n", str(self.workers), "--dist", "worksteal"] if self.workers else ["-p", "no:xdist"]
        return [*parallel, *map(str, self.paths), *(f"--ignore={path}" for path in self.without)]


# A proxy that is told of a change begins its round robin anew, so exact shares need a sandbox where nothing else moves.
EXACT = (E2E / "test_routers.py", E2E / "test_tutorials.py")
# The recorded situations act by the clock, with routers that settle at once.
RECORDED = (E2E / "test_recordings.py", E2E / "test_twins.py")
# Faults between a controller of the test's own and the rest of the world: nobody else notices.
FAULTS = (E2E / "faults",)
# Faults of what everybody in the sandbox uses: one test after the other.
OUTAGES = (E2E / "outages",)
# Scenarios played again with faults, drawn by a fixed seed: the shorter list of `make chaos`.
CHAOS = Group("chaos", (), 0, "1s")
# The longest first, and beside them one that needs little.
GROUPS = (
    Group("outages", OUTAGES, 0, "1s", shares_a_controller=False),
    # Fewer at a time than the machine could: the groups beside it take longer anyway.
    Group("rest", (E2E,), 5, "1s", without=EXACT + RECORDED + FAULTS + OUTAGES),
    Group("exact", EXACT, 0, "1s"),
    Group("recorded", RECORDED, 10, "0s"),
    Group("faults", FAULTS, 4, "1s"),
    CHAOS,
)
# Each has an API server, a proxy and a Prometheus of its own; what waits for its turn disturbs nobody's patience.
AT_ONCE = 3


def main() -> int:
    """Run the parts asked for; the exit code is the first part's that failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PART, action="append", help="only this part; may be repeated")
    parser.add_argument("--group", choices=[group.name for group in GROUPS], help="of part e2e, only this group")
    options, more = parser.parse_known_args()
    groups = [group for group in GROUPS if options.group in {None, group.name}]
    codes = [PART[part](more, groups) for part in options.part or PARTS]
    return next((code for code in codes if code), 0)


def pytest(*arguments: str) -> list[str]:
    """The command line of a test run."""
    return [sys.executable, "-m", "pytest", *arguments]


def unit(more: list[str], groups: list[Group]) -> int:
    """Everything that needs no cluster, on all cores; beside it the core's tests, unless tests are selected."""
    say("unit tests, properties and scenarios")
    command = pytest("-n", "auto", "-m", "not e2e", str(HERE))
    if more:
        return subprocess.run([*command, *more], cwd=ROOT, check=False).returncode
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(core, more, groups)
        others = [f"--ignore={path}" for path in OF_THE_CORE]
        code = subprocess.run([*command, *others], cwd=ROOT, check=False).returncode
        return code or beside.result()


def core(more: list[str], groups: list[Group]) -> int:
    """Tests of what decides; which of its lines and branches they reach is printed, and what they do not is named."""
    # Coverage follows one process.
    tests = ["-q", "-p", "no:cacheprovider", "-m", "not e2e", *map(str, OF_THE_CORE), *more]
    commands = (
        ["-m", "coverage", "run", "--branch", f"--source={CORE}", "-m", "pytest", *tests],
        ["-m", "coverage", "json", "-q", "-o", MEASURED],
        ["tests/reach.py", MEASURED],
    )
    said = "tests of the core, and what they reach:\n"
    code = 0
    for command in commands:
        out = subprocess.run([sys.executable, *command], cwd=ROOT, check=False, capture_output=True, text=True)
        said, code = said + out.stdout + out.stderr, out.returncode
        if code:
            break
    say(said)
    return code


def sandbox(more: list[str], groups: list[Group]) -> int:
    """The sandbox itself and what is packaged: tests that start and end sandboxes of their own."""
    say("the sandbox: started, used, killed, ended")
    places = [str(HERE / "sandbox"), str(HERE / "packaging")]
    command = pytest("-n", "2", "--dist", "loadfile", "-m", "e2e", *places, *more)
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def e2e(more: list[str], groups: list[Group]) -> int:
    """End-to-end tests: some groups side by side, each on its own sandbox; within one each test has a namespace."""
    say("end-to-end tests: " + ", ".join(group.name for group in groups))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        codes = list(pool.map(lambda group: run_group(group, more), groups))
    return next((code for code in codes if code), 0)


def run_group(group: Group, more: list[str]) -> int:
    """One group on its sandbox; what it printed is shown when it ends."""
    if group is CHAOS:
        return chaos()
    with running_sandbox(f"test-{group.name}-{os.getpid()}") as place, controller(place, group):
        command = place.command(pytest("-m", "e2e", *group.selection, *more))
        environment = {**place.environment(), "ROLLOUTS_E2E_CONTROLLER": "running"}
        out = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
        say(f"end-to-end tests, {group.name}:\n{out.stdout}{out.stderr}")
        return out.returncode


def chaos() -> int:
    """The campaign brings up its own sandbox and controllers."""
    command = [sys.executable, "-m", "tests.chaos.run", "--short"]
    out = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    say(f"scenarios with faults:\n{out.stdout}{out.stderr}")
    return out.returncode


@contextmanager
def running_sandbox(name: str) -> Iterator[cluster.Sandbox]:
    """A sandbox that is gone afterwards."""
    role = ROOT / "charts/rollouts/templates/clusterrole.yaml"
    place = cluster.up(name, Options(crds=ROOT / "crds", cluster_role=role, empty_prometheus=True), say)
    try:
        yield place
    finally:
        place.down()


@contextmanager
def controller(place: cluster.Sandbox, group: Group) -> Iterator[None]:
    """The controller under test, with its own account; its log is shown when it ends before the tests do."""
    if not group.shares_a_controller:
        yield
        return
    log = Path(place.directory) / "controller-under-test.log"
    # Its own account, whose only rights are the chart's: a rule that is missing fails a test.
    environment = {**place.environment(), "KUBECONFIG": str(place.controller_kubeconfig)}
    settle = ("--nginx-settle", group.settle, "--gateway-settle", group.settle)
    command = [sys.executable, "-m", "rollouts", "controller", *FLAGS, *settle]
    with log.open("wb") as out:
        process = subprocess.Popen(place.command(command), env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            ended = process.poll()
            process.terminate()
            process.wait(timeout=30)
    if ended is not None:
        raise SystemExit(
            f"the controller ended with {ended} during the tests; its log's end:\n{log.read_text()[-SEEN:]}"
        )


# Pods bind port 8080 of their own addresses in the same network namespace: the controller's ports are moved away.
FLAGS = ("--loglevel", "debug", "--logformat", "json", "--qps", "400", "--burst", "800", "--healthzPort", "18080",
         "--metricsPort", "18090")  # fmt: skip


def say(text: str) -> None:
    """Tell what is going on."""
    print(f"── {text}", flush=True)  # noqa: T201


PART = {"unit": unit, "core": core, "sandbox": sandbox, "e2e": e2e}

if __name__ == "__main__":
    sys.exit(main())

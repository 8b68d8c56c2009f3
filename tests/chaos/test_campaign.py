"""What a campaign makes of its runs, without a cluster."""

import asyncio
import io
import json

import msgspec
import pytest

from tests.chaos import campaign as subject
from tests.chaos.campaign import Campaign, Result, Task, judged
from tests.chaos.campaign_draw import Perturbation, parsed
from tests.chaos.campaign_play import Run, outcries
from tests.chaos.campaign_report import Bar, as_json, table
from tests.chaos.checker import Record
from tests.chaos.run import exit_code
from tests.chaos.scenarios import SCENARIOS

BASIC = SCENARIOS["promoted-by-status"]
WRITES = 20


def a_record(weights: str = "25", stuck: str = "", wrong: tuple[str, ...] = ()) -> Record:
    lists = {name: [] for name in ("steps", "sizes", "pauses", "commands", "aborts", "stable", "pods")}
    dicts = {name: {} for name in ("created", "deleted", "end")}
    return Record(weights={"Ingress web": [weights]}, **lists, **dicts, wrong=list(wrong), stuck=stuck)


def a_run(record: Record | None = None, *, writes: int = WRITES, crashes: int = 0) -> Run:
    return Run(record or a_record(), writes, {}, crashes, [])


def test_an_undisturbed_run_must_end_and_take_the_writes_that_its_scenario_says():
    assert judged(BASIC, Perturbation(), a_run(), None) == []
    assert judged(BASIC, Perturbation(), a_run(a_record(stuck="x")), None) == ["undisturbed it never ended: x"]
    assert judged(BASIC, Perturbation(), a_run(a_record(wrong=("y",))), None) == ["y"]
    few = judged(BASIC, Perturbation(), a_run(writes=BASIC.writes - 1), None)
    assert few == [f"undisturbed it took {BASIC.writes - 1} writes, and is said to need {BASIC.writes}"]


def test_a_crash_that_never_came_is_told():
    crash = parsed("crash-7")
    assert judged(BASIC, crash, a_run(crashes=1), a_record()) == []
    assert judged(BASIC, crash, a_run(), a_record()) == ["it was to be killed after write 7 and took 20 only"]
    assert judged(BASIC, parsed("crash-every"), a_run(), a_record()) != []
    assert judged(BASIC, parsed("crash-21"), a_run(), a_record()) == []
    assert judged(BASIC, parsed("crash-21"), a_run(), a_record("30")) != []
    assert judged(BASIC, parsed("crash-9"), a_run(writes=8), a_record()) != []


class Plays:
    """Instead of a cluster: what each run is to come to, by the name of its perturbation."""

    def __init__(self, **runs: Run | Exception) -> None:
        self._runs = {name.replace("_", "-"): run for name, run in runs.items()}
        self.played: list[str] = []

    async def __call__(self, client, scenario, perturbation, namespace, reference) -> Run:
        self.played.append(perturbation.name)
        await asyncio.sleep(0)
        crashes = bool(perturbation.crash)
        run = self._runs.get(perturbation.name, a_run(crashes=crashes))
        if isinstance(run, Exception):
            raise run
        return run


async def results(monkeypatch, plays: Plays, wanted: list[str] | None, told: list[Result] | None = None) -> list:
    monkeypatch.setattr(subject, "play", plays)
    perturbations = None if wanted is None else [parsed(one) for one in wanted]
    heard = [] if told is None else told
    return await Campaign(None, 1, parallel=3, tell=heard.append).run([Task(BASIC, perturbations)])


async def test_every_write_of_the_undisturbed_run_is_crashed_after(monkeypatch):
    plays, told = Plays(), []
    found = await results(monkeypatch, plays, None, told)
    assert {f"crash-{number}" for number in range(1, WRITES + 1)} < set(plays.played)
    assert plays.played[0] == "none"
    assert plays.played.count("none") == 2
    assert len(found) == len(told) == len(plays.played)
    assert exit_code(found) == 0


async def test_scenarios_take_turns_and_what_is_kept_is_written_as_it_comes(monkeypatch, tmp_path):
    plays, both = Plays(), [Task(SCENARIOS[name], None) for name in ("promoted-by-status", "nginx")]
    monkeypatch.setattr(subject, "play", plays)
    names: list[str] = []
    await Campaign(None, 1, parallel=2, tell=lambda one: names.append(one.scenario), keep=tmp_path).run(both)
    kept = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [one["scenario"] for one in kept] == names
    half = names[: len(names) // 2]
    assert all(half.count(name) > len(half) // 4 for name in ("promoted-by-status", "nginx"))
    assert plays.played[2:6] != ["none", "crash-1", "crash-2", "crash-3"]


async def test_a_run_that_differs_is_told_and_the_others_go_on(monkeypatch):
    plays = Plays(crash_3=a_run(a_record("30"), crashes=1), crash_4=OSError("gone"))
    found = await results(monkeypatch, plays, ["crash-2", "crash-3", "crash-4", "crash-5"])
    bad = {one.perturbation: one.said for one in found if not one.is_good}
    assert bad == {
        "crash-3": ["weights of Ingress web: [30] where it was [25]"],
        "crash-4": ["the run itself failed: OSError: gone"],
    }
    assert len(found) == 5
    assert exit_code(found) == 1


@pytest.mark.parametrize("broken", [OSError("gone"), a_run(a_record(stuck="x"))])
async def test_without_an_undisturbed_run_nothing_is_compared(monkeypatch, broken):
    plays = Plays(none=broken)
    (found,) = await results(monkeypatch, plays, ["crash-2"])
    assert plays.played == ["none"]
    assert not found.is_good
    assert exit_code([found]) == 1


class Speaker:
    """A controller by its log."""

    def __init__(self, *entries: dict) -> None:
        self._entries = entries

    def entries(self):
        return iter(self._entries)


def test_an_exception_in_the_log_is_told_once_unless_the_api_server_was_slow():
    slow = {"level": "error", "error": "Unreachable: PATCH /apis/x: no answer within 10s", "exception": "Traceback"}
    gone = {"level": "error", "error": "Unreachable: PATCH /apis/x: connection reset", "exception": "Traceback"}
    bug = {"level": "error", "error": "KeyError: 'a'", "exception": "Traceback"}
    quiet = {"level": "error", "error": "KeyError: 'a'"}
    assert outcries(Speaker(slow, quiet)) == []
    told = outcries(Speaker({**bug, "time": "1"}, {**bug, "time": "2"}, gone, {"garbled": "x"}))
    assert [next(word for word in ("KeyError", "reset", "garbled") if word in one) for one in told] == [
        "KeyError",
        "reset",
        "garbled",
    ]


def test_no_run_at_all_is_a_failure():
    assert exit_code([]) == 1


GOOD = Result("nginx", "none", [], writes=36, is_reference=True)
BAD = Result("nginx", "crash-7", ["steps: [a] where it was [b]"], writes=38, struck=1)


def test_a_failure_is_told_with_the_command_that_shows_it_again():
    shown = table([GOOD, BAD], 5)
    assert "nginx:crash-7\n  - steps: [a] where it was [b]\n  again: make chaos SEED=5 ONLY=nginx:crash-7\n" in shown
    assert "seed 5: 2 runs, 1 not as undisturbed" in shown
    assert [line.split() for line in shown.splitlines() if line.startswith("nginx ")] == [
        ["nginx", "36", "1/1", "0/1", "-", "-"]
    ]


def test_json_tells_the_same_to_programs():
    found = json.loads(as_json([GOOD, BAD], 5))
    assert found["seed"] == 5
    assert [one["good"] for one in found["runs"]] == [True, False]
    assert found["runs"][1]["again"] == "make chaos SEED=5 ONLY=nginx:crash-7"
    assert found["runs"][1]["said"] == BAD.said
    assert msgspec.convert(found["runs"][1], Result, strict=False).only == BAD.only


def test_where_nobody_looks_only_failures_have_a_line():
    out = io.StringIO()
    bar = Bar(out)
    for one in (GOOD, BAD, GOOD):
        bar.tell(one)
    bar.over()
    assert out.getvalue() == "2 runs, 1 not as undisturbed; last nginx:crash-7: steps: [a] where it was [b]\n"

"""Every YAML file beside this one is a release told as a timeline; `pytest tests/scenarios --update` writes it anew.

One with `recording` is a twin of what Argo Rollouts did in that situation: what clients saw must be the same but for
the sequences in `differs`, each with the reason why ours is wanted. A listed difference that is none is a failure.
"""

import json
from pathlib import Path

import pytest
import yaml

from rollouts.simulator.script import Script, played
from rollouts.simulator.telling import told
from tests.recordings.comparer import ARGO, differences
from tests.scenarios.sightings import rows

HERE = Path(__file__).parent
SCENARIOS = sorted(HERE.glob("*.yaml"))
TWINS = [path for path in SCENARIOS if "\nrecording: " in path.read_text()]


def name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", SCENARIOS, ids=name)
def test_scenario(path, request):
    scenario = yaml.safe_load(path.read_text())
    timeline = "".join(f"{line}\n" for line in told(played(Script.model_validate(scenario)), events=True))
    if request.config.getoption("--update"):
        given = path.read_text().partition("\ntimeline:")[0].rstrip("\n")
        indented = "".join(f"  {line}\n" for line in timeline.splitlines())
        path.write_text(f"{given}\ntimeline: |\n{indented}")
        scenario = yaml.safe_load(path.read_text())
    assert timeline == scenario["timeline"]


@pytest.mark.parametrize("path", TWINS, ids=name)
def test_twin(path):
    scenario = yaml.safe_load(path.read_text())
    recording = scenario["recording"]
    ours = rows(played(Script.model_validate(scenario)), f"rec-{recording}")
    found = differences(of_the_release(recording), ours)
    unwanted = [str(difference) for difference in found if difference.sequence not in scenario.get("differs", {})]
    assert unwanted == []
    assert {difference.sequence for difference in found} == scenario.get("differs", {}).keys()


def of_the_release(recording):
    """What concerns the planner: not the ReplicaSets of a Deployment."""
    for line in (ARGO / f"{recording}.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row.get("kind") != "ReplicaSet" or row["name"].startswith("web-"):
            yield row

import yaml

from rollouts.api.crds import DEFINITIONS, crd
from rollouts.cli.generate_chart import FILES, facts, files
from rollouts.planner.validation.unserved import UNSERVED


def test_the_chart_has_every_crd():
    for one in DEFINITIONS:
        assert files()[f"{FILES}/crds/{one.kind.name.lower()}.yaml"] == crd(one)


def test_every_unserved_field_is_told():
    assert [row["path"] for row in facts()["unserved"]] == [row.path for row in UNSERVED]


def test_a_step_is_either_carried_out_or_not():
    told = facts()
    assert not set(told["steps"]) & set(told["unservedSteps"])
    assert {"setWeight", "pause"} <= set(told["steps"])
    assert ("experiment" in told["steps"]) != ("experiment" in told["unservedSteps"])


def test_facts_are_plain_yaml():
    assert yaml.safe_load(yaml.safe_dump(facts())) == facts()

import json

import pytest

from tests.cli.conftest import answer, missing

MERGE = "application/merge-patch+json"


@pytest.mark.parametrize("noun", ["experiment", "exp"])
async def test_an_experiment_begins_anew_without_a_status(cluster, noun):
    cluster.on("PATCH", "experiments", "one", answer({"metadata": {"name": "one"}}))
    result = await cluster.run("retry", noun, "one")
    assert (result.stdout, result.exit_code) == ("experiment 'one' retried\n", 0)
    assert cluster.writes() == [("PATCH", cluster.path("experiments", "one"), MERGE, {"status": None})]


async def test_it_speaks_json(cluster):
    cluster.on("PATCH", "experiments", "one", answer({"metadata": {"name": "one"}}))
    result = await cluster.run("retry", "experiment", "one", "-o", "json")
    assert json.loads(result.stdout) == {"kind": "experiment", "namespace": "shop", "name": "one", "done": "retried"}


async def test_an_experiment_that_is_not_there_is_said(cluster):
    cluster.on("PATCH", "experiments", "one", missing("experiments", "one"))
    result = await cluster.run("retry", "experiment", "one")
    assert result.stderr == "error: there is no Experiment 'one' in namespace 'shop'\n"
    assert result.exit_code == 1

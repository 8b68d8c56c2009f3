import json

import pytest

from tests.cli.conftest import answer, missing

MERGE = "application/merge-patch+json"


@pytest.mark.parametrize(
    ("word", "plural", "noun"),
    [("analysisrun", "analysisruns", "analysisrun"), ("ar", "analysisruns", "analysisrun"), ("experiment", "experiments", "experiment")],
)  # fmt: skip
async def test_it_asks_for_the_end(cluster, word, plural, noun):
    cluster.on("PATCH", plural, "one", answer({"metadata": {"name": "one"}}))
    result = await cluster.run("terminate", word, "one")
    assert (result.stdout, result.exit_code) == (f"{noun} 'one' terminated\n", 0)
    assert cluster.writes() == [("PATCH", cluster.path(plural, "one"), MERGE, {"spec": {"terminate": True}})]


async def test_it_speaks_json(cluster):
    cluster.on("PATCH", "analysisruns", "one", answer({"metadata": {"name": "one"}}))
    result = await cluster.run("terminate", "ar", "one", "-o", "json")
    assert json.loads(result.stdout) == {
        "kind": "analysisrun",
        "namespace": "shop",
        "name": "one",
        "done": "terminated",
    }


async def test_what_is_not_there_is_said(cluster):
    cluster.on("PATCH", "analysisruns", "one", missing("analysisruns", "one"))
    result = await cluster.run("terminate", "analysisrun", "one")
    assert result.stderr == "error: there is no AnalysisRun 'one' in namespace 'shop'\n"
    assert result.exit_code == 1


async def test_another_kind_is_a_usage_error(cluster):
    result = await cluster.run("terminate", "pod", "one")
    assert "'pod' is not one of analysisrun, experiment" in result.stderr
    assert (result.exit_code, cluster.writes()) == (2, [])

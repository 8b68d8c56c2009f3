import pytest
import yaml

from tests.cli.conftest import answer
from tests.cli.given import rollout

RATE = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AnalysisTemplate",
    "metadata": {"name": "rate", "namespace": "shop"},
    "spec": {
        "args": [{"name": "service"}, {"name": "least", "value": "0.9"}],
        "metrics": [{"name": "ok", "provider": {"web": {"url": "http://{{args.service}}"}}}],
    },
}
ALL = {**RATE, "kind": "ClusterAnalysisTemplate", "metadata": {"name": "all"}}
METRICS = RATE["spec"]["metrics"]


def written(tmp_path, *bodies):
    path = tmp_path / "given.yaml"
    path.write_text(yaml.safe_dump_all(bodies))
    return str(path)


def run(args, **metadata):
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": metadata,
        "spec": {"metrics": METRICS, "args": args},
    }


def args(service):
    return [{"name": "service", "value": service}, {"name": "least", "value": "0.9"}]


@pytest.fixture
def templates(cluster):
    cluster.has("analysistemplates", RATE)
    cluster.has("clusteranalysistemplates", ALL, namespace="")
    cluster.on("POST", "analysisruns", "", answer({"metadata": {"name": "rate-x1"}}, 201))
    return cluster


async def test_what_a_file_holds_is_created_where_it_says_or_in_the_contexts_namespace(cluster, tmp_path):
    body = rollout()
    cluster.on("POST", "rollouts", "", answer(body, 201))
    result = await cluster.run("create", "-f", written(tmp_path, body))
    assert (result.stdout, result.exit_code) == ("rollout.argoproj.io/web created\n", 0)
    assert cluster.writes() == [("POST", cluster.path("rollouts"), "application/json", body)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}, "error: Pod of v1 is not one of Analysis"),
        ({"kind": "Rollout"}, "not a manifest: each document needs apiVersion, kind and metadata"),
    ],
)
async def test_what_cannot_be_created_is_said(cluster, tmp_path, body, said):
    result = await cluster.run("create", "-f", written(tmp_path, body))
    assert said in result.stderr
    assert (result.exit_code, cluster.writes()) == (1, [])


async def test_nothing_to_create_is_a_usage_error(cluster):
    result = await cluster.run("create")
    assert result.exit_code == 2
    assert "give manifests with -f FILE, or a command" in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize("source", [["--from", "analysistemplate/rate"], ["--from", "cat/all"], ["--global", "--from", "all"]])  # fmt: skip
async def test_a_run_has_a_templates_metrics_and_its_arguments(templates, source):
    result = await templates.run("create", "analysisrun", *source, "-a", "service=web", "-a", "ignored=1")
    name = "all" if "all" in source[-1] else "rate"
    assert (result.stdout, result.exit_code) == ("analysisrun.argoproj.io/rate-x1 created\n", 0)
    ((_, path, _, body),) = templates.writes()
    assert (path, body) == (templates.path("analysisruns"), run(args("web"), generateName=f"{name}-"))


async def test_a_run_may_come_from_a_file_and_have_a_name_and_a_controller(templates, tmp_path):
    file = written(tmp_path, RATE)
    await templates.run(
        "create", "analysisrun", "--from-file", file, "--name", "now", "--instance-id", "two", "-a", "service=a=b"
    )
    labels = {"argo-rollouts.argoproj.io/controller-instance-id": "two"}
    assert templates.writes()[0][3] == run(args("a=b"), name="now", labels=labels)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "analysistemplate/none"], "error: there is no AnalysisTemplate 'none'; there are: rate\n"),
        (["--from", "at/rate"], 'error: spec.templates: Invalid value: "rate": args.service was not resolved\n'),
    ],
)
async def test_a_run_that_cannot_be_made_is_refused(templates, arguments, said):
    result = await templates.run("create", "analysisrun", *arguments)
    assert (result.stderr, result.exit_code, templates.writes()) == (said, 1, [])


@pytest.mark.parametrize("arguments", [[], ["--from", "at/rate", "-a", "nonsense"]])
async def test_wrong_words_are_usage_errors(templates, arguments):
    result = await templates.run("create", "analysisrun", *arguments)
    assert (result.exit_code, templates.writes()) == (2, [])

import json

import pytest

from tests.cli.conftest import answer, documents, missing
from tests.cli.given import paused, promoted, rollout, status
from tests.kube.server import status as refusal

MERGE = "application/merge-patch+json"
ITSELF, STATUS = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web", "status"
ABORTED = [{"type": "Progressing", "status": "False", "reason": "RolloutAborted"}]


def to_status(**fields):
    return ("PATCH", f"{ITSELF}/status", MERGE, {"status": fields})


def to_spec(**fields):
    return ("PATCH", ITSELF, MERGE, {"spec": fields})


def present(cluster, **fields):
    """A Rollout that every patch leaves as it is."""
    found = rollout(**fields)
    cluster.has("rollouts", found)
    cluster.on("PATCH", "rollouts", "web", answer(found)).on(
        "PATCH", "rollouts", "web", answer(found), subresource=STATUS
    )
    return cluster


INCONCLUSIVE = {"canary": {"currentStepAnalysisRunStatus": {"name": "r", "status": "Inconclusive"}}}
VERBS = {
    "abort": (["abort", "web"], {"status": status()}, [to_status(abort=True)], "rollout 'web' aborted"),
    "retry": (["retry", "web"], {"status": status(conditions=ABORTED)}, [to_status(abort=False)], "rollout 'web' retried"),
    "retry-rollout": (["retry", "rollout", "web"], {"status": status(conditions=ABORTED)}, [to_status(abort=False)], "rollout 'web' retried"),
    "pause": (["pause", "web"], {"status": status()}, [to_spec(paused=True)], "rollout 'web' paused"),
    "promote-a-pause": (["promote", "web"], {"status": paused()}, [to_status(pauseConditions=None)], "rollout 'web' promoted"),
    "promote-a-running-step": (
        ["promote", "web"],
        {"status": status(currentStepIndex=2)},
        [to_status(pauseConditions=None, currentStepIndex=3)],
        "rollout 'web' promoted",
    ),
    "promote-beyond-the-end": (
        ["promote", "web"],
        {"status": status(currentStepIndex=4)},
        [to_status(pauseConditions=None, currentStepIndex=4)],
        "rollout 'web' promoted",
    ),
    "promote-an-inconclusive-analysis": (
        ["promote", "web"],
        {"status": paused(currentStepIndex=1, **INCONCLUSIVE)},
        [to_status(pauseConditions=None, controllerPause=False, currentStepIndex=2)],
        "rollout 'web' promoted",
    ),
    "promote-what-a-person-paused": (
        ["promote", "web"],
        {"status": paused(), "paused": True},
        [to_status(pauseConditions=None), to_spec(paused=False)],
        "rollout 'web' promoted",
    ),
    "promote-blue-green": (
        ["promote", "web"],
        {"status": paused(currentStepIndex=None), "strategy": {"blueGreen": {"activeService": "a"}}},
        [to_status(pauseConditions=None)],
        "rollout 'web' promoted",
    ),
    "promote-full": (["promote", "web", "--full"], {"status": paused()}, [to_status(promoteFull=True)], "rollout 'web' fully promoted"),
    "promote-full-what-a-person-paused": (
        ["promote", "--full=true", "web"],
        {"status": paused(), "paused": True},
        [to_status(promoteFull=True), to_spec(paused=False)],
        "rollout 'web' fully promoted",
    ),
    "promote-full-the-stable": (["promote", "web", "--full"], {"status": promoted()}, [], "rollout 'web' has nothing to promote"),
    "promote-full-a-paused-stable": (
        ["promote", "web", "--full"],
        {"status": promoted(), "paused": True},
        [to_spec(paused=False)],
        "rollout 'web' promoted",
    ),
    "promote-without-steps": (
        ["promote", "web"],
        {"status": status(currentStepIndex=None), "strategy": {"canary": {}}},
        [],
        "rollout 'web' has nothing to promote",
    ),
}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_sends_exactly_its_patches(cluster, verb):
    arguments, fields, sent, said = VERBS[verb]
    result = await present(cluster, **fields).run(*arguments)
    assert (result.stdout, result.exit_code) == (f"{said}\n", 0)
    assert cluster.writes() == sent


@pytest.mark.parametrize(
    ("arguments", "fields", "combined"),
    [
        (["abort", "web"], {}, {"status": {"abort": True}}),
        (["promote", "web"], {}, {"status": {"pauseConditions": None}}),
        (["promote", "web"], {"paused": True}, {"spec": {"paused": False}, "status": {"pauseConditions": None}}),
    ],
)
async def test_without_a_status_subresource_the_patch_goes_to_the_rollout(cluster, arguments, fields, combined):
    present(cluster, status=paused(), **fields).on(
        "PATCH", "rollouts", "web", missing("rollouts", "web"), subresource=STATUS
    )
    result = await cluster.run(*arguments)
    assert result.exit_code == 0
    assert cluster.writes()[1:] == [("PATCH", ITSELF, MERGE, combined)]


async def test_several_rollouts_are_aborted_in_order_up_to_the_first_that_is_not_there(cluster):
    present(cluster, status=status())
    for path in ("gone", "gone/status"):
        cluster.script.on("PATCH", cluster.path("rollouts", path), missing("rollouts", "gone"))
    result = await cluster.run("abort", "web", "gone", "web")
    assert result.stdout == "rollout 'web' aborted\n"
    assert result.stderr == "error: there is no Rollout 'gone' in namespace 'shop': there are web\n"
    assert result.exit_code == 1
    assert [path for _, path, _, _ in cluster.writes()] == [
        f"{ITSELF}/status", f"{ITSELF[:-3]}gone/status", f"{ITSELF[:-3]}gone"
    ]  # fmt: skip


@pytest.mark.parametrize("verb", ["abort", "retry", "promote"])
async def test_a_verb_between_releases_says_that_nothing_comes_of_it(cluster, verb):
    result = await present(cluster, status=promoted()).run(verb, "web")
    assert result.stderr == "note: no release is under way: every pod is of the stable revision\n"


async def test_promoting_what_was_not_paused_says_what_is_skipped(cluster):
    result = await present(cluster, status=status(currentStepIndex=2)).run("promote", "web")
    assert result.stderr == "note: it was not paused: step 3/4 (setWeight: 40) is skipped\n"


async def test_retrying_what_was_not_aborted_says_so(cluster):
    result = await present(cluster, status=status()).run("retry", "web")
    assert result.stderr == "note: it was not aborted, so the release goes on as it was\n"


async def test_the_namespace_is_the_contexts_or_the_one_asked_for(cluster):
    result = await cluster.run("abort", "web", "-n", "other")
    assert cluster.writes()[0][1] == ITSELF.replace("/shop/", "/other/") + "/status"
    assert result.exit_code == 1


async def test_verbs_speak_json(cluster):
    result = await present(cluster, status=status()).run("abort", "web", "-o", "json")
    assert documents(result.stdout) == [{"namespace": "shop", "name": "web", "done": "aborted", "remark": ""}]


async def test_a_refusal_is_one_sentence_and_no_traceback(cluster):
    refused = refusal(403, "Forbidden", 'rollouts.argoproj.io "web" is forbidden: cannot patch rollouts/status')
    present(cluster, status=status()).on("PATCH", "rollouts", "web", refused, subresource=STATUS)
    result = await cluster.run("abort", "web")
    assert result.stderr.startswith('error: your account may not do this: rollouts.argoproj.io "web" is forbidden')
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)


async def test_a_cluster_without_rollouts_says_how_to_get_them(cluster):
    for suffix in ("", "/web", "/web/status"):
        cluster.script.answers.pop(("GET", cluster.path("rollouts") + suffix), None)
    result = await cluster.run("abort", "web")
    assert result.stderr == "error: this cluster does not serve Rollouts: `rollouts crds apply` installs the kinds\n"


async def test_a_server_that_does_not_answer_is_named(cluster):
    cluster.kubeconfig.write_text(cluster.kubeconfig.read_text().replace(cluster.script.url, "http://127.0.0.1:1"))
    result = await cluster.run("abort", "web")
    assert result.stderr.startswith("error: the API server does not answer: PATCH /apis/argoproj.io")
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["promote", "a", "b"], "takes one Rollout, not 2: a, b"),
        (["abort"], "Missing argument"),
        (["abort", "web", "-o", "xml"], "'xml' is not one of text, json, yaml"),
    ],
)
async def test_a_usage_error_exits_with_two(cluster, arguments, said):
    result = await cluster.run(*arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert json.dumps(cluster.writes()) == "[]"

import json
from datetime import timedelta

import yaml

from rollouts.cli import get
from rollouts.cli.options import Form
from rollouts.cli.views.assemble import later
from rollouts.cli.views.text import ASCII, UNICODE
from tests.cli.conftest import documents
from tests.cli.given import NOW, paused, pod, promoted, replica_set, rollout, run, status, view
from tests.kube.server import event, page, quiet, watch

SETS = [replica_set("bbb", 2, 2, 2, image="web:v2"), replica_set("aaa", 1, 4, 4)]


def present(cluster, of=None):
    cluster.has("rollouts", of or rollout(paused())).has("replicasets", *SETS)
    return cluster.has("pods", pod("web-bbb-1", "bbb")).has("analysisruns", run("web-bbb-2", 2, "Running"))


def followed(cluster, *events):
    """The Rollout's watch tells *events*; a first list, then those."""
    found = rollout(status())
    present(cluster, found)
    cluster.script.on("GET", cluster.path("rollouts"), page(found, version=5))
    cluster.script.watch(cluster.path("rollouts"), watch(*events), quiet())
    return cluster


def newer(version, **fields):
    found = rollout(fields.pop("status", promoted()), **fields)
    found["metadata"]["resourceVersion"] = str(version)
    return found


async def test_a_rollout_is_shown_with_all_that_belongs_to_it(cluster):
    result = await present(cluster).run("get", "web")
    assert result.exit_code == 0
    for piece in ("Status:       ‖ Paused", "web-bbb-1", "AnalysisRun", "2/2 available", "1/4"):
        assert piece in result.stdout
    assert "\x1b" not in result.stdout


async def test_the_plugins_spelling_is_understood(cluster):
    plain, spelt = [await present(cluster).run(*words) for words in (("get", "web"), ("get", "rollout", "web"))]
    assert (spelt.exit_code, spelt.stdout.splitlines()[0]) == (0, plain.stdout.splitlines()[0])


async def test_json_and_yaml_hold_the_same(cluster):
    as_json = json.loads((await present(cluster).run("get", "web", "-o", "json")).stdout)
    as_yaml = yaml.safe_load((await cluster.run("get", "web", "-o", "yaml")).stdout)
    assert as_json | {"at": ""} == as_yaml | {"at": ""}
    assert (as_json["phase"], as_json["step"]["index"], len(as_json["revisions"])) == ("Paused", 1, 2)


async def test_a_name_that_is_not_there_is_answered_with_those_that_are(cluster):
    result = await present(cluster).run("get", "wbe")
    assert result.stderr == "error: there is no Rollout 'wbe' in namespace 'shop': there are web\n"
    assert result.exit_code == 1


async def test_a_watch_ends_when_the_rollout_is_gone(cluster):
    gone = newer(7)
    result = await followed(cluster, event("MODIFIED", gone), event("DELETED", gone)).run("get", "web", "--watch")
    assert result.stderr == "error: Rollout 'web' in namespace 'shop' was deleted\n"
    assert result.exit_code == 1


class Told:
    """Views as they follow each other; None at the end."""

    def __init__(self, *views):
        self.views = [*views, None]

    def view(self):
        return self.views.pop(0)

    async def changed(self, within=None):
        pass


BEFORE, AFTER = view(rollout(status())), view(rollout(promoted()))


async def test_a_watch_adds_a_line_for_each_change(capsys):
    await get.append(Told(BEFORE, later(BEFORE, NOW + timedelta(seconds=9)), AFTER), Form.TEXT)
    printed = capsys.readouterr().out
    assert printed.startswith("Name:         web\n")
    assert printed.splitlines()[-3:] == [
        "2026-01-31T12:00:00Z  status Healthy",
        "2026-01-31T12:00:00Z  step 4/4",
        "2026-01-31T12:00:00Z  weight 100, wanted 100",
    ]


async def test_a_watch_for_programs_is_a_document_for_each_change(capsys):
    await get.append(Told(BEFORE, later(BEFORE, NOW + timedelta(seconds=9)), AFTER), Form.JSON)
    assert [found["phase"] for found in documents(capsys.readouterr().out)] == ["Progressing", "Healthy"]
    await get.append(Told(BEFORE, AFTER), Form.YAML)
    assert [found["phase"] for found in yaml.safe_load_all(capsys.readouterr().out)] == ["Progressing", "Healthy"]


async def test_a_terminal_is_drawn_on_anew(capsys):
    await get.redraw(Told(BEFORE, AFTER))
    assert "Healthy" in capsys.readouterr().out


async def test_a_list_has_weights_from_replica_sets(cluster):
    cluster.has("rollouts", rollout(status(availableReplicas=6))).has("replicasets", *SETS)
    result = await cluster.run("list", "rollouts")
    titles, line = result.stdout.splitlines()
    assert titles.split() == ["NAME", "STRATEGY", "STATUS", "STEP", "SET-WEIGHT", "WEIGHT", "READY", "DESIRED", "UP-TO-DATE", "AVAILABLE", "AGE"]  # fmt: skip
    assert line.split()[:7] == ["web", "Canary", "◌", "Progressing", "1/4", "20", "33"]
    assert cluster.script.requests("GET", cluster.path("pods")) == []


async def test_all_namespaces_are_listed_with_their_names(cluster):
    for plural in ("rollouts", "replicasets"):
        cluster.has(plural, *([rollout(status())] if plural == "rollouts" else SETS), namespace="")
    result = await cluster.run("list", "-A")
    assert result.stdout.splitlines()[1].startswith("shop       web")


async def test_an_empty_list_is_no_error(cluster):
    result = await cluster.run("list")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no Rollouts in namespace 'shop'\n")
    assert (await cluster.run("list", "-o", "json")).stdout == "[]\n"


async def test_status_without_waiting(cluster):
    codes = {}
    for phase in ("Healthy", "Degraded", "Paused", "Progressing"):
        present(cluster, rollout(status(phase=phase, message="why")))
        result = await cluster.run("status", "web", "--watch=false")
        codes[result.stdout] = result.exit_code
    assert codes == {"Healthy - why\n": 0, "Degraded - why\n": 1, "Paused - why\n": 0, "Progressing - why\n": 0}


async def test_status_waits_for_the_end(cluster):
    followed(cluster, event("MODIFIED", newer(7, status=status(phase="Degraded", message="RolloutAborted: bad"))))
    result = await cluster.run("status", "web")
    assert result.stdout.splitlines()[-1] == "Degraded - RolloutAborted: bad"
    assert result.exit_code == 1


async def test_status_of_what_is_healthy_ends_at_once(cluster):
    result = await present(cluster, rollout(promoted())).run("status", "web", "-o", "json")
    assert documents(result.stdout) == [{"namespace": "shop", "name": "web", "phase": "Healthy", "message": ""}]
    assert result.exit_code == 0


async def test_status_gives_up_after_its_timeout(cluster):
    result = await followed(cluster).run("status", "web", "--timeout", "300ms")
    assert (result.exit_code, result.stdout) == (3, "Progressing - more replicas need to be updated\n")
    assert result.stderr == "error: Rollout 'web' did not end within 0.3 s\n"


async def test_status_of_nothing_is_neither_good_nor_bad(cluster):
    assert [(await cluster.run("status", "web", *flags)).exit_code for flags in ([], ["--watch=false"])] == [4, 4]
    assert (await cluster.run("status", "web", "--timeout", "soon")).exit_code == 2


def test_glyphs_are_what_the_terminal_can_show():
    from rollouts.cli.output import glyphs_of

    class Stream:
        def __init__(self, encoding):
            self.encoding = encoding

    shown = {one: glyphs_of(Stream(one)) for one in ("utf-8", "UTF8", "ascii", "latin-1", None)}
    assert [shown[one] for one in ("utf-8", "UTF8")] == [UNICODE, UNICODE]
    assert [shown[one] for one in ("ascii", "latin-1", None)] == [ASCII] * 3


async def test_forbidden_pods_are_said_and_not_passed_over(cluster):
    from tests.kube.server import status as refusal

    present(cluster).script.on("GET", cluster.path("pods"), refusal(403, "Forbidden", "pods is forbidden"))
    result = await cluster.run("get", "web", "--watch")
    assert (result.exit_code, result.stderr) == (1, "error: your account may not do this: pods is forbidden\n")

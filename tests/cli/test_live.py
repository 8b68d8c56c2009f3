import io

import pytest
from rich.console import Console

from rollouts.api.meta import Key
from rollouts.cli import live
from rollouts.cli.connection import Failure
from rollouts.cli.views.text import ASCII, UNICODE, plain
from rollouts.cli.views.tree import page
from rollouts.runtime.clock import SystemClock
from tests.cli.given import canary_under_way, pod, replica_set, rollout, status
from tests.kube.server import client_of, event, watch

KEY = Key("shop", "web")


def drawn(glyphs, **options):
    console = Console(file=io.StringIO(), **{"width": 120, **options})
    console.print(live.tree(canary_under_way(), glyphs))
    return console.file.getvalue()


def test_a_tree_is_drawn_as_it_is_printed():
    text = "".join(f"{line.rstrip()}\n" for line in drawn(ASCII).splitlines())
    assert text == plain(page(canary_under_way(), ASCII))


def test_a_tree_has_colours_on_a_terminal():
    assert "\x1b[36m" in drawn(UNICODE, force_terminal=True, color_system="standard")


def test_lines_that_are_too_long_are_cut():
    assert max(len(line) for line in drawn(ASCII, width=40).splitlines()) == 40


async def test_observing_reads_once_and_makes_a_view(cluster, tmp_path):
    cluster.has("rollouts", rollout(status())).has("replicasets", replica_set("bbb", 2, 1, 1)).has(
        "pods", pod("p", "bbb")
    )
    before = SystemClock().now()
    async with client_of(cluster.script, tmp_path) as client:
        found = await live.observe(client, KEY)
    assert [one.name for one in found.revisions[0].replica_sets[0].pods] == ["p"]
    assert before <= found.at <= SystemClock().now()
    assert len(cluster.script.seen) == 4


async def test_observing_what_is_not_there_fails(cluster, tmp_path):
    async with client_of(cluster.script, tmp_path) as client:
        with pytest.raises(Failure, match="there is no Rollout 'web'"):
            await live.observe(client, KEY)


async def test_following_sees_what_the_watches_tell(cluster, tmp_path):
    cluster.has("rollouts", rollout(status())).has("replicasets", replica_set("bbb", 2, 1, 0))
    ready = replica_set("bbb", 2, 1, 1)
    ready["metadata"]["resourceVersion"] = "9"
    cluster.script.watch(cluster.path("replicasets"), watch(event("MODIFIED", ready), then="hang"))
    async with client_of(cluster.script, tmp_path) as client, live.following(client, KEY) as following:
        while following.view().revisions[0].replica_sets[0].available == 0:
            await following.changed(within=30)
        await following.changed(within=0.01)
        assert following.view().revisions[0].replica_sets[0].status == "Healthy"

"""The twin does what Kubernetes' StatefulSet controller was seen to do."""

from datetime import UTC, datetime, timedelta

import pytest

from rollouts.api import keys
from rollouts.api.kinds import POD, POD_DISRUPTION_BUDGET, SERVICE, STATEFUL_SET
from rollouts.api.meta import Key, Ref
from rollouts.planner.actions import DeletePod, EvictPod, Target
from rollouts.simulator.objects import Refused
from rollouts.simulator.world import Habits, World

START = datetime(2026, 1, 1, tzinfo=UTC)
SET = Ref(STATEFUL_SET, "default", "db")


def template(tag):
    return {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "c", "image": f"db:{tag}"}]}}


def cluster(partition=0, *, bad=(), **spec):
    world = World(START, habits=Habits(frozenset(bad)))
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
    written = {"replicas": 5, "template": template(1), "updateStrategy": strategy, **spec}
    world.create(STATEFUL_SET, {"metadata": {"name": "db"}, "spec": written})
    return later(world)


def later(world, seconds=60):
    world.advance(world.now + timedelta(seconds=seconds))
    return world


def change(world, **spec):
    world.patch(SET, {"spec": spec})
    return later(world)


def at(partition):
    return {"updateStrategy": {"rollingUpdate": {"partition": partition}}}


def status(world):
    return world.objects.get(SET)["status"]


def new(world):
    """Ordinals of the newest revision."""
    update = status(world)["updateRevision"]
    pods = world.objects.of(POD)
    of_it = (raw for raw in pods if raw["metadata"]["labels"][keys.REVISION_LABEL] == update)
    return sorted(int(raw["metadata"]["name"].removeprefix("db-")) for raw in of_it)


def seen(world, name):
    metadata = world.objects.get(Ref(POD, "default", name))["metadata"]
    return Target(Key("default", name), metadata["uid"], metadata["resourceVersion"])


def test_a_partition_above_all_moves_nothing():
    world = change(cluster(32767), template=template(2))
    assert new(world) == []
    assert status(world)["currentRevision"] != status(world)["updateRevision"]


def test_pods_from_the_partition_on_are_replaced():
    assert new(change(cluster(3), template=template(2))) == [3, 4]


def test_ordinals_added_above_the_partition_are_born_new_and_others_stay():
    world = change(cluster(3), template=template(2))
    assert new(change(world, replicas=7)) == [3, 4, 5, 6]
    assert new(change(world, replicas=5)) == [3, 4]


def test_raising_the_partition_undoes_nothing_and_what_is_deleted_comes_back_old():
    world = change(change(cluster(3), template=template(2)), **at(32767))
    assert new(world) == [3, 4]
    world.apply(EvictPod(seen(world, "db-4"), ""), {})
    assert new(later(world)) == [3]


def test_a_broken_pod_blocks_an_ordered_set_for_ever_even_with_the_old_template_back():
    world = change(cluster(3, bad=["db:2"]), template=template(2))
    assert new(world) == [4]
    world = change(world, template=template(1))
    assert new(world) == [0, 1, 2, 3]
    world.apply(DeletePod(seen(world, "db-4"), ""), {})
    assert new(later(world)) == [0, 1, 2, 3, 4]


def test_when_every_pod_is_new_and_ready_or_there_is_none_the_new_revision_is_current():
    world = change(cluster(), template=template(2))
    assert (new(world), status(world)["currentRevision"]) == ([0, 1, 2, 3, 4], status(world)["updateRevision"])
    world = change(change(cluster(3), template=template(2)), replicas=0)
    assert status(world)["currentRevision"] == status(world)["updateRevision"]


def test_indexes_count_from_the_first_ordinal():
    assert new(change(cluster(3, ordinals={"start": 10}), template=template(2))) == [13, 14]


def test_a_budget_refuses_what_it_must():
    world = cluster()
    spec = {"minAvailable": 5, "selector": {"matchLabels": {"app": "db"}}}
    budget = world.create(POD_DISRUPTION_BUDGET, {"metadata": {"name": "db"}, "spec": spec})
    with pytest.raises(Refused, match="allows 0 disruptions: 5 of 5 pods are healthy, 5 must be"):
        world.apply(EvictPod(seen(world, "db-4"), ""), {})
    world.patch(budget, {"spec": {"minAvailable": 4}})
    world.apply(EvictPod(seen(world, "db-4"), ""), {})


def test_a_pod_that_changed_is_not_evicted():
    world = cluster()
    with pytest.raises(Refused, match="no longer as it was seen"):
        world.apply(EvictPod(Target(Key("default", "db-4"), "", "1"), ""), {})


def test_services_follow_pods_by_revision():
    world = change(cluster(3), template=template(2))
    selector = {"app": "db", keys.REVISION_LABEL: status(world)["updateRevision"]}
    world.create(SERVICE, {"metadata": {"name": "new"}, "spec": {"selector": selector}})
    assert [pod.partition("/")[0] for pod in later(world).endpoints["new"]] == ["db-3", "db-4"]

from datetime import timedelta

import pytest

from rollouts.api.kinds import REPLICA_SET, SERVICE
from rollouts.api.meta import Key
from rollouts.planner.actions import SwitchService, Target, UpdateReplicaSet
from rollouts.simulator.lags import Lags
from rollouts.simulator.objects import Refused
from rollouts.simulator.world import Habits, World
from tests.given import NOW

LABELS = {"app": "web", "rollouts-pod-template-hash": "abc"}
SECOND = timedelta(seconds=1)


def revision(replicas=2, image="web:1", **spec):
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"image": image}]}}
    return {
        "metadata": {"name": "web-abc", "labels": LABELS},
        "spec": {"replicas": replicas, "template": template, **spec},
    }


def service():
    return {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}}}


def counts(world, ref):
    status = world.objects.get(ref)["status"]
    return status["replicas"], status["readyReplicas"], status["availableReplicas"]


def test_pods_are_made_then_ready_then_available():
    world = World(NOW, Lags(ready=(2, 2)))
    ref = world.create(REPLICA_SET, revision(minReadySeconds=3))
    seen = []
    for second in (0, 2, 5):
        world.advance(NOW + second * SECOND)
        seen.append(counts(world, ref))
    assert seen == [(2, 0, 0), (2, 2, 0), (2, 2, 2)]


def test_bad_images_never_become_ready():
    world = World(NOW, habits=Habits(never_ready=frozenset({"web:1"})))
    ref = world.create(REPLICA_SET, revision())
    world.advance(NOW + timedelta(days=1))
    assert (counts(world, ref), world.next) == ((2, 0, 0), None)


def test_unready_pods_go_first():
    world = World(NOW)
    ref = world.create(REPLICA_SET, revision(1))
    world.advance(NOW + 5 * SECOND)
    world.patch(ref, {"spec": {"replicas": 3}})
    world.advance(NOW + 5 * SECOND)
    world.patch(ref, {"spec": {"replicas": 1}})
    world.advance(NOW + 5 * SECOND)
    assert counts(world, ref) == (1, 1, 1)


def test_a_write_to_another_version_is_refused():
    world = World(NOW)
    ref = world.create(REPLICA_SET, revision())
    stale = Target(Key("default", "web-abc"), "", world.objects.version(ref))
    world.advance(NOW)
    with pytest.raises(Refused, match="no longer as it was seen"):
        world.apply(UpdateReplicaSet(stale, "because", replicas=1), {})


def test_a_plan_knows_the_versions_of_its_own_writes():
    world = World(NOW)
    ref = world.create(SERVICE, service())
    seen = Target(Key("default", "web"), "", world.objects.version(ref))
    versions = {}
    for pod_hash in ("abc", "def"):
        world.apply(SwitchService(seen, pod_hash, "web", "because"), versions)
    assert world.objects.get(ref)["spec"]["selector"]["rollouts-pod-template-hash"] == "def"


def test_endpoints_follow_late_and_the_data_plane_later():
    world = World(NOW, Lags(endpoints=(1, 1), proxy=(10, 10)))
    world.create(SERVICE, service())
    world.create(REPLICA_SET, revision(1))
    known = []
    for second in (0, 1, 10, 11):
        world.advance(NOW + second * SECOND)
        known.append((len(world.endpoints.get("web", ())), len(world.dataplane.endpoints.get("web", ()))))
    assert known == [(0, 0), (1, 0), (1, 0), (1, 1)]


def test_news_of_one_object_arrives_in_order():
    world = World(NOW, Lags(seed=3, proxy=(0, 20)))
    ref = world.create(SERVICE, service())
    replica_set = world.create(REPLICA_SET, revision(0))
    for size in range(1, 8):
        world.patch(replica_set, {"spec": {"replicas": size}})
        world.advance(world.now + 2 * SECOND)
    sizes = []
    while world.next is not None:
        world.advance(world.next)
        sizes.append(len(world.dataplane.endpoints.get(ref.name, ())))
    assert sizes == sorted(sizes)
    assert sizes[-1] == 7


def test_generations_count_content_alone():
    world = World(NOW)
    ref = world.create(SERVICE, service())
    world.patch(ref, {"metadata": {"annotations": {"a": "b"}}})
    world.patch_status(ref, {"phase": "x"})
    world.patch(ref, {"spec": {"selector": {"app": "other"}}})
    assert world.objects.get(ref)["metadata"]["generation"] == 2


def test_killed_pods_are_made_again():
    world = World(NOW)
    ref = world.create(REPLICA_SET, revision())
    world.advance(NOW + SECOND)
    world.kill("abc")
    assert counts(world, ref) == (1, 1, 1)
    world.advance(NOW + 2 * SECOND)
    assert counts(world, ref) == (2, 2, 2)

"""ReplicaSets change hands: seen from outside, a whole controller at work."""

import asyncio

from tests.controllers.running import api, controller, healthy, rollout
from tests.runtime.virtualtime import eventually, virtual_time


def owners(found):
    return [one["uid"] for one in found["metadata"].get("ownerReferences", [])]


def orphaned(server):
    """What --cascade=orphan leaves of a ReplicaSet."""
    (found,) = server.all("replicasets")
    bare = {key: value for key, value in found["metadata"].items() if key != "ownerReferences"}
    return server.put("replicasets", found | {"metadata": bare}, group="apps/v1")


@virtual_time
async def test_pods_survive_a_rollout_that_is_made_anew(tmp_path):
    async with api() as server, controller(server, tmp_path, leader_elect=False):
        server.put("rollouts", rollout())
        await healthy(server)
        kept = orphaned(server)["metadata"]["uid"]
        server._delete("/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web", {}, "")
        again = rollout()
        server.put("rollouts", again | {"metadata": again["metadata"] | {"uid": "uid-again"}})
        await healthy(server)
        assert [(found["metadata"]["uid"], owners(found)) for found in server.all("replicasets")] == [
            (kept, ["uid-again"])
        ]
        assert "collisionCount" not in server.get("rollouts", "web")["status"]


@virtual_time
async def test_a_rollout_that_is_being_deleted_adopts_nothing_though_its_deletion_is_not_yet_seen(tmp_path):
    async with api() as server, controller(server, tmp_path, leader_elect=False):
        server.put("rollouts", rollout())
        await healthy(server)
        tries = []

        def deleted_meanwhile(write, _):
            if write.resource == "rollouts" and not tries:
                tries.append(write)
                found = server.get("rollouts", "web")
                meta = found["metadata"] | {"deletionTimestamp": "2026-01-01T00:00:00Z"}
                server.put("rollouts", found | {"metadata": meta})

        server.refuse = deleted_meanwhile
        orphaned(server)
        await eventually(lambda: tries)
        await asyncio.sleep(60)
        assert [owners(found) for found in server.all("replicasets")] == [[]]


@virtual_time
async def test_what_lost_its_labels_is_let_go_and_replaced(tmp_path):
    async with api() as server, controller(server, tmp_path, leader_elect=False):
        server.put("rollouts", rollout())
        await healthy(server)
        (found,) = server.all("replicasets")
        labels = found["metadata"]["labels"] | {"app": "debug"}
        server.put("replicasets", found | {"metadata": found["metadata"] | {"labels": labels}}, group="apps/v1")
        await eventually(lambda: len(server.all("replicasets")) == 2, within=60)
        await healthy(server)
        debugged, new = sorted(server.all("replicasets"), key=lambda one: one["metadata"]["labels"]["app"])
        assert (owners(debugged), owners(new)) == ([], ["uid-web"])
        assert server.get("rollouts", "web")["status"]["collisionCount"] == 1

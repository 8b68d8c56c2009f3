from rollouts.api.keys import HASH_LABEL, MANAGED_BY
from rollouts.api.meta import Key
from rollouts.controllers.housekeeping import AGAIN, tidy_up
from tests.controllers.apiserver import cluster
from tests.controllers.shelves import stores_of
from tests.planner.lent import SPACE, named, service

WEB = Key(SPACE, "web")


def marked(name="one", pod_hash="abc"):
    found = service(name, annotations={MANAGED_BY: "web"})
    found["spec"]["selector"][HASH_LABEL] = pod_hash
    return found


def revision(pods, pod_hash="abc"):
    found = named("ReplicaSet", f"web-{pod_hash}", owner="uid-1", labels={HASH_LABEL: pod_hash})
    return found | {"status": {"replicas": pods}}


def present(server, *services):
    """Put into the API server what the stores show, at the version they know."""
    for raw in services:
        server.put("services", raw, group="v1")
        raw["metadata"]["resourceVersion"] = server.get("services", raw["metadata"]["name"])["metadata"][
            "resourceVersion"
        ]
    return services


async def test_services_of_a_rollout_that_is_nowhere_select_every_pod(tmp_path):
    async with cluster(tmp_path) as (server, client):
        stores = stores_of(*present(server, marked(), marked("two", "def")), revision(0))
        await tidy_up(WEB, stores, client)
        assert server.wrote() == ["patch services one", "patch services two"]
        found = server.get("services", "one")
        assert (found["spec"]["selector"], found["metadata"].get("annotations", {})) == ({"app": "web"}, {})
        # until that is seen nothing is written again
        await tidy_up(WEB, stores, client)
        assert len(server.writes) == 2


async def test_a_rollout_that_another_controller_watches_keeps_its_services(tmp_path):
    async with cluster(tmp_path) as (server, client):
        server.put("rollouts", {"metadata": {"name": "web"}})
        assert await tidy_up(WEB, stores_of(*present(server, marked())), client) is None
        assert server.wrote() == []


async def test_while_its_pods_stand_a_service_leads_to_them(tmp_path):
    async with cluster(tmp_path) as (server, client):
        assert await tidy_up(WEB, stores_of(*present(server, marked()), revision(2)), client) == AGAIN
        assert server.wrote() == []


async def test_once_its_pods_are_gone_nobody_looks_again(tmp_path):
    async with cluster(tmp_path) as (server, client):
        stores = stores_of(*present(server, marked(), marked("two", "def")), revision(0), revision(1, "def"))
        assert await tidy_up(WEB, stores, client) == AGAIN
        assert server.wrote() == ["patch services one"]
        assert await tidy_up(WEB, stores_of(*present(server, service("three"))), client) is None


async def test_a_service_that_changed_since_is_left_to_the_next_look(tmp_path):
    async with cluster(tmp_path) as (server, client):
        found = present(server, marked())
        server.put("services", found[0] | {"spec": {"selector": {"app": "web", HASH_LABEL: "new"}}}, group="v1")
        await tidy_up(WEB, stores_of(*found), client)
        assert server.wrote() == []


async def test_a_service_without_a_hash_is_nobodys_business(tmp_path):
    async with cluster(tmp_path) as (server, client):
        kept = service("one", annotations={MANAGED_BY: "web"})
        await tidy_up(WEB, stores_of(*present(server, kept)), client)
        assert server.wrote() == []

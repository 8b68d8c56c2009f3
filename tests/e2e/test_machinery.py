"""Client, informer, lease and recorder against a real API server: the one that KUBECONFIG names."""

import asyncio
import os
import uuid
from contextlib import asynccontextmanager

import msgspec
import pytest

from rollouts.api.kinds import CONFIG_MAP, EVENT, HTTP_ROUTE, LEASE, NAMESPACE, SERVICE
from rollouts.api.meta import Key, Kind, Metadata
from rollouts.kube.client import Client, Content
from rollouts.kube.errors import AlreadyExists, ApiError, Conflict, Gone, Invalid, NotFound, NotLeading
from rollouts.kube.informer import Informer
from rollouts.kube.lease import Lease
from rollouts.kube.objects import decode_object
from rollouts.kube.recorder import Recorder
from rollouts.kube.watch import Broken, read_line
from rollouts.runtime.clock import SystemClock
from rollouts.runtime.lifecycle import background

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        "KUBECONFIG" not in os.environ, reason="needs an API server: rollouts sandbox exec -- pytest ..."
    ),
]


@pytest.fixture
async def client():
    async with Client.connect(user_agent="machinery-tests", qps=0) as client:
        yield client


@pytest.fixture
async def namespace(client):
    name = f"machinery-{uuid.uuid4().hex[:8]}"
    await client.create(NAMESPACE, "", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    await client.delete(NAMESPACE, Key("", name))


def config_map(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": "x"}}, "data": data}


def version_of(body):
    return decode_object(body).metadata.resource_version


async def eventually(claim, within=30.0):
    async with asyncio.timeout(within):
        while not claim():  # noqa: ASYNC110 (there is nothing to be told by)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def informing(client, namespace, kind=CONFIG_MAP, **options):
    events = []
    informer = Informer(kind, decode_object, client=client, namespace=namespace, on_event=events.append, **options)
    async with background(informer=informer.run()):
        await informer.synced()
        yield informer.store, events


async def test_the_informer_follows_what_is_written(client, namespace):
    await client.create(CONFIG_MAP, namespace, config_map("first"))
    async with informing(client, namespace, selector="app=x") as (store, events):
        first = store.get(Key(namespace, "first"))
        key = Key(namespace, "second")
        store.expect(key, version_of(await client.create(CONFIG_MAP, namespace, config_map("second"))))
        await eventually(lambda: not store.is_stale(key))
        shown = store.get(key)
        patched = await client.patch(CONFIG_MAP, key, {"data": {"a": "1"}})
        # The watch may tell of a write before its answer does, so that nothing may be stale from here on.
        store.expect(key, version_of(patched))
        await eventually(lambda: not store.is_stale(key))
        assert (first is not None, shown is not None, store.get(key).raw["data"]) == (True, True, {"a": "1"})
        store.expect_deleted(key, shown.metadata.uid)
        await client.delete(CONFIG_MAP, key, uid=shown.metadata.uid)
        await eventually(lambda: not store.is_stale(key))
        assert (store.get(key), store.expired) == (None, 0)
        told = [(event.type.value, event.key.name) for event in events if event.key.name == "second"]
        assert told == [("ADDED", "second"), ("MODIFIED", "second"), ("DELETED", "second")]


async def test_an_own_write_that_leaves_the_selector_is_seen(client, namespace):
    await client.create(CONFIG_MAP, namespace, config_map("a"))
    async with informing(client, namespace, selector="app=x") as (store, _):
        key = Key(namespace, "a")
        store.expect(key, version_of(await client.patch(CONFIG_MAP, key, {"metadata": {"labels": {"app": None}}})))
        await eventually(lambda: not store.is_stale(key))
        assert (store.get(key), store.expired) == (None, 0)


async def test_a_write_that_changes_nothing_is_not_waited_for(client, namespace):
    await client.create(CONFIG_MAP, namespace, config_map("a"))
    async with informing(client, namespace) as (store, _):
        key = Key(namespace, "a")
        store.expect(key, version_of(await client.patch(CONFIG_MAP, key, {"metadata": {"labels": {"app": "x"}}})))
        assert not store.is_stale(key)


async def test_a_list_comes_in_pages(client, namespace):
    for number in range(5):
        await client.create(CONFIG_MAP, namespace, config_map(f"c{number}"))
    pages = [
        [item["metadata"]["name"] for item in msgspec.json.decode(page)["items"]]
        async for page in client.pages(CONFIG_MAP, namespace, selector="app=x", limit=2)
    ]
    assert pages == [["c0", "c1"], ["c2", "c3"], ["c4"]]


async def first_fault(client, kind, version):
    """The error with which a watch from *version* is refused or ends."""
    try:
        async with client.stream(kind.path(), {"watch": "true", "resourceVersion": version}, silence=20) as lines:
            async for line in lines:
                match read_line(line):
                    case Broken(error=error):
                        return error
    except ApiError as error:
        return error
    return None


async def test_a_version_that_is_too_old_is_gone(client):
    # of kinds that came after the server started, it cannot know what was before them
    assert type(await first_fault(client, HTTP_ROUTE, "1")) is Gone


async def test_a_kind_that_is_not_served_is_empty(client):
    unknown = Kind("example.org", "v1", "Nothing", "nothings")
    async with informing(client, "", kind=unknown) as (store, events):
        assert (store.synced, store.served, events) == (True, False, [])


async def test_failures_have_their_class(client, namespace):
    key = Key(namespace, "a")
    await client.create(CONFIG_MAP, namespace, config_map("a"))
    with pytest.raises(AlreadyExists):
        await client.create(CONFIG_MAP, namespace, config_map("a"))
    with pytest.raises(Conflict):
        await client.delete(CONFIG_MAP, key, uid="another")
    with pytest.raises(Conflict):
        await client.patch(CONFIG_MAP, key, {"metadata": {"resourceVersion": "1"}, "data": {"a": "1"}})
    with pytest.raises(NotFound):
        await client.get(CONFIG_MAP, Key(namespace, "none"))
    broken = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 0}]}}
    with pytest.raises(Invalid) as caught:
        await client.create(SERVICE, namespace, broken)
    assert "spec.ports[0].port" in {cause.field for cause in caught.value.causes}


async def test_every_kind_of_patch_is_accepted(client, namespace):
    key = Key(namespace, "a")
    await client.create(CONFIG_MAP, namespace, config_map("a"))
    await client.patch(CONFIG_MAP, key, {"data": {"merge": "1"}})
    await client.patch(CONFIG_MAP, key, [{"op": "add", "path": "/data/json", "value": "1"}], content=Content.JSON)
    await client.patch(CONFIG_MAP, key, {"data": {"strategic": "1"}}, content=Content.STRATEGIC)
    applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"apply": "1"}}
    await client.patch(CONFIG_MAP, key, applied, content=Content.APPLY, field_manager="tests", force=True)
    await client.create(CONFIG_MAP, namespace, config_map("dry"), dry_run=True)
    (found,) = await client.list(CONFIG_MAP, namespace, selector="app=x")
    assert (set(found["data"]), found["kind"]) == ({"merge", "json", "strategic", "apply"}, "ConfigMap")


async def test_the_lease_goes_from_hand_to_hand(client, namespace):
    def candidate(identity):
        return Lease(
            client, Key(namespace, "lock"), identity, clock=SystemClock(), duration=6, renew_deadline=5, retry=1
        )

    a, b = candidate("a"), candidate("b")
    taken = asyncio.Event()

    async def follow():
        async with b.held():
            taken.set()
            await asyncio.Event().wait()

    async with background(b_waits=_quietly(a, follow)):
        async with a.held():
            a.check()
            await client.fenced(a.check).create(CONFIG_MAP, namespace, config_map("by-a"))
            await asyncio.sleep(7)
            assert (a.is_leading, b.is_leading) == (True, False)
        with pytest.raises(NotLeading):
            a.check()
        async with asyncio.timeout(30):
            await taken.wait()
        spec = msgspec.json.decode(await client.get(LEASE, Key(namespace, "lock")))["spec"]
        assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("b", 1)
    spec = msgspec.json.decode(await client.get(LEASE, Key(namespace, "lock")))["spec"]
    assert spec["holderIdentity"] == ""


async def _quietly(leader, follow):
    """Begin to follow only once somebody leads."""
    await eventually(lambda: leader.is_leading)
    await follow()


async def test_events_are_stored_and_counted(client, namespace):
    recorder = Recorder(client, "rollouts-controller", clock=SystemClock())
    about = Metadata(name="web", namespace=namespace, uid="u1")
    async with background(events=recorder.run()):
        for _ in range(3):
            recorder.record(CONFIG_MAP, about, "Tested", "it works")
            await recorder.flush(30)
    (found,) = await client.list(EVENT, namespace)
    assert (found["count"], found["source"]["component"], found["involvedObject"]["name"], recorder.dropped) == (
        3,
        "rollouts-controller",
        "web",
        0,
    )


async def test_an_unknown_path_is_an_error_and_not_a_crash(client):
    with pytest.raises(ApiError):
        await client.post("/apis/example.org/v1/nothings", {"kind": "Nothing"})

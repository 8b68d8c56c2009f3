import aiohttp
import pytest

from rollouts.sandbox.app import Application
from rollouts.sandbox.behaviour import behaviour_in
from rollouts.sandbox.podspec import Identity
from rollouts.sandbox.probes import Probe, probes_of


@pytest.fixture
async def passes(unused_tcp_port: int):
    async def ask(spec: dict, behaviour: str = "", *, start: bool = True) -> bool:
        app = Application(Identity("v", "p", "h", "n"), behaviour_in(behaviour))
        if start:
            await app.start("127.0.0.1", [unused_tcp_port])
        container = {"ports": [{"name": "http", "containerPort": unused_tcp_port}]}
        async with aiohttp.ClientSession() as session:
            passed = await Probe(container, spec).passes(session, "127.0.0.1")
        await app.stop(0)
        return passed

    return ask


@pytest.mark.parametrize("kind", ["httpGet", "tcpSocket"])
@pytest.mark.parametrize("start", [True, False])
async def test_a_probe_asks_for_real(passes, kind, start):
    assert await passes({kind: {"port": "http", "path": "/ready"}}, start=start) is start


async def test_no_answer_in_time_is_a_failure(passes):
    assert not await passes({"httpGet": {"port": "http"}, "timeoutSeconds": 0.1}, "hang")


async def test_commands_pass_because_nothing_could_run_them(passes):
    assert await passes({"exec": {"command": ["false"]}}, start=False)


def test_defaults_are_the_kubelets():
    probe = Probe({}, {"httpGet": {"port": 80}})
    assert (probe.initial_delay, probe.period, probe.successes, probe.failures) == (0, 10, 1, 3)


def test_probes_of_all_containers_are_asked():
    containers = [{"name": "a", "readinessProbe": {"exec": {}}}, {"name": "b"}]
    assert [probe.container["name"] for probe in probes_of({"spec": {"containers": containers}}, "readinessProbe")] == [
        "a"
    ]

import subprocess
import sys

import pytest

from rollouts.kube import configuration

LOADED = (
    "import sys; import rollouts.kube.client; print(sum(name.startswith('kubernetes_asyncio') for name in sys.modules))"
)
AFTERWARDS = (
    "import rollouts.kube.client; from kubernetes_asyncio.client import ApiClient, CoreV1Api; print(ApiClient.__name__)"
)


def said_by(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_generated_client_is_not_loaded():
    assert said_by(LOADED) == "0"


def test_whoever_wants_the_generated_client_still_gets_it():
    assert said_by(AFTERWARDS) == "ApiClient"


@pytest.mark.parametrize("load", [configuration.loaded_alone, configuration.load])
async def test_either_way_kubeconfigs_are_read(load, tmp_path):
    named = {"name": "here"}
    parts, found = load(), tmp_path / "config"
    config = {
        "current-context": "here",
        "contexts": [named | {"context": {"cluster": "here", "user": "here"}}],
        "clusters": [named | {"cluster": {"server": "https://example.com:6443"}}],
        "users": [named | {"user": {"token": "t0"}}],
    }
    found.write_text(str(config))
    read = parts.configuration()
    await parts.kube_config.load_kube_config(str(found), None, read, persist_config=False)
    assert (read.host, read.api_key) == ("https://example.com:6443", {"BearerToken": "Bearer t0"})


async def test_a_package_that_is_built_otherwise_is_loaded_whole(monkeypatch):
    def fails():
        raise ImportError

    whole = object()
    monkeypatch.setattr(configuration, "loaded_alone", fails)
    monkeypatch.setattr(configuration, "loaded_whole", lambda: whole)
    monkeypatch.delitem(sys.modules, "kubernetes_asyncio", raising=False)
    assert configuration.load() is whole


async def test_what_somebody_has_loaded_is_used(monkeypatch):
    whole = object()
    monkeypatch.setattr(configuration, "loaded_whole", lambda: whole)
    monkeypatch.setitem(sys.modules, "kubernetes_asyncio", object())
    assert configuration.load() is whole

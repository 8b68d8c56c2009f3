import asyncio
import ssl
from base64 import b64encode
from contextlib import asynccontextmanager

import aiohttp
import pytest
import trustme
import yaml
from aiohttp import web
from structlog.testing import capture_logs

from rollouts.api.kinds import POD
from rollouts.api.meta import Key
from rollouts.kube import access
from rollouts.kube.access import AccessError, load_access
from rollouts.kube.client import Client
from rollouts.kube.errors import Unreachable
from tests.kube.server import Script, item, serving
from tests.runtime.virtualtime import virtual_time

A = "/api/v1/namespaces/shop/pods/a"
KEY = Key("shop", "a")


@pytest.fixture
def authority():
    return trustme.CA()


@asynccontextmanager
async def tls_server(authority, name="localhost", answer=None):
    """A TLS server for *name* on loopback that asks for, and accepts, client certificates."""

    async def get(request):
        return web.json_response(item("a", 1) | {"token": request.headers.get("Authorization", "")})

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, "127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    app = web.Application()
    app.router.add_get(A, answer or get)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def written(tmp_path, cluster, user):
    config = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return str(path)


def authority_file(tmp_path, authority):
    path = tmp_path / "ca.crt"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


async def test_tls_trusts_the_kubeconfigs_authority_and_shows_its_certificate(tmp_path, authority):
    shown = []

    async def answer(request):
        shown.append(request.transport.get_extra_info("peercert") or {})
        return web.json_response(item("a", 1))

    certificate = authority.issue_cert("me@example.org")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert"))
    user = {"client-certificate": str(tmp_path / "cert"), "client-key": str(tmp_path / "key")}
    async with tls_server(authority, answer=answer) as port:
        cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": authority_file(tmp_path, authority)}
        async with Client.connect(kubeconfig=written(tmp_path, cluster, user), user_agent="t") as client:
            await client.get(POD, KEY)
    assert ("email", "me@example.org") in shown[0]["subjectAltName"]


async def test_another_authority_is_not_trusted(tmp_path, authority):
    async with tls_server(trustme.CA()) as port:
        cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": authority_file(tmp_path, authority)}
        async with Client.connect(kubeconfig=written(tmp_path, cluster, {}), user_agent="t") as client:
            with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
                await client.get(POD, KEY)


async def test_tls_server_name_is_the_name_that_is_checked(tmp_path, authority):
    async with tls_server(authority, "api.example.org") as port:
        cluster = {
            "server": f"https://127.0.0.1:{port}",
            "certificate-authority": authority_file(tmp_path, authority),
            "tls-server-name": "api.example.org",
        }
        good = written(tmp_path, cluster, {})
        async with Client.connect(kubeconfig=good, user_agent="t") as client:
            assert await client.get(POD, KEY)
        bad = written(tmp_path, cluster | {"tls-server-name": "other.example.org"}, {})
        async with Client.connect(kubeconfig=bad, user_agent="t") as client:
            with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
                await client.get(POD, KEY)


async def test_insecure_skip_tls_verify_skips(tmp_path):
    async with tls_server(trustme.CA()) as port:
        cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
        async with Client.connect(kubeconfig=written(tmp_path, cluster, {}), user_agent="t") as client:
            assert await client.get(POD, KEY)


async def test_in_a_pod_the_service_account_is_used(tmp_path, authority, monkeypatch):
    (tmp_path / "token").write_text("pod-token\n")
    (tmp_path / "namespace").write_text("argo\n")
    async with tls_server(authority) as port:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(port))
        monkeypatch.delenv("KUBECONFIG", raising=False)
        monkeypatch.setattr(access, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
        monkeypatch.setattr(access, "SERVICE_CERT_FILENAME", authority_file(tmp_path, authority))
        monkeypatch.setattr(access, "_NAMESPACE_FILE", tmp_path / "namespace")
        async with Client.connect(user_agent="t") as client:
            assert b"Bearer pod-token" in await client.get(POD, KEY)
            assert client.default_namespace == "argo"


async def test_in_a_pod_without_an_account_the_reason_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(access, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    with pytest.raises(AccessError, match="service account cannot be used"):
        await load_access()


async def test_kubeconfig_of_the_environment_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", written(tmp_path, {"server": "http://127.0.0.1:1"}, {}))
    assert (await load_access()).host == "http://127.0.0.1:1"


@pytest.mark.parametrize(("no_proxy", "proxied"), [("", True), ("127.0.0.1", False)])
async def test_the_environments_proxy_is_used_unless_told_not_to(tmp_path, monkeypatch, no_proxy, proxied):
    async with serving(Script().on("GET", A, web.json_response(item("a", 1)))) as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, no_proxy)
        path = written(tmp_path, {"server": "http://127.0.0.1:1"}, {})
        async with Client.connect(kubeconfig=path, user_agent="t") as client:
            if proxied:
                assert await client.get(POD, KEY)
            else:
                with pytest.raises(Unreachable):
                    await client.get(POD, KEY)
        assert len(proxy.seen) == proxied


async def test_the_kubeconfigs_proxy_is_used(tmp_path):
    async with serving(Script().on("GET", A, web.json_response(item("a", 1)))) as proxy:
        path = written(tmp_path, {"server": "http://127.0.0.1:1", "proxy-url": proxy.url}, {})
        async with Client.connect(kubeconfig=path, user_agent="t") as client:
            await client.get(POD, KEY)
        assert len(proxy.seen) == 1


async def test_an_exec_plugin_gives_the_token_and_a_new_one_after_401(tmp_path):
    script = tmp_path / "plugin"
    count = tmp_path / "count"
    script.write_text(
        f"#!/bin/sh\necho x >> {count}\n"
        'echo \'{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t\'$(wc -l <'
        f"{count} | tr -d ' ')'\"}}}}'\n"
    )
    script.chmod(0o755)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(script)}}
    refused = web.json_response({"kind": "Status", "code": 401}, status=401)
    async with serving(Script().on("GET", A, refused, web.json_response(item("a", 1)))) as server:
        path = written(tmp_path, {"server": server.url}, user)
        async with Client.connect(kubeconfig=path, user_agent="t") as client:
            await client.get(POD, KEY)
        assert [seen.headers["Authorization"] for seen in server.seen] == ["Bearer t1", "Bearer t2"]


async def test_a_kubeconfig_that_is_none_is_said(tmp_path):
    (tmp_path / "bad").write_text("just text")
    with pytest.raises(AccessError, match="cannot be used"):
        await load_access(str(tmp_path / "bad"))


@pytest.fixture
def impatient(monkeypatch):
    """Everything is looked at again before each request."""
    monkeypatch.setattr(access, "TOKEN_PERIOD", 0.0)


def in_a_pod(monkeypatch, tmp_path, port):
    (tmp_path / "token").write_text("pod-token")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(port))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(access, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(access, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))


@pytest.mark.parametrize("where", ["kubeconfig", "pod", "inline"])
async def test_an_authority_that_was_rotated_is_trusted(tmp_path, authority, monkeypatch, impatient, where):
    old = trustme.CA()
    async with tls_server(authority) as port:
        server = f"https://127.0.0.1:{port}"
        authority_file(tmp_path, old)
        in_a_pod(monkeypatch, tmp_path, port)
        path = None if where == "pod" else written(tmp_path, cluster_of(where, server, old, tmp_path), {})
        async with Client.connect(kubeconfig=path, user_agent="t") as client:
            with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
                await client.get(POD, KEY)
            authority_file(tmp_path, authority)
            if where == "inline":
                written(tmp_path, cluster_of(where, server, authority, tmp_path), {})
            assert await client.get(POD, KEY)


def cluster_of(where, server, trusted, tmp_path):
    if where == "inline":
        return {"server": server, "certificate-authority-data": b64encode(trusted.cert_pem.bytes()).decode()}
    return {"server": server, "certificate-authority": str(tmp_path / "ca.crt")}


async def test_a_client_certificate_that_was_rotated_is_shown(tmp_path, authority, impatient):
    shown = []

    async def answer(request):
        shown.append((request.transport.get_extra_info("peercert") or {})["subjectAltName"])
        return web.json_response(item("a", 1))

    certified(tmp_path, authority, "old@example.org")
    user = {"client-certificate": str(tmp_path / "cert"), "client-key": str(tmp_path / "key")}
    async with tls_server(authority, answer=answer) as port:
        cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": authority_file(tmp_path, authority)}
        async with Client.connect(kubeconfig=written(tmp_path, cluster, user), user_agent="t") as client:
            await client.get(POD, KEY)
            certified(tmp_path, authority, "new@example.org")
            await client.get(POD, KEY)
    assert [dict(names)["email"] for names in shown] == ["old@example.org", "new@example.org"]


async def test_a_certificate_half_written_is_left_for_later(tmp_path, authority, impatient):
    certified(tmp_path, authority, "old@example.org")
    user = {"client-certificate": str(tmp_path / "cert"), "client-key": str(tmp_path / "key")}
    async with tls_server(authority) as port:
        cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": authority_file(tmp_path, authority)}
        async with Client.connect(kubeconfig=written(tmp_path, cluster, user), user_agent="t") as client:
            (tmp_path / "cert").write_text("-----BEGIN")
            with capture_logs() as logs:
                assert await client.get(POD, KEY)
            certified(tmp_path, authority, "new@example.org")
            with capture_logs() as mended:
                assert await client.get(POD, KEY)
    assert [line["event"] for line in logs] == ["credentials could not be renewed"]
    assert [line["event"] for line in mended] == ["certificates renewed"]


def certified(tmp_path, authority, whom):
    certificate = authority.issue_cert(whom)
    certificate.private_key_pem.write_to_path(str(tmp_path / "key"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert"))


async def test_another_token_in_the_kubeconfig_is_used(tmp_path, impatient):
    async with serving(Script().on("GET", A, web.json_response(item("a", 1)))) as server:
        path = written(tmp_path, {"server": server.url}, {"token": "one"})
        async with Client.connect(kubeconfig=path, user_agent="t") as client:
            await client.get(POD, KEY)
            written(tmp_path, {"server": server.url}, {"token": "two"})
            await client.get(POD, KEY)
        assert [seen.headers["Authorization"] for seen in server.seen] == ["Bearer one", "Bearer two"]


def access_with(refresh):
    return access.Access(access.Configuration(host="http://127.0.0.1:1"), "shop", refresh)


@virtual_time
async def test_credentials_that_never_come_hold_nobody_up_for_ever():
    made = access_with(asyncio.Event().wait)
    with capture_logs() as logs:
        await made.refresh()
    assert [line["event"] for line in logs] == ["credentials could not be renewed"]


@virtual_time
async def test_those_who_ask_during_a_renewal_share_it_and_others_go_on_with_the_old_token():
    calls = []

    async def slowly():
        calls.append(None)
        await asyncio.sleep(5)

    made = access_with(slowly)
    await asyncio.sleep(access.TOKEN_PERIOD)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(made.headers(), name="first")
        await asyncio.sleep(1)
        group.create_task(made.refresh(), name="refused meanwhile")
        assert await made.headers() == {}
        assert not first.done()
    assert len(calls) == 1


@virtual_time
@pytest.mark.parametrize("error", [KeyError("status"), TypeError("None"), aiohttp.ClientError(), yaml.YAMLError()])
async def test_a_renewal_that_fails_leaves_the_old_token(error):
    async def broken():
        raise error

    with capture_logs() as logs:
        await access_with(broken).refresh()
    assert [line["log_level"] for line in logs] == ["warning"]
